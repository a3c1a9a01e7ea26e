#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/instrument/schedule.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// How late the sender was with each event: from when its shot was due to when the sender began to send it.
///
/// Latency counts from the schedule, so lateness is part of it: it can make a service look slower, never
/// faster. It must be a small part all the same, or a figure says more about the sender than about the
/// service.
struct SenderLateness {
  pipeline::Histogram late_ns;

  /// At p50 and at p99, at most this part of the latency there (and always a few microseconds).
  static constexpr double allowed_part = 0.1;
  static std::int64_t bound_ns(const pipeline::Histogram& latency, double part);

  /// Empty, or the sentence that makes a run with these latencies invalid.
  std::string problem(const pipeline::Histogram& latency) const;
};

/// Sends every shot when it is due, on the scale of `clock` from `start_ns` on, whatever became of those
/// before: an open loop, so a service that stalls is not asked less, and its stall is seen by every event
/// that was due meanwhile. `send(shot, sent_ns)` must not wait for the service. `stop()`: true ends it early.
/// Shots due before `counts_from_ns` are sent, but their lateness is not counted.
/// ClockT: wait_until(ns) returns the time when it is over (bench::Clock; a virtual one in tests).
template <class ClockT, class Send, class Stop>
SenderLateness send_open_loop(ClockT& clock, const std::vector<Shot>& shots, std::int64_t start_ns,
                              std::int64_t counts_from_ns, Send&& send, Stop&& stop) {
  SenderLateness lateness;
  for (const Shot& shot : shots) {
    if (stop()) break;
    const std::int64_t due_ns = start_ns + shot.due_ns;
    const std::int64_t now_ns = clock.wait_until(due_ns);
    if (shot.due_ns >= counts_from_ns)
      lateness.late_ns.add(std::max<std::int64_t>(now_ns - due_ns, 0), shot.count);
    send(shot, now_ns);
  }
  return lateness;
}

/// What is not counted of a run: events scheduled in its first tenth, and at least in its first
/// 200 ms (but never more than half of it).
std::int64_t warm_up_ns(std::int64_t duration_ns);

}  // namespace crible::bench
