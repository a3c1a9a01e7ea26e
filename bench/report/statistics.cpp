#include "bench/report/statistics.hpp"

#include <algorithm>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <numeric>

namespace crible::bench {

namespace {

constexpr double smallest_spread = 1e-3;

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

}  // namespace

Difference welch_on_logarithms(std::span<const double> a, std::span<const double> b) {
  const Sample first = logarithms(a);
  const Sample second = logarithms(b);
  const double variance = first.variance_of_mean + second.variance_of_mean;
  const double error = std::sqrt(variance);
  const double degrees = variance * variance /
                         (std::pow(first.variance_of_mean, 2) / first.degrees +
                          std::pow(second.variance_of_mean, 2) / second.degrees);
  const boost::math::students_t distribution(degrees);
  const double shift = second.mean - first.mean;
  const double reach = error * quantile(complement(distribution, 0.025));
  return {std::exp(shift), std::exp(shift - reach), std::exp(shift + reach),
          2 * cdf(complement(distribution, std::abs(shift) / error))};
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
