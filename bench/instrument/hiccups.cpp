#include "bench/instrument/hiccups.hpp"

#include <algorithm>
#include <chrono>

#include "bench/instrument/clock.hpp"

namespace crible::bench {

namespace {

constexpr std::int64_t step_ns = 500'000;
constexpr std::int64_t worth_keeping_ns = 100'000;

}  // namespace

Hiccups::Hiccups() : thread_([this] { watch(); }) {}

Hiccups::~Hiccups() {
  stop();
}

void Hiccups::watch() {
  while (!stop_.load(std::memory_order_relaxed)) {
    const std::int64_t before_ns = Clock::system_ns();
    std::this_thread::sleep_for(std::chrono::nanoseconds(step_ns));
    const std::int64_t after_ns = Clock::system_ns();
    const std::int64_t excess_ns = std::max<std::int64_t>(after_ns - before_ns - step_ns, 0);
    excess_.add(excess_ns);
    if (excess_ns >= worth_keeping_ns) pauses_.push_back({after_ns, excess_ns});
  }
}

const pipeline::Histogram& Hiccups::stop() {
  stop_.store(true, std::memory_order_relaxed);
  if (thread_.joinable()) thread_.join();
  return excess_;
}

std::int64_t Hiccups::longest_ns(std::int64_t from_ns, std::int64_t to_ns) const {
  std::int64_t longest = 0;
  for (const Pause& pause : pauses_)
    if (pause.end_ns > from_ns && pause.end_ns - pause.excess_ns < to_ns)
      longest = std::max(longest, pause.excess_ns);
  return longest;
}

}  // namespace crible::bench
