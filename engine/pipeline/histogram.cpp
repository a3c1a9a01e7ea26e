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
    return std::min(highest_of(i), max_ns_);  // the upper edge, so that no percentile is flattered
  }
  return max_ns_;
}

std::int64_t Histogram::highest_of(std::size_t index) noexcept {
  const std::size_t shift = index < 2 * half ? 0 : index / half - 1;
  return static_cast<std::int64_t>((((index - shift * half) + 1) << shift) - 1);
}

std::uint64_t Histogram::count_above(std::int64_t ns) const noexcept {
  std::uint64_t count = 0;
  for (std::size_t i = index_of(ns) + 1; i < counts_.size(); ++i) count += counts_[i];
  return count;
}

std::vector<Histogram::Bucket> Histogram::buckets() const {
  std::vector<Bucket> result;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] != 0) result.push_back({highest_of(i), counts_[i]});
  }
  return result;
}

}  // namespace crible::pipeline
