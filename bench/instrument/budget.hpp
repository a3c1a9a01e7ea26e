#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/report/result.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// The points that an event passes, in this order.
enum class Point : std::uint8_t {
  scheduled,  // it arrived at the detector: latency counts from here, whatever the sender did
  sent,       // its last packet was about to be given to ZeroMQ
  received,   // the shard had taken that packet from its socket
  built,      // the event was closed: all fragments there, checked and placed
  queued,     // its turn came
  submitted,  // decoded and gathered; the last of its batches was started
  computed,   // that batch had its answers
  decided,    // the menu had decided
  published,  // the frame with the decision was given to ZeroMQ
};
inline constexpr std::size_t point_count = 9;

/// The stage that ends at each point but the first.
inline constexpr std::array<const char*, point_count - 1> stage_names = {
    "send", "receive", "build", "queue", "submit", "compute", "decide", "publish"};

/// When one event passed each point, by one clock.
struct EventTimes {
  std::uint64_t event = 0;
  std::array<std::int64_t, point_count> ns{};

  std::int64_t& operator[](Point point) { return ns[static_cast<std::size_t>(point)]; }
  std::int64_t operator[](Point point) const { return ns[static_cast<std::size_t>(point)]; }
  std::int64_t total_ns() const { return ns.back() - ns.front(); }
  std::int64_t stage_ns(std::size_t stage) const { return ns[stage + 1] - ns[stage]; }
};

/// Where the time of events goes. For each event the stages follow each other without a gap, so their means
/// add up to the mean of the whole exactly.
class Budget {
 public:
  void add(const EventTimes& times);

  /// Adds what another one has seen.
  void add(const Budget& other);

  const pipeline::Histogram& total() const { return total_; }
  double mean_ns() const;

  /// In the order they are passed; none when nothing was added.
  std::vector<Stage> stages() const;

  /// The ten slowest, slowest first. `machine_pause(from_ns, to_ns)`: the longest pause of the machine itself
  /// that was seen in that time, in nanoseconds.
  std::vector<SlowEvent> slowest(
      const std::function<std::int64_t(std::int64_t, std::int64_t)>& machine_pause) const;

  /// Times that went backwards: the clocks of two points disagree, and nothing here can be believed.
  std::uint64_t disorder() const { return disorder_; }

 private:
  static constexpr std::size_t kept = 10;

  void keep(const EventTimes& times);

  pipeline::Histogram total_;
  std::array<pipeline::Histogram, point_count - 1> stages_;
  std::array<double, point_count - 1> sums_ns_{};
  std::vector<EventTimes> slowest_;  // a heap, the least slow on top
  std::uint64_t disorder_ = 0;
};

/// What the stage waits for, for people: "submit: decoding, gathering, waiting for the batch".
const char* explain_stage(std::size_t stage);

}  // namespace crible::bench
