#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "engine/importers/exact.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/network.hpp"

namespace crible::importers {

/// A quantizer seen from the integer that carries its argument:
///   k(q) = clamp(round(scale * q + offset) + zero_point, low, high)   for q in [range.low, range.high].
/// It is a monotone step function of q.
struct StepFunction {
  Real scale;
  Real offset;
  std::int64_t zero_point = 0;
  network::Rounding rounding = network::Rounding::half_even;
  std::int64_t low = 0;
  std::int64_t high = 0;
  network::Interval range;
};

/// round(v) >= k holds exactly when v >= edge, or v > edge when strict. Twice the edge is an integer.
struct Edge {
  Integer twice;
  bool strict;
};
Edge edge_of(const Integer& k, network::Rounding rounding);

/// round(value) in the given mode, exactly.
Integer round_exactly(const Real& value, network::Rounding rounding);

/// k(q) for one q.
std::int64_t evaluate(const StepFunction& function, std::int64_t q);

/// Attributes of a requantize node that equals the step functions, one entry for each.
struct RequantizeRows {
  std::vector<std::int64_t> multiplier;
  std::vector<std::int64_t> offset;
  std::vector<int> shift;
  std::vector<std::int64_t> zero_point;
  network::Rounding rounding = network::Rounding::floor;
};

/// Attributes of a threshold node: y = base + sign * (number of thresholds t with q >= t).
struct ThresholdRows {
  int steps = 0;
  std::vector<std::int64_t> thresholds;
  std::vector<std::int64_t> base;
  std::vector<int> sign;
};

/// Scales and offsets that are integers times 2^-shift: the model's own formula in integers, no search.
/// Nothing when they are not, or when multiplier * q + offset needs more than `sum_bits` bits.
std::optional<RequantizeRows> as_shift(const std::vector<StepFunction>& rows, int sum_bits = 62);

/// Multiplier and shift that are equal to the step function at every q of its range. Each breakpoint is found
/// exactly; multiplier and offset are accepted only when both sides of every breakpoint come out right, which
/// is all that a monotone function needs. Nothing when 64 bits do not suffice. `exactness` counts the steps.
std::optional<RequantizeRows> as_multiplier(const std::vector<StepFunction>& rows, Exactness& exactness);

/// The breakpoints themselves. Throws Error when there are more than 65536 in a row.
ThresholdRows as_thresholds(const std::vector<StepFunction>& rows);

}  // namespace crible::importers
