#pragma once

#include <span>
#include <vector>

namespace crible::bench {

/// How the second of two samples of positive numbers differs from the first.
struct Difference {
  double ratio;        // of the geometric means
  double low, high;    // 95 % confidence interval of that ratio
  double probability;  // of a difference at least so large between samples of one distribution
};

/// Welch's t test on the logarithms. Both samples hold at least two positive numbers. A spread below 0.1 % is
/// taken as 0.1 %: histograms hold three digits, so repeats that agree exactly prove no more than that.
Difference welch_on_logarithms(std::span<const double> a, std::span<const double> b);

/// Holm's correction: with these instead, calling all below x changed errs in any of them at a rate of at
/// most x.
std::vector<double> holm(std::span<const double> probabilities);

/// Half the sum of the two middle ones when there is an even number of them. `values` is not empty.
double median(std::vector<double> values);

}  // namespace crible::bench
