#include "bench/suites/figures.hpp"

#include <utility>

#include "bench/instrument/statistics.hpp"

namespace crible::bench {

namespace {

constexpr double percentiles[] = {50, 75, 90, 95, 99, 99.9, 99.99, 99.999, 99.9999};

}  // namespace

Figure make_figure(std::string name, std::string unit, Better better, std::vector<double> repeats) {
  Figure figure;
  figure.name = std::move(name);
  figure.unit = std::move(unit);
  figure.better = better;
  const Spread spread = spread_of(repeats);
  figure.repeats = std::move(repeats);
  figure.median = spread.median;
  figure.low = spread.low;
  figure.high = spread.high;
  return figure;
}

std::vector<Figure> interleaved(std::vector<Candidate> candidates, std::size_t repeats) {
  std::vector<std::vector<double>> values(candidates.size());
  for (std::size_t round = 0; round <= repeats; ++round) {
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const double value = candidates[i].measure();
      if (round != 0) values[i].push_back(value);
    }
  }
  std::vector<Figure> figures;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    Figure& given = candidates[i].figure;
    Figure figure = make_figure(given.name, given.unit, given.better, std::move(values[i]));
    figure.floor = given.floor;
    figure.checked = given.checked;
    figure.wrong = given.wrong;
    figure.invalid = given.invalid;
    figures.push_back(std::move(figure));
  }
  return figures;
}

std::vector<Percentile> percentiles_of(const pipeline::Histogram& histogram) {
  std::vector<Percentile> result;
  for (const double p : percentiles) {
    const std::int64_t ns = histogram.percentile_ns(p / 100);
    result.push_back({p, static_cast<double>(ns), histogram.count_above(ns)});
  }
  return result;
}

std::vector<HistogramBucket> buckets_of(const pipeline::Histogram& histogram) {
  std::vector<HistogramBucket> result;
  for (const auto& bucket : histogram.buckets())
    result.push_back({static_cast<double>(bucket.highest_ns), bucket.count});
  return result;
}

void merge(pipeline::Histogram& into, const std::vector<HistogramBucket>& buckets) {
  for (const HistogramBucket& bucket : buckets)
    into.add(static_cast<std::int64_t>(bucket.upper_edge_ns), bucket.count);
}

}  // namespace crible::bench
