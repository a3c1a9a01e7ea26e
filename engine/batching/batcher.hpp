#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <vector>

#include "backends/backend.hpp"
#include "engine/batching/routing.hpp"
#include "engine/batching/time_model.hpp"

namespace crible::batching {

class RoutedProgram;

/// Whose answer a row is: an open event of the caller and one object of it (0 for networks that run once
/// for each event).
struct Request {
  std::uint32_t event = 0;
  std::uint32_t object = 0;
};

/// When a batch was started and when its answers were there, CLOCK_MONOTONIC.
struct BatchTimes {
  std::int64_t started_ns = 0;
  std::int64_t finished_ns = 0;
};

/// Receives the answers of whole batches. Called inside Batcher::pump, on the caller's thread.
class Answers {
 public:
  virtual ~Answers() = default;

  /// requests[i] is answered by row i of slot.outputs, which are valid during the call.
  virtual void answered(std::size_t network, std::span<const Request> requests, const backends::Slot& slot,
                        const BatchTimes& times) noexcept = 0;

  /// The batch was lost: the device failed and nothing else can run the network.
  virtual void failed(std::size_t network, std::span<const Request> requests,
                      const BatchTimes& times) noexcept = 0;
};

/// Why batches went, and how many rows they held.
struct Counters {
  std::uint64_t requests = 0;
  std::uint64_t batches = 0;
  std::uint64_t full = 0;      // of batches: every row was taken
  std::uint64_t deadline = 0;  // waiting longer would have broken the oldest deadline
  std::uint64_t idle = 0;      // nothing else to do, so nothing to wait for
  std::uint64_t failed = 0;    // the device reported an error

  void add(const Counters& other) noexcept {
    requests += other.requests;
    batches += other.batches;
    full += other.full;
    deadline += other.deadline;
    idle += other.idle;
    failed += other.failed;
  }
};

/// What pump() may start.
enum class Urgency {
  due,   // full batches and those whose oldest deadline would break
  idle,  // also every batch whose device has nothing in flight: the caller has no input left
  now,   // everything: the run ends
};

/// Requests of many events wait here for their networks. Rows are written straight into the slots of the
/// networks' programs. A batch goes when it is full, when waiting longer would break its oldest deadline
/// by the time model, or when neither the caller nor the device has anything else to do; so batches are
/// small when the load is low and fill up by themselves when it is high. Among networks the earliest
/// deadline goes first. One thread; nothing is allocated after construction.
class Batcher {
 public:
  /// programs[n] runs network n. Measures each program's time model. Throws Error when a program fails.
  explicit Batcher(std::vector<std::unique_ptr<backends::Program>> programs, std::int64_t margin_ns = 20'000);

  std::size_t networks() const { return lanes_.size(); }
  const backends::Program& program(std::size_t network) const { return *lanes_[network].program; }
  const TimeModel& time_model(std::size_t network) const { return lanes_[network].model; }
  const Counters& counters(std::size_t network) const { return lanes_[network].counters; }
  /// Which devices took its batches, and why.
  Routing routing(std::size_t network) const;

  /// Takes the next row of `network`: the address of the row in each of its inputs, to be filled before
  /// the next call of claim() or pump(). Empty when every slot is full or in flight: pump first.
  std::span<std::byte* const> claim(std::size_t network, Request request, std::int64_t deadline_ns) noexcept {
    Lane& lane = lanes_[network];
    if (lane.rows == lane.capacity) return {};
    if (lane.rows == 0) open(lane, network);
    lane.requests[lane.first_request + lane.rows] = request;
    for (std::size_t i = 0; i < lane.row.size(); ++i) {
      lane.row[i] = lane.next[i];
      lane.next[i] += lane.row_bytes[i];
    }
    if (deadline_ns < lane.oldest_deadline_ns) lane.oldest_deadline_ns = deadline_ns;
    if (++lane.rows == lane.capacity) full_ = true;
    return lane.row;
  }

  /// A lane is full: pump(now, Urgency::due, ...) will start it.
  bool any_full() const noexcept { return full_; }

  /// Starts what `urgency` allows, collects finished batches and hands their answers over. Returns the
  /// number of requests answered.
  std::size_t pump(std::int64_t time_ns, Urgency urgency, Answers& answers) noexcept;

  /// Requests that wait or are in flight.
  std::size_t waiting() const noexcept;

  /// Batches are on a device: pump again soon.
  bool in_flight() const noexcept { return in_flight_ != 0; }

  /// When pump(Urgency::due) would start a batch at the latest; the largest integer when nothing waits.
  std::int64_t next_due_ns() noexcept;

  static constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();

 private:
  enum class SlotState : std::uint8_t { empty, filling, in_flight };

  /// The queue of one network.
  struct Lane {
    std::unique_ptr<backends::Program> program;
    RoutedProgram* routed = nullptr;  // the program, if it chooses among devices
    TimeModel model;
    Counters counters;
    std::size_t device = 0;    // lanes on one device share its time
    std::size_t slot = 0;      // being filled
    std::size_t rows = 0;      // taken in that slot
    std::size_t capacity = 0;  // rows that may be taken now: max_batch, or 0 when no slot is free
    std::size_t first_request = 0;
    std::int64_t oldest_deadline_ns = never;
    std::vector<Request> requests;  // [slots][max_batch]
    std::vector<std::byte*> row;    // last claimed
    std::vector<std::byte*> next;
    std::vector<std::size_t> row_bytes;
    std::vector<SlotState> states;
    std::vector<std::size_t> slot_rows;
    std::vector<std::int64_t> started_ns;

    Lane(std::unique_ptr<backends::Program> program_, TimeModel model_);
  };

  void open(Lane& lane, std::size_t network) noexcept;
  void choose_slot(Lane& lane) noexcept;
  void sum_backlog() noexcept;
  std::int64_t due_ns(const Lane& lane) const noexcept;
  bool may_start(Lane& lane, std::int64_t time_ns, Urgency urgency) noexcept;
  std::size_t start(std::size_t network, Answers& answers) noexcept;
  std::size_t collect(std::size_t network, Answers& answers) noexcept;
  std::size_t collect_slot(std::size_t network, std::size_t slot, Answers& answers) noexcept;
  std::size_t finish(std::size_t network, std::size_t slot, backends::Status status,
                     Answers& answers) noexcept;

  std::vector<Lane> lanes_;
  std::vector<std::uint32_t> open_lanes_;        // lanes with rows, unordered
  std::vector<std::size_t> device_batches_;      // batches on each device
  std::vector<std::int64_t> device_backlog_ns_;  // predicted time of what waits for each device
  std::int64_t margin_ns_;
  std::size_t in_flight_ = 0;  // requests
  bool full_ = false;
};

}  // namespace crible::batching
