#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// The machine's own jitter while it lives: a thread that sleeps for 500 us again and again and notes by how
/// much each sleep was longer. What it sees, every thread on this machine may have seen.
class Hiccups {
 public:
  Hiccups();
  ~Hiccups();
  Hiccups(const Hiccups&) = delete;
  Hiccups& operator=(const Hiccups&) = delete;

  /// Ends the thread and returns what it saw.
  const pipeline::Histogram& stop();

  /// The longest excess of a sleep that overlapped this time (CLOCK_MONOTONIC); after stop().
  std::int64_t longest_ns(std::int64_t from_ns, std::int64_t to_ns) const;

 private:
  struct Pause {
    std::int64_t end_ns;
    std::int64_t excess_ns;
  };

  void watch();

  std::atomic<bool> stop_{false};
  pipeline::Histogram excess_;
  std::vector<Pause> pauses_;  // the longer ones
  std::thread thread_;
};

}  // namespace crible::bench
