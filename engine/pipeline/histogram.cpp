#include "engine/pipeline/histogram.hpp"

#include <algorithm>
#include <cmath>

namespace crible::pipeline {

void Histogram::add(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

std::int64_t Histogram::percentile_ns(double part) const noexcept {
  if (count_ == 0) return 0;
  const double exact_rank = std::ceil(part * static_cast<double>(count_));
  const auto rank =
      std::clamp<std::uint64_t>(static_cast<std::uint64_t>(std::max(exact_rank, 1.0)), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen < rank) continue;
    // The upper edge of the bucket, so that no percentile is flattered.
    const std::size_t shift = i < 2 * half ? 0 : i / half - 1;
    const auto upper = static_cast<std::int64_t>((((i - shift * half) + 1) << shift) - 1);
    return std::min(upper, max_ns_);
  }
  return max_ns_;
}

}  // namespace crible::pipeline
