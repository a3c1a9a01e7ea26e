#pragma once

#include <span>
#include <vector>

namespace crible::bench {

/// How far the second of two samples of positive numbers lies from the first, as the logarithm of a ratio.
struct Shift {
  double mean = 0;
  double variance = 0;  // of that mean
  double degrees = 1;   // of freedom of that variance

  /// Of a shift at least so large by chance, when there is none.
  double probability() const;

  /// The ratio's 95 % confidence interval.
  double low() const;
  double high() const;
};

/// As in Welch's t test, on the logarithms. Both samples hold at least two positive numbers. A spread below
/// 0.1 % is taken as 0.1 %: histograms hold three digits, so repeats that agree exactly prove no more than
/// that.
Shift shift_of_logarithms(std::span<const double> a, std::span<const double> b);

/// Fewer shifts than this say nothing of the scatter between runs.
inline constexpr std::size_t fewest_for_scatter = 8;

/// How two runs differ beyond what the repeats within each explain (another layout of memory, another clock
/// rate, a neighbour): the variance of shifts that are taken to be unchanged for the greater part. From their
/// median and the median distance to it, so that a few real changes do not count. 0 for too few shifts.
double scatter_between_runs(std::span<const Shift> shifts);

/// `shift` with the variance of a scatter that was estimated from `count` shifts.
Shift widened(const Shift& shift, double scatter, std::size_t count);

/// Holm's correction: with these instead, calling all below x changed errs in any of them at a rate of at
/// most x.
std::vector<double> holm(std::span<const double> probabilities);

/// Half the sum of the two middle ones when there is an even number of them. `values` is not empty.
double median(std::vector<double> values);

}  // namespace crible::bench
