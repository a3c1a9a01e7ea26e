#include "engine/quantize/compare.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace crible::quantize {

Difference difference(const std::vector<double>& wanted, const std::vector<double>& got, std::size_t bins) {
  Difference result;
  result.count = wanted.size();
  result.histogram.assign(bins, 0);
  if (wanted.empty()) return result;
  const auto count = static_cast<double>(wanted.size());
  double sum = 0, squares = 0, total = 0, total_squares = 0;
  result.low = result.high = got[0] - wanted[0];
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double d = got[i] - wanted[i];
    sum += std::abs(d);
    squares += d * d;
    total += wanted[i];
    result.low = std::min(result.low, d);
    result.high = std::max(result.high, d);
  }
  for (const double value : wanted) total_squares += (value - total / count) * (value - total / count);
  result.largest = std::max(std::abs(result.low), std::abs(result.high));
  result.mean = sum / count;
  result.rms = std::sqrt(squares / count);
  result.deviation = std::sqrt(total_squares / count);
  const double width = (result.high - result.low) / static_cast<double>(bins);
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const double bin = width > 0 ? (got[i] - wanted[i] - result.low) / width : 0;
    ++result.histogram[std::min(static_cast<std::size_t>(bin), bins - 1)];
  }
  return result;
}

std::optional<double> area_under_curve(const std::vector<double>& scores,
                                       const std::vector<bool>& is_signal) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double signals = 0, backgrounds = 0, area = 0;
  for (std::size_t first = 0; first < order.size();) {
    std::size_t last = first;
    double tied_signals = 0, tied_backgrounds = 0;
    for (; last < order.size() && scores[order[last]] == scores[order[first]]; ++last)
      ++(is_signal[order[last]] ? tied_signals : tied_backgrounds);
    area += tied_signals * (backgrounds + tied_backgrounds / 2);
    signals += tied_signals;
    backgrounds += tied_backgrounds;
    first = last;
  }
  if (signals == 0 || backgrounds == 0) return std::nullopt;
  return area / (signals * backgrounds);
}

double same_largest(const std::vector<double>& wanted, const std::vector<double>& got, std::size_t columns) {
  const auto place = [&](const std::vector<double>& list, std::size_t row) {
    const auto first = list.begin() + static_cast<std::ptrdiff_t>(row * columns);
    return std::max_element(first, first + static_cast<std::ptrdiff_t>(columns)) - first;
  };
  const std::size_t rows = wanted.size() / columns;
  std::size_t same = 0;
  for (std::size_t row = 0; row < rows; ++row) same += place(wanted, row) == place(got, row) ? 1 : 0;
  return rows == 0 ? 1.0 : static_cast<double>(same) / static_cast<double>(rows);
}

}  // namespace crible::quantize
