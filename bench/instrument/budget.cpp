#include "bench/instrument/budget.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace crible::bench {

namespace {

bool slower(const EventTimes& a, const EventTimes& b) {
  return a.total_ns() > b.total_ns();
}

constexpr std::array<const char*, point_count - 1> explanations = {
    "in the sender: waiting for its packet to fill, and the sender's own lateness",
    "in ZeroMQ and the kernel, and waiting for the shard to take the packet",
    "checking its packets and placing their fragments",
    "behind events of the same packet",
    "decoding, gathering, and waiting for its batch to start",
    "in its batch on the device",
    "in the menu, behind events of the same batch",
    "encoding, and waiting for its frame to go",
};

}  // namespace

const char* explain_stage(std::size_t stage) {
  return explanations[stage];
}

void Budget::add(const EventTimes& times) {
  total_.add(times.total_ns());
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    const std::int64_t ns = times.stage_ns(stage);
    if (ns < 0) ++disorder_;
    stages_[stage].add(ns);
    sums_ns_[stage] += static_cast<double>(ns);
  }
  keep(times);
}

void Budget::add(const Budget& other) {
  total_.add(other.total_);
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    stages_[stage].add(other.stages_[stage]);
    sums_ns_[stage] += other.sums_ns_[stage];
  }
  disorder_ += other.disorder_;
  for (const EventTimes& times : other.slowest_) keep(times);
}

void Budget::keep(const EventTimes& times) {
  if (slowest_.size() == kept && times.total_ns() <= slowest_.front().total_ns()) return;
  slowest_.push_back(times);
  std::ranges::push_heap(slowest_, slower);
  if (slowest_.size() <= kept) return;
  std::ranges::pop_heap(slowest_, slower);
  slowest_.pop_back();
}

double Budget::mean_ns() const {
  double sum = 0;
  for (double stage : sums_ns_) sum += stage;
  return total_.count() == 0 ? 0 : sum / static_cast<double>(total_.count());
}

std::vector<Stage> Budget::stages() const {
  std::vector<Stage> result;
  if (total_.count() == 0) return result;
  for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
    const auto at = [&](double part) { return static_cast<double>(stages_[stage].percentile_ns(part)); };
    result.push_back({stage_names[stage], sums_ns_[stage] / static_cast<double>(total_.count()), at(0.5),
                      at(0.99), at(0.999)});
  }
  return result;
}

std::vector<SlowEvent> Budget::slowest(
    const std::function<std::int64_t(std::int64_t, std::int64_t)>& machine_pause) const {
  std::vector<EventTimes> sorted = slowest_;
  std::ranges::sort(sorted, slower);
  std::vector<SlowEvent> result;
  for (const EventTimes& times : sorted) {
    SlowEvent slow{times.event, static_cast<double>(times.total_ns()), {}, ""};
    std::size_t longest = 0;
    for (std::size_t stage = 0; stage < stages_.size(); ++stage) {
      slow.stages.emplace_back(stage_names[stage], static_cast<double>(times.stage_ns(stage)));
      if (times.stage_ns(stage) > times.stage_ns(longest)) longest = stage;
    }
    slow.cause = fmt::format("{}: {:.1f} of {:.1f} us {}", stage_names[longest],
                             static_cast<double>(times.stage_ns(longest)) * 1e-3, slow.total * 1e-3,
                             explanations[longest]);
    const std::int64_t pause_ns = machine_pause(times.ns[longest], times.ns[longest + 1]);
    if (2 * pause_ns > times.stage_ns(longest))
      slow.cause +=
          fmt::format("; the machine itself paused for {:.1f} us then", static_cast<double>(pause_ns) * 1e-3);
    result.push_back(std::move(slow));
  }
  return result;
}

}  // namespace crible::bench
