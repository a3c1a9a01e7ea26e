#include "engine/builder/past_events.hpp"

#include <algorithm>
#include <utility>

namespace crible::builder {

PastEvents::PastEvents(std::uint64_t near) : near_(near) {
  intervals_.reserve(most_intervals + 1);
}

/// The place of the first interval that begins after `number`.
std::size_t PastEvents::first_after(std::uint64_t number) const noexcept {
  const auto found =
      std::upper_bound(intervals_.begin(), intervals_.end(), number,
                       [](std::uint64_t value, const Interval& interval) { return value < interval.first; });
  return static_cast<std::size_t>(found - intervals_.begin());
}

bool PastEvents::contains(std::uint64_t number) const noexcept {
  if (intervals_.empty() || number > intervals_.back().last) return false;
  const std::size_t after = first_after(number);
  return after != 0 && number <= intervals_[after - 1].last;
}

void PastEvents::add(std::uint64_t number, std::uint64_t current) noexcept {
  if (recent_ < intervals_.size()) {
    Interval& recent = intervals_[recent_];
    const bool last = recent_ + 1 == intervals_.size();
    if (last && number > recent.last && number - recent.last <= near_) {
      recent.last = number;
      return;
    }
  }
  const std::size_t after = first_after(number);
  const bool has_lower = after != 0;
  if (has_lower && number <= intervals_[after - 1].last) return;
  const bool has_upper = after != intervals_.size();
  const bool joins_lower = has_lower && number - intervals_[after - 1].last <= near_;
  const bool joins_upper = has_upper && intervals_[after].first - number <= near_;
  recent_ = joins_lower ? after - 1 : after;
  if (joins_lower) {
    intervals_[after - 1].last = number;
    if (joins_upper) join(after - 1);
  } else if (joins_upper) {
    intervals_[after].first = number;
  } else {
    insert(after, number, current);
  }
}

void PastEvents::insert(std::size_t place, std::uint64_t number, std::uint64_t current) noexcept {
  intervals_.insert(intervals_.begin() + static_cast<std::ptrdiff_t>(place), {number, number});
  if (intervals_.size() <= most_intervals) return;
  // The numbers of a gap that is closed are lost to the run. Nobody misses those before the current event; of
  // those after it the smallest gap goes, and the one that the current event is in only if there is no other.
  const auto cost = [&](std::size_t lower) {
    const std::uint64_t begin = intervals_[lower].last;
    const std::uint64_t end = intervals_[lower + 1].first;
    const int kind = end <= current ? 0 : begin > current ? 1 : 2;
    return std::pair(kind, end - begin);
  };
  std::size_t cheapest = 0;
  for (std::size_t lower = 1; lower + 1 < intervals_.size(); ++lower) {
    if (cost(lower) < cost(cheapest)) cheapest = lower;
  }
  join(cheapest);
  recent_ = first_after(number) - 1;
}

/// Makes the interval and the next one into one.
void PastEvents::join(std::size_t lower) noexcept {
  intervals_[lower].last = intervals_[lower + 1].last;
  intervals_.erase(intervals_.begin() + static_cast<std::ptrdiff_t>(lower) + 1);
}

}  // namespace crible::builder
