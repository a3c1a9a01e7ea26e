#pragma once

#include <string>

#include "engine/network/verify.hpp"
#include "hls/lower.hpp"
#include "hls/pipeline.hpp"

/// The steps of the way as text, for whoever wants to see what became of a node.
namespace crible::hls {

/// One line for each operation: what it is, its proven range, its words and the stages that they fall into.
std::string dump_operations(const network::Network& network, const network::Ranges& ranges,
                            const Arithmetic& arithmetic, const Pipeline& pipeline);

/// One line for each word: "w12 = w3 + (w4 << 2)  s12 [-100, 200]".
std::string dump_arithmetic(const network::Network& network, const Arithmetic& arithmetic);

/// For each stage its words, and the bits that cross into the next one.
std::string dump_pipeline(const Arithmetic& arithmetic, const Pipeline& pipeline);

}  // namespace crible::hls
