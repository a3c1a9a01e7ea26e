#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

namespace crible::golden {

/// Every executor that can run here: "reference" and the usable devices of all backends, by name.
std::vector<std::string> executors();

/// Runs `network`, which has one input, on `rows` of integers (row after row). Result: for each output the
/// rows.
std::vector<std::vector<std::int64_t>> run(const network::Network& network, const std::string& executor,
                                           const std::vector<std::int64_t>& rows);

/// Integers of the network's input for real numbers, by its encoding.
std::vector<std::int64_t> encoded(const network::Network& network, const std::vector<double>& reals);

}  // namespace crible::golden
