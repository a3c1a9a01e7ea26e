#pragma once

#include <cstdint>
#include <vector>

#include "engine/network/types.hpp"

/// The proof that sums of byte products fit 16 bits. One instruction multiplies four stored bytes (unsigned)
/// with four weights (signed) and adds neighbours: two sums, which saturate where they do not fit. So a step
/// may only be planned where the proven ranges of the stored bytes keep both inside int16, and steps may be
/// added in 16 bits only while the sums of their ranges stay there.
namespace crible::backends::cpu {

/// The weights of one lane for one block of outputs: [4 of output 0], [4 of output 1], ...
using LaneWeights = std::vector<std::int32_t>;

/// A lane and what it is multiplied with. A lane whose products do not fit takes more than one step.
struct PairStep {
  std::uint32_t lane = 0;
  LaneWeights weights;
  std::vector<network::Interval> sums;  // two for each output
};

bool all_zero(const LaneWeights& weights);

/// The proven sums of neighbours, 0 included; `stored` are the ranges of the lane's four bytes.
std::vector<network::Interval> pair_sums(const LaneWeights& weights, const network::Interval* stored);

/// Whether the sums of two steps, or one and nothing, still fit 16 bits.
bool fit_together(const std::vector<network::Interval>& a, const std::vector<network::Interval>& b);

/// Takes from the weights what the sums have no room for, and returns it: weights of a second step.
LaneWeights take_excess(LaneWeights& weights, const network::Interval* stored);

/// The steps of a lane: none, one or two.
std::vector<PairStep> pair_steps(std::uint32_t lane, LaneWeights weights, const network::Interval* stored);

/// The order in which steps can be added two by two: first with second, third with fourth, ... A step that
/// finds no partner gets one with zero weights.
std::vector<PairStep> in_twos(std::vector<PairStep> steps);

}  // namespace crible::backends::cpu
