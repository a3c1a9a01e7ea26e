#include "bench/instrument/hgrm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace crible::bench {

namespace {

/// Half of a bucket's width: buckets are 1 ns wide below 2048 and 1/1024 of their octave above.
double middle_ns(std::int64_t highest_ns) {
  std::int64_t width_ns = 1;
  while ((highest_ns / width_ns) >= 2048) width_ns *= 2;
  return static_cast<double>(highest_ns) - static_cast<double>(width_ns - 1) / 2;
}

}  // namespace

double mean_ns(const pipeline::Histogram& histogram) {
  double sum = 0;
  for (const auto& bucket : histogram.buckets())
    sum += middle_ns(bucket.highest_ns) * static_cast<double>(bucket.count);
  return histogram.count() == 0 ? 0 : sum / static_cast<double>(histogram.count());
}

std::string to_hgrm(const pipeline::Histogram& histogram) {
  std::string text =
      fmt::format("{:>12} {:>14} {:>10} {:>14}\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
  const auto total = static_cast<double>(histogram.count());
  const double mean = mean_ns(histogram);
  double squares = 0;
  std::uint64_t seen = 0;
  for (const auto& bucket : histogram.buckets()) {
    seen += bucket.count;
    const double value = static_cast<double>(std::min(bucket.highest_ns, histogram.max_ns())) * 1e-3;
    const double part = static_cast<double>(seen) / total;
    text += fmt::format("{:12.3f} {:14.12f} {:10}", value, part, seen);
    text += seen == histogram.count() ? "\n" : fmt::format(" {:14.2f}\n", 1 / (1 - part));
    squares += static_cast<double>(bucket.count) * std::pow(middle_ns(bucket.highest_ns) - mean, 2);
  }
  const double deviation = histogram.count() == 0 ? 0 : std::sqrt(squares / total);
  text += fmt::format("#[Mean    = {:12.3f}, StdDeviation   = {:12.3f}]\n", mean * 1e-3, deviation * 1e-3);
  text += fmt::format("#[Max     = {:12.3f}, Total count    = {:12}]\n",
                      static_cast<double>(histogram.max_ns()) * 1e-3, histogram.count());
  text += fmt::format("#[Buckets = {:12}, SubBuckets     = {:12}]\n", 30, 2048);
  return text;
}

}  // namespace crible::bench
