#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crible::builder {

/// The numbers of events that are past and whose places in the ring were taken since, so that none of them is
/// ever opened again. Kept as a few intervals; a number inside of one is past even if its event never came.
/// Allocates nothing after construction.
class PastEvents {
 public:
  /// Numbers that are at most `near` apart share an interval.
  explicit PastEvents(std::uint64_t near);

  /// Adds a number. `current`: the event that is being opened now; when there are too many intervals, those
  /// before it become one, and the numbers right after it stay free.
  void add(std::uint64_t number, std::uint64_t current) noexcept;

  bool contains(std::uint64_t number) const noexcept;

  std::size_t interval_count() const noexcept { return intervals_.size(); }

 private:
  struct Interval {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };

  /// More than sources that jump about make in a run.
  static constexpr std::size_t most_intervals = 64;

  std::size_t first_after(std::uint64_t number) const noexcept;
  void insert(std::size_t place, std::uint64_t number, std::uint64_t current) noexcept;
  void join(std::size_t lower) noexcept;

  const std::uint64_t near_;
  /// Ascending, apart from each other.
  std::vector<Interval> intervals_;
  /// The one that grew last: in a healthy run always the same.
  std::size_t recent_ = 0;
};

}  // namespace crible::builder
