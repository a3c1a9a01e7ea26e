#pragma once

#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

// One inline SVG for each plot of the report; "" when there is nothing to draw.

/// Latency by percentile, on an axis of nines, beside its floor. Hollow: fewer than ten samples lie above.
std::string percentile_plot(const Latency& latency);

/// How many events took how long, both logarithmic, with the percentiles marked.
std::string histogram_plot(const Latency& latency);

/// Percentiles by offered rate; the objective's limit and the highest rate that held it. Crossed: invalid.
std::string load_plot(const Curve& curve);

/// The means of the stages end to end, and the mean of the whole as a mark: they must meet.
std::string budget_plot(const Latency& latency);

/// Each of the slowest events as a row of its stages in time, with its cause below.
std::string waterfall_plot(const Latency& latency);

/// The repeats of a figure around their median, 10 % to each side; those beyond stand at the edge.
std::string repeats_strip(const Figure& figure);

/// The class of a stage's colour: the same in all plots of a latency.
std::string stage_class(const Latency& latency, const std::string& stage);

}  // namespace crible::bench
