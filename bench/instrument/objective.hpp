#pragma once

#include <functional>
#include <optional>
#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

/// Reads "p99.9<200us", "max<5ms", "p50<20000ns": a percentile (p0 to p100, or max), '<', a time above zero
/// in ns, us, ms or s. Throws Error with an example.
Objective parse_objective(const std::string& text);

/// Whether a measured point holds it: valid, as fast as offered, and at that percentile below the limit.
bool holds(const Objective& objective, const Latency& point);

/// The highest rate at which `held(rate)` is true, between `least_hz` and `most_hz`: doubles from the least
/// on until it fails, then halves the interval's logarithm `steps` times. A rate counts as failed when it
/// fails twice of two times, so that one hiccup of the machine does not decide. Nothing when the least rate
/// fails.
std::optional<double> highest_rate(double least_hz, double most_hz, int steps,
                                   const std::function<bool(double)>& held);

}  // namespace crible::bench
