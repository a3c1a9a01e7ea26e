#pragma once

#include "hls/firmware.hpp"
#include "hls/lower.hpp"
#include "hls/pipeline.hpp"

namespace crible::hls {

/// Counts and estimates of what the pipeline needs.
Resources estimate(const Arithmetic& arithmetic, const Pipeline& pipeline, int tag_bits);

/// 6-input LUTs of one word: an adder takes one for each bit of its carry chain, a comparison one for two
/// bits, a selector one for each bit (two where both sides and a third input meet), a table of n > 6 inputs
/// 2^(n-6) for each bit, a product one for each bit of each row.
long long lut_estimate(const Graph& graph, const Word& word);

}  // namespace crible::hls
