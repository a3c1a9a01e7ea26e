#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/batching/batcher.hpp"
#include "engine/detector/event.hpp"
#include "engine/menu/decision.hpp"
#include "engine/pipeline/trigger.hpp"

namespace crible::pipeline {

/// An event to be decided. What `fragments` point to must stay until it was.
struct DeciderEvent {
  std::uint64_t event = 0;
  std::uint32_t luminosity_block = 0;
  std::span<const detector::Payload> fragments;  // by source, in the order of the description
  std::uint32_t flags = 0;         // of menu::Cause, as far as known: any flag decides without the networks
  std::uint16_t prescale_set = 0;  // Schedule::set_at, or what a recorded decision says
  std::int64_t deadline_ns = batching::Batcher::never;
  menu::Times times;       // inferred and decided are filled in
  void* cookie = nullptr;  // handed back with the decision
};

/// A decided event, valid during DecisionSink::decided.
struct Decided {
  const menu::Decision& decision;
  menu::Answers answers;
  std::int64_t gathered_ns;   // its turn had come: decoding and gathering begin
  std::int64_t submitted_ns;  // the last of its batches was started
  void* cookie;
};

class DecisionSink {
 public:
  virtual ~DecisionSink() = default;

  /// Called inside Decider::add and Decider::pump, on the caller's thread; calls neither of them.
  virtual void decided(const Decided& event) noexcept = 0;
};

struct DeciderOptions {
  std::uint32_t run = 0;
  menu::FaultAction late = menu::FaultAction::accept;  // for events whose deadline passed
  std::uint32_t late_prescale = 1;
  std::size_t open_events = 0;  // waiting for their networks; 0: four batches
};

/// Decodes events, gathers their network inputs into batches, and lets the menu decide when the last
/// answer is there. Shared by the online shards and replay, so that both decide alike. One thread;
/// nothing is allocated after construction.
class Decider final : private batching::Answers {
 public:
  /// `programs` are those of the trigger's networks, in order. The trigger must outlive the decider.
  Decider(const Trigger& trigger, std::vector<std::unique_ptr<backends::Program>> programs,
          const DeciderOptions& options);

  /// Takes an event; decides it at once when it needs no network. Runs batches when there is no room.
  /// `now_ns` is the clock of deadlines and times (CLOCK_MONOTONIC online, anything in replay).
  void add(const DeciderEvent& event, std::int64_t now_ns, DecisionSink& sink) noexcept;

  /// Runs the batches that `urgency` allows.
  void pump(std::int64_t now_ns, batching::Urgency urgency, DecisionSink& sink) noexcept;

  /// Events that wait for networks.
  std::size_t open_events() const noexcept { return states_.size() - free_.size(); }

  bool any_full() const noexcept { return batcher_.any_full(); }
  bool in_flight() const noexcept { return batcher_.in_flight(); }
  std::int64_t next_due_ns() noexcept { return batcher_.next_due_ns(); }
  const batching::Batcher& batcher() const noexcept { return batcher_; }

 private:
  struct State {
    detector::Event quantities;
    menu::DecisionInput input;
    menu::Times times;
    std::int64_t deadline_ns = 0;
    std::int64_t gathered_ns = 0;
    std::int64_t submitted_ns = 0;
    std::uint32_t pending = 0;  // requests without an answer, and one while gathering
    void* cookie = nullptr;
  };

  void answered(std::size_t network, std::span<const batching::Request> requests, const backends::Slot& slot,
                const batching::BatchTimes& times) noexcept override;
  void failed(std::size_t network, std::span<const batching::Request> requests,
              const batching::BatchTimes& times) noexcept override;
  void gather(std::uint32_t index, std::int64_t now_ns, DecisionSink& sink) noexcept;
  void one_less(std::uint32_t index, const batching::BatchTimes& times) noexcept;
  void decide(std::uint32_t index) noexcept;
  std::int64_t* outputs_of(std::uint32_t index) noexcept { return outputs_.data() + index * layout_size_; }

  const Trigger& trigger_;
  DeciderOptions options_;
  batching::Batcher batcher_;
  std::size_t layout_size_;
  std::vector<State> states_;
  std::vector<std::uint32_t> free_;
  std::vector<std::int64_t> outputs_;   // [states][layout]
  std::vector<std::uint32_t> objects_;  // of the event being decided, by network
  DecisionSink* sink_ = nullptr;        // during add and pump
  std::int64_t recent_ns_ = 0;          // CLOCK_MONOTONIC, not older than a few decisions
  std::uint64_t decisions_ = 0;
};

}  // namespace crible::pipeline
