#include "engine/batching/batcher.hpp"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

#include "engine/base/clock.hpp"
#include "engine/batching/routed_program.hpp"

namespace crible::batching {

Batcher::Lane::Lane(std::unique_ptr<backends::Program> program_, TimeModel model_)
    : program(std::move(program_)),
      routed(dynamic_cast<RoutedProgram*>(program.get())),
      model(std::move(model_)) {
  const auto slots = program->slots();
  requests.resize(slots.size() * program->max_batch());
  states.assign(slots.size(), SlotState::empty);
  slot_rows.assign(slots.size(), 0);
  started_ns.assign(slots.size(), 0);
  const std::size_t inputs = slots[0].inputs.size();
  row.resize(inputs);
  next.resize(inputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    row_bytes.push_back(slots[0].inputs[i].size() / program->max_batch());
  }
  capacity = program->max_batch();
}

Batcher::Batcher(std::vector<std::unique_ptr<backends::Program>> programs, std::int64_t margin_ns)
    : margin_ns_(margin_ns) {
  std::map<std::string, std::size_t> devices;
  lanes_.reserve(programs.size());
  for (auto& program : programs) {
    TimeModel model = measure(*program);
    lanes_.emplace_back(std::move(program), std::move(model));
    Lane& lane = lanes_.back();
    if (lane.routed != nullptr) lane.routed->forget_counts();
    lane.device = devices.try_emplace(lane.program->device(), devices.size()).first->second;
  }
  open_lanes_.reserve(lanes_.size());
  device_batches_.assign(devices.size(), 0);
  device_backlog_ns_.assign(devices.size(), 0);
}

Routing Batcher::routing(std::size_t network) const {
  const Lane& lane = lanes_[network];
  if (lane.routed != nullptr) return lane.routed->routing();
  const backends::Program& program = *lane.program;
  RouteCounts only{program.device(), lane.counters.batches, lane.counters.requests, lane.model.predict_ns(1),
                   lane.model.predict_ns(program.max_batch())};
  return {.routes = {only}, .why = program.device() + " was asked for"};
}

void Batcher::open(Lane& lane, std::size_t network) noexcept {
  const backends::Slot& slot = lane.program->slots()[lane.slot];
  for (std::size_t i = 0; i < lane.next.size(); ++i) lane.next[i] = slot.inputs[i].data();
  lane.first_request = lane.slot * lane.program->max_batch();
  lane.states[lane.slot] = SlotState::filling;
  open_lanes_.push_back(static_cast<std::uint32_t>(network));
}

void Batcher::choose_slot(Lane& lane) noexcept {
  lane.rows = 0;
  lane.oldest_deadline_ns = never;
  const auto free = std::ranges::find(lane.states, SlotState::empty);
  lane.capacity = free == lane.states.end() ? 0 : lane.program->max_batch();
  if (lane.capacity != 0) lane.slot = static_cast<std::size_t>(free - lane.states.begin());
}

std::size_t Batcher::waiting() const noexcept {
  std::size_t rows = in_flight_;
  for (std::uint32_t network : open_lanes_) rows += lanes_[network].rows;
  return rows;
}

void Batcher::sum_backlog() noexcept {
  std::ranges::fill(device_backlog_ns_, 0);
  for (std::uint32_t network : open_lanes_) {
    const Lane& lane = lanes_[network];
    device_backlog_ns_[lane.device] += lane.model.predict_ns(lane.rows);
  }
}

std::int64_t Batcher::due_ns(const Lane& lane) const noexcept {
  if (lane.oldest_deadline_ns == never) return never;
  return lane.oldest_deadline_ns - device_backlog_ns_[lane.device] - margin_ns_;
}

std::int64_t Batcher::next_due_ns() noexcept {
  sum_backlog();
  std::int64_t next = never;
  for (std::uint32_t network : open_lanes_) next = std::min(next, due_ns(lanes_[network]));
  return next;
}

std::size_t Batcher::pump(std::int64_t time_ns, Urgency urgency, Answers& answers) noexcept {
  std::size_t answered = 0;
  if (in_flight_ != 0) {
    for (std::size_t network = 0; network < lanes_.size(); ++network) answered += collect(network, answers);
  }
  if (open_lanes_.empty()) return answered;
  sum_backlog();
  std::ranges::sort(open_lanes_, {}, [this](std::uint32_t n) { return lanes_[n].oldest_deadline_ns; });
  std::size_t kept = 0;
  for (std::uint32_t network : open_lanes_) {
    if (may_start(lanes_[network], time_ns, urgency)) {
      answered += start(network, answers);
    } else {
      open_lanes_[kept++] = network;
    }
  }
  open_lanes_.resize(kept);
  full_ = false;
  return answered;
}

bool Batcher::may_start(Lane& lane, std::int64_t time_ns, Urgency urgency) noexcept {
  if (lane.rows == lane.capacity) {
    ++lane.counters.full;
    return true;
  }
  if (due_ns(lane) <= time_ns) {
    ++lane.counters.deadline;
    return true;
  }
  const bool device_idle = device_batches_[lane.device] == 0;
  if (urgency == Urgency::now || (urgency == Urgency::idle && device_idle)) {
    ++lane.counters.idle;
    return true;
  }
  return false;
}

std::size_t Batcher::start(std::size_t network, Answers& answers) noexcept {
  Lane& lane = lanes_[network];
  const std::size_t slot = lane.slot;
  ++lane.counters.batches;
  lane.counters.requests += lane.rows;
  lane.states[slot] = SlotState::in_flight;
  lane.slot_rows[slot] = lane.rows;
  lane.started_ns[slot] = monotonic_ns();
  in_flight_ += lane.rows;
  ++device_batches_[lane.device];
  if (lane.routed != nullptr && lane.oldest_deadline_ns != never) {
    lane.routed->set_deadline(lane.oldest_deadline_ns - margin_ns_);
  }
  const backends::Status status = lane.program->submit(slot, lane.rows);
  choose_slot(lane);
  if (status == backends::Status::ok || status == backends::Status::pending) {
    return collect_slot(network, slot, answers);  // a synchronous device has the answers already
  }
  return finish(network, slot, status, answers);
}

std::size_t Batcher::collect(std::size_t network, Answers& answers) noexcept {
  std::size_t answered = 0;
  for (std::size_t slot = 0; slot < lanes_[network].states.size(); ++slot) {
    if (lanes_[network].states[slot] == SlotState::in_flight)
      answered += collect_slot(network, slot, answers);
  }
  return answered;
}

std::size_t Batcher::collect_slot(std::size_t network, std::size_t slot, Answers& answers) noexcept {
  const backends::Status status = lanes_[network].program->poll(slot);
  return status == backends::Status::pending ? 0 : finish(network, slot, status, answers);
}

std::size_t Batcher::finish(std::size_t network, std::size_t slot, backends::Status status,
                            Answers& answers) noexcept {
  Lane& lane = lanes_[network];
  const std::size_t rows = lane.slot_rows[slot];
  const std::span<const Request> requests(&lane.requests[slot * lane.program->max_batch()], rows);
  in_flight_ -= rows;
  --device_batches_[lane.device];
  const BatchTimes times{lane.started_ns[slot], monotonic_ns()};
  if (status == backends::Status::ok) {
    lane.model.observe(rows, times.finished_ns - times.started_ns);
    answers.answered(network, requests, lane.program->slots()[slot], times);
  } else {
    ++lane.counters.failed;
    answers.failed(network, requests, times);
  }
  lane.states[slot] = SlotState::empty;
  if (lane.capacity == 0) choose_slot(lane);
  return rows;
}

}  // namespace crible::batching
