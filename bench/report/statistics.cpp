#include "bench/report/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace crible::bench {

namespace {

constexpr double smallest_spread = 1e-3;
constexpr double deviations_of_median_distance = 1.4826;  // of a normal distribution
constexpr double efficiency_of_median_distance = 0.37;    // beside the standard deviation, in samples needed

struct Sample {
  double mean;
  double variance_of_mean;
  double degrees;
};

Sample logarithms(std::span<const double> values) {
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) mean += std::log(value) / n;
  double squares = 0;
  for (const double value : values) squares += std::pow(std::log(value) - mean, 2);
  const double variance = std::max(squares / (n - 1), smallest_spread * smallest_spread);
  return {mean, variance / n, n - 1};
}

/// The sum of two estimated variances, with Welch's and Satterthwaite's degrees of freedom.
Shift with_variances(double mean, double first, double first_degrees, double second, double second_degrees) {
  const double sum = first + second;
  return {mean, sum, sum * sum / (first * first / first_degrees + second * second / second_degrees)};
}

/// Of Student's t, for a 95 % interval.
double reach(const Shift& shift) {
  const boost::math::students_t distribution(shift.degrees);
  return std::sqrt(shift.variance) * quantile(complement(distribution, 0.025));
}

}  // namespace

double Shift::probability() const {
  const boost::math::students_t distribution(degrees);
  return 2 * cdf(complement(distribution, std::abs(mean) / std::sqrt(variance)));
}

double Shift::low() const {
  return std::exp(mean - reach(*this));
}

double Shift::high() const {
  return std::exp(mean + reach(*this));
}

Shift shift_of_logarithms(std::span<const double> a, std::span<const double> b) {
  const Sample first = logarithms(a);
  const Sample second = logarithms(b);
  return with_variances(second.mean - first.mean, first.variance_of_mean, first.degrees,
                        second.variance_of_mean, second.degrees);
}

double scatter_between_runs(std::span<const Shift> shifts) {
  if (shifts.size() < fewest_for_scatter) return 0;
  std::vector<double> means, variances, distances;
  for (const Shift& shift : shifts) {
    means.push_back(shift.mean);
    variances.push_back(shift.variance);
  }
  const double middle = median(means);
  for (const double mean : means) distances.push_back(std::abs(mean - middle));
  const double deviation = deviations_of_median_distance * median(distances);
  return std::max(0.0, deviation * deviation - median(variances));
}

Shift widened(const Shift& shift, double scatter, std::size_t count) {
  if (scatter <= 0) return shift;
  const double degrees = std::max(1.0, efficiency_of_median_distance * static_cast<double>(count));
  return with_variances(shift.mean, shift.variance, shift.degrees, scatter, degrees);
}

std::vector<double> holm(std::span<const double> probabilities) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t x, std::size_t y) { return probabilities[x] < probabilities[y]; });
  std::vector<double> corrected(probabilities.size());
  double largest = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    largest = std::max(largest, probabilities[order[rank]] * static_cast<double>(order.size() - rank));
    corrected[order[rank]] = std::min(1.0, largest);
  }
  return corrected;
}

double median(std::vector<double> values) {
  const std::size_t middle = values.size() / 2;
  std::sort(values.begin(), values.end());
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace crible::bench
