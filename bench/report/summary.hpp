#pragma once

#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

/// What a result says, for a terminal: at most 100 columns, no colours, ends in a line that says whether all
/// answers were right and which results must not be used.
std::string terminal_summary(const Result& result);

/// Answers compared with the reference and results that must not be used, over all suites.
struct Checks {
  std::uint64_t checked = 0;
  std::uint64_t wrong = 0;
  std::uint64_t invalid = 0;
};

Checks checks(const Result& result);

/// "answers checked: 1,000, wrong: 0; invalid results: 2"
std::string checks_text(const Checks& checks);

/// Each floor's value for a figure or a percentile: measured over floor; 0 when there is none or it is zero.
double floor_ratio(const Figure& figure);
double floor_ratio(const Latency& latency, const Percentile& percentile);

/// How far the stages' means are from the mean of the whole, as a ratio less one; 0 without stages.
double budget_gap(const Latency& latency);

/// Beyond this gap the budget does not add up, and the report says so.
inline constexpr double largest_budget_gap = 0.01;

}  // namespace crible::bench
