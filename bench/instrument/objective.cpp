#include "bench/instrument/objective.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "engine/base/error.hpp"

namespace crible::bench {

namespace {

constexpr std::array<std::pair<const char*, double>, 4> time_units = {
    {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}}};

/// A number and what follows it; nothing when it does not begin with a digit.
std::optional<std::pair<double, std::string>> leading_number(const std::string& text) {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const std::size_t end = text.find_first_not_of("0123456789.");
  const std::string digits = text.substr(0, end);
  if (std::ranges::count(digits, '.') > 1) return std::nullopt;
  const double number = std::strtod(digits.c_str(), nullptr);
  if (!std::isfinite(number)) return std::nullopt;
  return std::pair{number, end == std::string::npos ? "" : text.substr(end)};
}

std::optional<double> percentile_of(const std::string& text) {
  if (text == "max") return 100;
  if (text.size() < 2 || text[0] != 'p') return std::nullopt;
  const auto number = leading_number(text.substr(1));
  if (!number || !number->second.empty() || number->first > 100) return std::nullopt;
  return number->first;
}

std::optional<double> time_of(const std::string& text) {
  const auto number = leading_number(text);
  if (!number || !(number->first > 0)) return std::nullopt;
  for (const auto& [unit, ns] : time_units)
    if (number->second == unit) return number->first * ns;
  return std::nullopt;
}

}  // namespace

Objective parse_objective(const std::string& text) {
  const std::size_t less = text.find('<');
  if (less != std::string::npos) {
    const auto percentile = percentile_of(text.substr(0, less));
    const auto limit_ns = time_of(text.substr(less + 1));
    if (percentile && limit_ns) return {text, *percentile, *limit_ns, std::nullopt};
  }
  throw Error("--objective '" + text +
              "' is not a percentile below a time; write it like p99.9<200us, p50<20us or max<5ms");
}

bool holds(const Objective& objective, const Latency& point) {
  constexpr double as_fast_as_offered = 0.95;
  if (!point.invalid.empty() || point.count == 0) return false;
  if (point.achieved_hz < as_fast_as_offered * point.offered_hz) return false;
  if (objective.p >= 100) return point.max < objective.limit_ns;
  const double rank = std::ceil(objective.p / 100 * static_cast<double>(point.count));
  double seen = 0;
  for (const HistogramBucket& bucket : point.histogram) {
    seen += static_cast<double>(bucket.count);
    if (seen >= rank) return bucket.upper_edge_ns < objective.limit_ns;
  }
  return false;
}

std::optional<double> highest_rate(double least_hz, double most_hz, int steps,
                                   const std::function<bool(double)>& held) {
  const auto holds_at = [&](double rate) { return held(rate) || held(rate); };
  if (!holds_at(least_hz)) return std::nullopt;
  double good = least_hz, bad = 0;
  while (bad == 0) {
    if (good >= most_hz) return good;
    const double next = std::min(good * 2, most_hz);
    (holds_at(next) ? good : bad) = next;
  }
  for (int step = 0; step < steps; ++step) {
    const double middle = std::sqrt(good * bad);
    (holds_at(middle) ? good : bad) = middle;
  }
  return good;
}

}  // namespace crible::bench
