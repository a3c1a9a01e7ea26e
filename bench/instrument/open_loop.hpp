#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/instrument/schedule.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// How late the sender was: from when a shot was due to when the sender began to send it.
struct SenderLateness {
  pipeline::Histogram late_ns;

  /// Beyond this at p99, the load was not the one that was asked for and the run is invalid.
  static constexpr std::int64_t bound_ns = 100'000;

  /// Empty, or the sentence that makes a run invalid.
  std::string problem() const;
};

/// Sends every shot when it is due, on the scale of `clock` from `start_ns` on, whatever became of those
/// before: an open loop, so a service that stalls is not asked less, and its stall is seen by every event
/// that was due meanwhile. `send(shot, sent_ns)` must not wait for the service. `stop()`: true ends it early.
/// ClockT: wait_until(ns) returns the time when it is over (bench::Clock; a virtual one in tests).
template <class ClockT, class Send, class Stop>
SenderLateness send_open_loop(ClockT& clock, const std::vector<Shot>& shots, std::int64_t start_ns,
                              Send&& send, Stop&& stop) {
  SenderLateness lateness;
  for (const Shot& shot : shots) {
    if (stop()) break;
    const std::int64_t due_ns = start_ns + shot.due_ns;
    const std::int64_t now_ns = clock.wait_until(due_ns);
    lateness.late_ns.add(std::max<std::int64_t>(now_ns - due_ns, 0));
    send(shot, now_ns);
  }
  return lateness;
}

/// What is not counted of a run: events scheduled in its first tenth, and at least in its first
/// 200 ms (but never more than half of it).
std::int64_t warm_up_ns(std::int64_t duration_ns);

}  // namespace crible::bench
