#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace crible::pipeline {

/// Log-linear histogram of nanoseconds: exact below 2048, relative error at most 1/1024 above, up to 2^40
/// (18 minutes); longer times count there. Sums over shards are exact.
class Histogram {
 public:
  void add(std::int64_t ns, std::uint64_t times = 1) noexcept {
    counts_[index_of(ns)] += times;
    count_ += times;
    if (ns > max_ns_) max_ns_ = ns;
  }

  void add(const Histogram& other) noexcept;

  std::uint64_t count() const noexcept { return count_; }
  std::int64_t max_ns() const noexcept { return max_ns_; }

  /// Entries above `ns`, to the resolution of the buckets.
  std::uint64_t count_above(std::int64_t ns) const noexcept;

  /// The buckets that hold something, ascending: the longest time that each holds, and how many. Adding the
  /// counts at these times to another histogram is exact but for the maximum, so they merge across machines.
  struct Bucket {
    std::int64_t highest_ns = 0;
    std::uint64_t count = 0;
  };
  std::vector<Bucket> buckets() const;

  /// The smallest time that at least `part` of the entries do not exceed; 0 when empty.
  std::int64_t percentile_ns(double part) const noexcept;

 private:
  static constexpr int linear_bits = 11;
  static constexpr int top_bits = 40;
  static constexpr std::size_t half = std::size_t{1} << (linear_bits - 1);

  static std::int64_t highest_of(std::size_t index) noexcept;

  static std::size_t index_of(std::int64_t ns) noexcept {
    if (ns < 0) return 0;
    auto value = static_cast<std::uint64_t>(ns);
    if (value >= std::uint64_t{1} << top_bits) value = (std::uint64_t{1} << top_bits) - 1;
    const int shift = std::bit_width(value >> linear_bits);
    return static_cast<std::size_t>(shift) * half + static_cast<std::size_t>(value >> shift);
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(half * (top_bits - linear_bits + 2));
  std::uint64_t count_ = 0;
  std::int64_t max_ns_ = 0;
};

}  // namespace crible::pipeline
