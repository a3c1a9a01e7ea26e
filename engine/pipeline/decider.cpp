#include "engine/pipeline/decider.hpp"

#include <algorithm>
#include <utility>

#include "engine/base/clock.hpp"

namespace crible::pipeline {

namespace {

/// Reading the clock costs as much as a small decision.
constexpr std::uint64_t decisions_per_clock = 16;

}  // namespace

using batching::BatchTimes;
using batching::Urgency;
using menu::Cause;

Decider::Decider(const Trigger& trigger, std::vector<std::unique_ptr<backends::Program>> programs,
                 const DeciderOptions& options)
    : trigger_(trigger),
      options_(options),
      batcher_(std::move(programs)),
      layout_size_(trigger.layout.size()),
      objects_(trigger.networks.size()) {
  std::size_t open = options.open_events;
  for (std::size_t n = 0; open == 0 && n < batcher_.networks(); ++n)
    open = batcher_.program(n).max_batch() * 4;
  states_.resize(std::max<std::size_t>(open, 1));
  outputs_.resize(states_.size() * layout_size_);
  for (std::size_t i = states_.size(); i-- > 0;) {
    states_[i].quantities = trigger.decoder.make_event();
    states_[i].input.run = options.run;
    free_.push_back(static_cast<std::uint32_t>(i));
  }
}

void Decider::add(const DeciderEvent& event, std::int64_t now_ns, DecisionSink& sink) noexcept {
  sink_ = &sink;
  while (free_.empty()) pump(now_ns, Urgency::now, sink);
  const std::uint32_t index = free_.back();
  free_.pop_back();
  State& state = states_[index];
  state.input.event = event.event;
  state.input.luminosity_block = event.luminosity_block;
  state.input.prescale_set = event.prescale_set;
  state.input.flags = event.flags;
  state.times = event.times;
  state.deadline_ns = event.deadline_ns;
  state.cookie = event.cookie;
  if (now_ns > event.deadline_ns) state.input.flags |= flag(Cause::late_building);
  if (state.input.flags == 0) {
    const auto result = trigger_.decoder.decode(event.fragments, state.quantities);
    if (result.status != detector::DecodeStatus::ok) state.input.flags |= flag(Cause::bad_payload);
  }
  state.gathered_ns = now_ns;
  state.pending = 1;
  if (state.input.flags == 0) gather(index, now_ns, sink);
  one_less(index, {now_ns, now_ns});
}

void Decider::gather(std::uint32_t index, std::int64_t now_ns, DecisionSink& sink) noexcept {
  State& state = states_[index];
  for (std::size_t network = 0; network < trigger_.bindings.size(); ++network) {
    const detector::Binding& binding = trigger_.bindings[network];
    const std::uint32_t objects = binding.objects(state.quantities);
    for (std::uint32_t object = 0; object < objects; ++object) {
      auto rows = batcher_.claim(network, {index, object}, state.deadline_ns);
      while (rows.empty()) {
        pump(now_ns, Urgency::due, sink);
        rows = batcher_.claim(network, {index, object}, state.deadline_ns);
      }
      ++state.pending;
      binding.gather(state.quantities, object, rows);
    }
  }
}

void Decider::pump(std::int64_t now_ns, Urgency urgency, DecisionSink& sink) noexcept {
  sink_ = &sink;
  batcher_.pump(now_ns, urgency, *this);
}

void Decider::answered(std::size_t network, std::span<const batching::Request> requests,
                       const backends::Slot& slot, const BatchTimes& times) noexcept {
  recent_ns_ = times.finished_ns;
  for (std::size_t row = 0; row < requests.size(); ++row) {
    const auto [event, object] = requests[row];
    trigger_.layout.store(network, object, slot.outputs, row, outputs_of(event));
    one_less(event, times);
  }
}

void Decider::failed(std::size_t, std::span<const batching::Request> requests,
                     const BatchTimes& times) noexcept {
  for (const auto [event, object] : requests) {
    states_[event].input.flags |= flag(Cause::network_failed);
    one_less(event, times);
  }
}

void Decider::one_less(std::uint32_t index, const BatchTimes& times) noexcept {
  State& state = states_[index];
  if (--state.pending != 0) return;
  state.times.inferred_ns = times.finished_ns;
  state.submitted_ns = times.started_ns;
  if (state.input.flags == 0 && times.finished_ns > state.deadline_ns) {
    const bool queued_too_long = times.started_ns > state.deadline_ns;
    state.input.flags |= flag(queued_too_long ? Cause::late_queue : Cause::late_device);
  }
  decide(index);
}

void Decider::decide(std::uint32_t index) noexcept {
  constexpr std::uint32_t late =
      flag(Cause::late_building) | flag(Cause::late_queue) | flag(Cause::late_device);
  State& state = states_[index];
  if (++decisions_ % decisions_per_clock == 0) recent_ns_ = monotonic_ns();
  const bool undecidable = state.input.flags != 0;
  const bool is_late = (state.input.flags & late) != 0;
  state.input.action = is_late ? options_.late : menu::FaultAction::accept;
  state.input.fault_prescale = is_late ? options_.late_prescale : 1;
  state.input.quantities = &state.quantities;
  state.input.outputs = outputs_of(index);
  menu::Decision decision;
  trigger_.menu.decide(state.input, decision);
  for (std::size_t n = 0; n < objects_.size(); ++n) {
    objects_[n] = undecidable ? 0 : trigger_.bindings[n].objects(state.quantities);
  }
  decision.times = state.times;
  decision.times.decided_ns = std::max(recent_ns_, state.times.inferred_ns);
  sink_->decided(
      {decision, {objects_, outputs_of(index)}, state.gathered_ns, state.submitted_ns, state.cookie});
  free_.push_back(index);
}

}  // namespace crible::pipeline
