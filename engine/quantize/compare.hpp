#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace crible::quantize {

/// How far two lists of numbers are apart.
struct Difference {
  std::size_t count = 0;
  double largest = 0;  // of the absolute values
  double mean = 0;     // of the absolute values
  double rms = 0;
  double deviation = 0;  // standard deviation of `wanted`: what the differences are to be seen against
  double low = 0;        // smallest and largest of got - wanted: the ends of the histogram
  double high = 0;
  std::vector<std::size_t> histogram;  // equal bins from low to high
};

Difference difference(const std::vector<double>& wanted, const std::vector<double>& got, std::size_t bins);

/// Area under the ROC curve: the probability that a signal scores above a background, ties counting half.
/// Nothing when one of the two is missing.
std::optional<double> area_under_curve(const std::vector<double>& scores, const std::vector<bool>& is_signal);

/// Fraction of the rows of `columns` numbers whose largest is at the same place in both lists.
double same_largest(const std::vector<double>& wanted, const std::vector<double>& got, std::size_t columns);

}  // namespace crible::quantize
