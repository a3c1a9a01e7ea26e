#include "engine/batching/time_model.hpp"

#include <algorithm>
#include <bit>

#include "engine/base/error.hpp"

namespace crible::batching {

TimeModel::TimeModel(std::size_t max_batch, std::int64_t first_guess_ns) : max_batch_(max_batch) {
  for (std::size_t size = 1; size < max_batch; size *= 2) sizes_.push_back(size);
  sizes_.push_back(max_batch);
  times_ns_.assign(sizes_.size(), first_guess_ns);
}

std::size_t TimeModel::point_of(std::size_t events) const noexcept {
  const auto point = static_cast<std::size_t>(std::bit_width(events) - 1);
  return std::min(point, sizes_.size() - 1);
}

std::int64_t TimeModel::predict_ns(std::size_t events) const noexcept {
  if (events == 0) return 0;
  if (events >= max_batch_) return times_ns_.back();
  const std::size_t point = point_of(events);
  const std::int64_t low = times_ns_[point];
  const std::int64_t high = times_ns_[point + 1];
  const auto part = static_cast<std::int64_t>(events - sizes_[point]);
  const auto width = static_cast<std::int64_t>(sizes_[point + 1] - sizes_[point]);
  return low + (high - low) * part / width;
}

void TimeModel::set(std::size_t events, std::int64_t elapsed_ns) noexcept {
  const std::size_t point = events >= max_batch_ ? sizes_.size() - 1 : point_of(events);
  times_ns_[point] = elapsed_ns;
  keep_ascending(point);
}

void TimeModel::observe(std::size_t events, std::int64_t elapsed_ns) noexcept {
  if (events == 0) return;
  // The error at `events` is charged to the nearest point.
  std::size_t point = events >= max_batch_ ? sizes_.size() - 1 : point_of(events);
  if (point + 1 < sizes_.size() && 2 * events > sizes_[point] + sizes_[point + 1]) ++point;
  // One preempted batch does not make the device slow: it counts as twice the prediction at most.
  const std::int64_t predicted_ns = predict_ns(events);
  const std::int64_t credible_ns = std::min(elapsed_ns, 2 * predicted_ns + 1000);
  times_ns_[point] = std::max<std::int64_t>(1, times_ns_[point] + (credible_ns - predicted_ns) / 8);
  keep_ascending(point);
}

void TimeModel::keep_ascending(std::size_t point) noexcept {
  for (std::size_t i = point; i-- > 0 && times_ns_[i] > times_ns_[i + 1];) times_ns_[i] = times_ns_[i + 1];
  for (std::size_t i = point + 1; i < times_ns_.size() && times_ns_[i] < times_ns_[i - 1]; ++i) {
    times_ns_[i] = times_ns_[i - 1];
  }
}

TimeModel measure(backends::Program& program, int repeats, Clock clock) {
  TimeModel model(program.max_batch());
  for (auto& input : program.slots()[0].inputs) std::ranges::fill(input, std::byte{0});
  std::vector<std::int64_t> times(static_cast<std::size_t>(std::max(repeats, 1)));
  // From large to small, so that each size may lower the ones below it.
  for (std::size_t size = program.max_batch(); size > 0; size = std::bit_floor(size - 1)) {
    for (std::int64_t& time : times) {
      const std::int64_t start_ns = clock();
      const backends::Status status = program.run(0, size);
      time = std::max<std::int64_t>(1, clock() - start_ns);
      if (status != backends::Status::ok) {
        throw Error("network " + program.network().name + " on " + program.device() + ": a batch of " +
                        std::to_string(size) + " zeros failed: " + backends::sentence(status),
                    Fault::failure);
      }
    }
    std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
    model.set(size, times[times.size() / 2]);
    if (size == 1) break;
  }
  return model;
}

}  // namespace crible::batching
