#pragma once

#include <string>

#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// The percentiles of a histogram as the tools of HdrHistogram read them (.hgrm): value in microseconds,
/// percentile, count up to it, 1 / (1 - percentile).
std::string to_hgrm(const pipeline::Histogram& histogram);

/// The mean by the middle of each bucket: wrong by at most 1/2048.
double mean_ns(const pipeline::Histogram& histogram);

}  // namespace crible::bench
