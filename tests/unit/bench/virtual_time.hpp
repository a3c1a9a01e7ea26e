#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "bench/instrument/open_loop.hpp"
#include "bench/instrument/schedule.hpp"

// A clock that only moves when somebody waits, and a service with known delays on it: what the instrument
// must measure is known exactly, and nothing depends on the machine.
namespace crible::bench {

struct VirtualClock {
  std::int64_t now = 0;
  std::int64_t late_ns = 0;  // what every wait takes longer than it should

  std::int64_t wait_until(std::int64_t due_ns) {
    now = std::max(now, due_ns) + late_ns;
    return now;
  }
};

/// One server with a queue. A request takes `work_ns(i)`; during [pause_every * k, + pause) it does nothing.
class VirtualService {
 public:
  std::function<std::int64_t(std::size_t)> work_ns = [](std::size_t) { return 20'000; };
  std::int64_t pause_every_ns = 0;  // 0: never
  std::int64_t pause_ns = 0;

  /// A request came now; returns when it is answered.
  std::int64_t request(std::int64_t now_ns) {
    std::int64_t begin = std::max(now_ns, free_at_ns_);
    if (pause_every_ns != 0 && begin % pause_every_ns < pause_ns && begin >= pause_every_ns)
      begin += pause_ns - begin % pause_every_ns;
    free_at_ns_ = begin + work_ns(served_++);
    return free_at_ns_;
  }

 private:
  std::int64_t free_at_ns_ = 0;
  std::size_t served_ = 0;
};

/// What the instrument measures of the service: from scheduled to answered.
inline pipeline::Histogram measure_open_loop(const ArrivalPlan& plan, std::size_t events,
                                             VirtualService service) {
  const std::vector<std::int64_t> times = schedule(plan, events);
  pipeline::Histogram latency;
  VirtualClock clock;
  send_open_loop(
      clock, pack(times, 1, 0), 0, 0,
      [&](const Shot& shot, std::int64_t sent_ns) {
        latency.add(service.request(sent_ns) - times[shot.first]);
      },
      [] { return false; });
  return latency;
}

}  // namespace crible::bench
