#pragma once

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "engine/builder/builder.hpp"
#include "engine/pipeline/decider.hpp"
#include "engine/pipeline/event_trace.hpp"
#include "engine/pipeline/publisher.hpp"
#include "engine/pipeline/receiver.hpp"
#include "engine/pipeline/run_control.hpp"
#include "engine/pipeline/run_ledger.hpp"
#include "engine/pipeline/stages.hpp"
#include "engine/pipeline/trigger.hpp"
#include "engine/record/writer.hpp"

namespace crible::pipeline {

/// What a chain did: events whose condition held, and those that its prescale kept.
struct ChainCounts {
  std::uint64_t before = 0;
  std::uint64_t after = 0;
};

/// Everything that a shard counts; sums over shards are exact.
struct ShardStatus {
  std::uint64_t frames = 0;
  std::uint64_t bytes = 0;
  std::uint64_t decisions = 0;
  std::uint64_t offered = 0;     // events that belong into the recording
  std::uint64_t unrecorded = 0;  // of these, refused by the recording
  std::uint64_t frames_held = 0;
  std::int64_t first_ns = 0;  // when the first frame came, and the last decision went; 0: none yet
  std::int64_t last_ns = 0;
  std::vector<ChainCounts> chains;
  std::vector<std::uint64_t> streams;
  std::array<std::uint64_t, menu::cause_count> causes{};
  std::vector<batching::Counters> batches;  // by network
  std::vector<batching::Routing> routing;   // likewise
  Publisher::Counters published;
  StageHistograms stages;
  builder::Ledger open_books;  // of luminosity blocks that are not finished

  void add(const ShardStatus& other);
};

/// What the shards of a run share.
struct ShardContext {
  const Trigger& trigger;
  const RunConfig& config;
  zmq::context_t& zmq;
  RunControl& control;
  RunLedger& ledger;
  record::Writer* recording = nullptr;  // null: nothing is recorded; set before the shards run
  EventTrace* trace = nullptr;          // null: no stamps of single events
};

/// One thread that does everything for its events, to completion: receive, build, gather, infer, decide,
/// publish, and hand what is kept to the recording.
class Shard final : private DecisionSink {
 public:
  /// Binds and connects the sockets, compiles the networks. Throws Error. The context must outlive the shard.
  Shard(const ShardContext& context, std::size_t index);

  /// The thread's body: until every source has ended the run or a stop is requested; then drains.
  void run();

  /// A consistent copy of the status, from any thread; takes a pass of the shard's loop.
  ShardStatus status();

 private:
  void decided(const Decided& event) noexcept override;

  bool receive_some();
  void take(wire::Message& message);
  void decide_closed();
  void decide(builder::Event& event);
  void settle(batching::Urgency urgency);
  void hand_over_books();
  void publish(const Decided& event, std::span<const std::byte> encoded) noexcept;
  void record(const builder::Event& event, const menu::Decision& decision,
              std::span<const std::byte> encoded) noexcept;
  void count(const Decided& event) noexcept;
  void trace(const Decided& event) noexcept;
  void flush();
  void sleep();
  void begin_draining() noexcept;
  void drain();
  void refresh_status();
  void refresh_locked();
  bool ended() const;

  const ShardContext& context_;
  std::size_t index_;
  Receiver receiver_;
  std::optional<Publisher> publisher_;
  Decider decider_;
  builder::EventBuilder builder_;
  menu::Schedule schedule_;
  ShardStatus counts_;

  /// Of the decisions in the open frame.
  struct Waiting {
    std::int64_t sent_ns;
    std::int64_t decided_ns;
  };
  std::vector<Waiting> unsent_;
  std::vector<detector::Payload> payloads_;
  std::vector<record::Fragment> fragments_;
  std::vector<std::byte> encoded_;
  std::int64_t now_ns_ = 0;
  std::int64_t closed_ns_ = 0;                          // when the events in closed() were
  std::int64_t real_offset_ns_ = 0;                     // CLOCK_REALTIME minus CLOCK_MONOTONIC
  std::int64_t give_up_ns_ = batching::Batcher::never;  // when draining must end
  bool giving_up_ = false;

  std::atomic<bool> status_wanted_{false};
  std::mutex status_mutex_;
  std::condition_variable status_ready_;
  ShardStatus status_;
  bool done_ = false;
};

}  // namespace crible::pipeline
