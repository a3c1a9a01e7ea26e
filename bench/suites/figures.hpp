#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/report/result.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// A figure of these repeats, with median and confidence interval.
Figure make_figure(std::string name, std::string unit, Better better, std::vector<double> repeats);

/// Something to be measured again and again: one repeat gives one value.
struct Candidate {
  Figure figure;
  std::function<double()> measure;
};

/// Runs the candidates in turn, round after round, so that a busy machine disturbs all alike; the first round
/// warms up and is not counted. Returns the figures in the order of the candidates.
std::vector<Figure> interleaved(std::vector<Candidate> candidates, std::size_t repeats);

/// p50, p75, ... p99.9999, each with how many samples lie above it.
std::vector<Percentile> percentiles_of(const pipeline::Histogram& histogram);

std::vector<HistogramBucket> buckets_of(const pipeline::Histogram& histogram);

/// The histogram that buckets_of was made from, but for its maximum: how results of shards or machines are
/// merged.
void merge(pipeline::Histogram& into, const std::vector<HistogramBucket>& buckets);

}  // namespace crible::bench
