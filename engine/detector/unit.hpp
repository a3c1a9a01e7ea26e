#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "engine/detector/description.hpp"

namespace crible::detector {

/// A number as written, exactly: numerator / denominator, denominator > 0.
struct Ratio {
  std::int64_t numerator = 0;
  std::int64_t denominator = 1;
};

/// "0.02175", "180": decimal digits with at most one point, 18 digits at most; no sign, no exponent.
/// Empty for anything else.
std::optional<Ratio> parse_decimal(std::string_view text);

/// The exact value of a finite, positive double; empty when it does not fit a Ratio.
std::optional<Ratio> exact_ratio(double value);

}  // namespace crible::detector
