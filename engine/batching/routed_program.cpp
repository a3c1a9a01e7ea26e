#include "engine/batching/routed_program.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <thread>
#include <utility>

#include "engine/base/error.hpp"

namespace crible::batching {

using backends::Slot;
using backends::Status;

namespace {

std::vector<std::size_t> row_bytes(const std::vector<std::span<std::byte>>& arrays, std::size_t max_batch) {
  std::vector<std::size_t> bytes;
  for (const auto& array : arrays) bytes.push_back(array.size() / max_batch);
  return bytes;
}

}  // namespace

void Routing::add(const Routing& other) {
  for (const RouteCounts& theirs : other.routes) {
    const auto ours = std::ranges::find(routes, theirs.device, &RouteCounts::device);
    if (ours == routes.end()) {
      routes.push_back(theirs);
    } else {
      ours->batches += theirs.batches;
      ours->events += theirs.events;
      for (const PathCounts& path : theirs.paths) {
        const auto known = std::ranges::find(ours->paths, path.path, &PathCounts::path);
        if (known == ours->paths.end()) {
          ours->paths.push_back(path);
        } else {
          known->batches += path.batches;
        }
      }
    }
  }
  if (why.empty()) why = other.why;
  moved += other.moved;
  checked += other.checked;
  wrong += other.wrong;
  for (const std::string& trouble : other.troubles) {
    if (std::ranges::find(troubles, trouble) == troubles.end()) troubles.push_back(trouble);
  }
}

RoutedProgram::RoutedProgram(std::vector<Route> routes, std::unique_ptr<backends::Program> cpu,
                             RoutingOptions options)
    : cpu_(std::move(cpu)), options_(options) {
  for (Route& route : routes) {
    if (route.program->max_batch() != cpu_->max_batch() ||
        route.program->slots().size() > cpu_->slots().size()) {
      throw Error("The programs of network " + cpu_->network().name + " have different batches.",
                  Fault::failure);
    }
    const std::string device = route.program->device();
    const auto* paths = dynamic_cast<const backends::Paths*>(route.program.get());
    ways_.push_back({std::move(route), TimeModel(cpu_->max_batch()), 0, {device}, paths});
  }
  ways_.push_back({{}, TimeModel(cpu_->max_batch()), 0, {cpu_->device()}});
  backends::Program& home = program(0);
  slots_.assign(home.slots().begin(), home.slots().end());
  batches_.resize(slots_.size());
  input_row_bytes_ = row_bytes(slots_[0].inputs, max_batch());
  output_row_bytes_ = row_bytes(slots_[0].outputs, max_batch());
  measure_ways();
}

/// A device that cannot even be measured is out from the start.
void RoutedProgram::measure_ways() {
  for (std::size_t way = 0; way < ways_.size(); ++way) {
    try {
      ways_[way].model = measure(program(way), 3, options_.clock);
    } catch (const Error&) {
      if (is_cpu(way)) throw;
      take_out(way, "it failed when it was measured", max_batch());
    }
  }
}

const std::string& RoutedProgram::device() const {
  for (const Way& way : ways_) {
    if (way.route.program && !way.route.health->out) return way.route.program->device();
  }
  return cpu_->device();
}

/// Preferred ways are looked at last: what is in flight on a way goes before this batch.
std::size_t RoutedProgram::choose(std::size_t events, std::int64_t now_ns) const noexcept {
  std::size_t best = ways_.size() - 1;
  std::int64_t best_ns = ways_[best].model.predict_ns(events);
  for (std::size_t way = ways_.size() - 1; way-- > 0;) {
    if (ways_[way].route.health->out) continue;
    const std::int64_t ns =
        static_cast<std::int64_t>(ways_[way].in_flight + 1) * ways_[way].model.predict_ns(events);
    const bool in_time = deadline_ns_ != no_deadline && now_ns + ns <= deadline_ns_;
    if (options_.forced || in_time || ns < best_ns) {
      best = way;
      best_ns = ns;
    }
  }
  return best;
}

void RoutedProgram::count(std::size_t way, std::size_t events) noexcept {
  Way& taken = ways_[way];
  ++taken.in_flight;
  ++taken.counts.batches;
  taken.counts.events += events;
  if (taken.paths == nullptr) return;
  const char* path = taken.paths->path(events);
  for (PathCount& known : taken.path_counts) {
    if (known.path != nullptr && known.path != path) continue;
    known.path = path;
    ++known.batches;
    return;
  }
}

void RoutedProgram::take_out(std::size_t way, const char* what, std::size_t events) noexcept {
  DeviceHealth& health = *ways_[way].route.health;
  if (health.out) return;
  health.out = true;
  std::snprintf(health.sentence.data(), health.sentence.size(),
                "device %s is out of the run: %s, in a batch of %zu events of network %s; %s has taken over",
                ways_[way].counts.device.c_str(), what, events, network().name.c_str(),
                cpu_->device().c_str());
}

void RoutedProgram::copy_inputs(const Slot& to, std::size_t slot, std::size_t events) noexcept {
  for (std::size_t i = 0; i < to.inputs.size(); ++i) {
    const std::byte* from = slots_[slot].inputs[i].data();
    if (from != to.inputs[i].data()) std::memcpy(to.inputs[i].data(), from, events * input_row_bytes_[i]);
  }
}

/// Leaves the answers in the CPU's outputs of the slot.
Status RoutedProgram::run_on_cpu(std::size_t slot, std::size_t events) noexcept {
  copy_inputs(cpu_->slots()[slot], slot, events);
  return cpu_->run(slot, events);
}

bool RoutedProgram::agrees(std::size_t slot, std::size_t events) noexcept {
  const std::vector<std::span<std::byte>>& right = cpu_->slots()[slot].outputs;
  for (std::size_t o = 0; o < right.size(); ++o) {
    const std::byte* got = slots_[slot].outputs[o].data();
    if (std::memcmp(got, right[o].data(), events * output_row_bytes_[o]) != 0) return false;
  }
  return true;
}

Status RoutedProgram::submit(std::size_t slot, std::size_t events) noexcept {
  if (slot >= slots_.size() || events == 0 || events > max_batch()) return Status::bad_batch;
  Batch& batch = batches_[slot];
  if (batch.way != idle) return Status::busy;
  const std::int64_t now_ns = options_.clock();
  const std::size_t way = choose(events, now_ns);
  deadline_ns_ = no_deadline;
  batch = {way, events, now_ns, Status::ok, false};
  count(way, events);
  if (is_cpu(way)) {
    batch.status = run_on_cpu(slot, events);
    batch.done = true;
    ways_[way].model.observe(events, options_.clock() - batch.started_ns);
    return Status::ok;
  }
  copy_inputs(program(way).slots()[slot], slot, events);
  const Status status = program(way).submit(slot, events);
  if (status != Status::ok && status != Status::pending) take_out(way, "it refused the batch", events);
  return Status::ok;
}

Status RoutedProgram::poll(std::size_t slot) noexcept {
  if (slot >= slots_.size()) return Status::bad_batch;
  Batch& batch = batches_[slot];
  if (batch.way == idle) return Status::ok;
  if (batch.done) return finish(slot);
  Way& way = ways_[batch.way];
  if (!way.route.health->out) {
    const Status status = way.route.program->poll(slot);
    const std::int64_t elapsed_ns = options_.clock() - batch.started_ns;
    if (status == Status::pending && elapsed_ns <= options_.hang_ns) return Status::pending;
    if (status == Status::ok) {
      way.model.observe(batch.events, elapsed_ns);
      batch.done = true;
      return finish(slot);
    }
    const bool late = status == Status::pending || status == Status::deadline_passed;
    take_out(batch.way, late ? "it did not answer in time" : "it reported an error", batch.events);
  }
  ++moved_;
  --way.in_flight;
  batch.way = ways_.size() - 1;
  ++ways_.back().in_flight;
  batch.status = run_on_cpu(slot, batch.events);
  batch.done = true;
  return finish(slot);
}

/// Shows the outputs of the way that answered; compares some with the CPU's.
Status RoutedProgram::finish(std::size_t slot) noexcept {
  Batch& batch = batches_[slot];
  const std::size_t way = batch.way;
  --ways_[way].in_flight;
  std::ranges::copy(program(way).slots()[slot].outputs, slots_[slot].outputs.begin());
  const bool check = !is_cpu(way) && options_.check_every != 0 && random_() % options_.check_every == 0;
  if (check) {
    ++checked_;
    batch.status = run_on_cpu(slot, batch.events);
    if (!agrees(slot, batch.events)) {
      ++wrong_;
      take_out(way, "its bits differ from the CPU's", batch.events);
      std::ranges::copy(cpu_->slots()[slot].outputs, slots_[slot].outputs.begin());
    }
  }
  if (is_cpu(way) && ways_.size() > 1 && ways_[0].route.health->out) {
    std::ranges::copy(cpu_->slots()[slot].inputs, slots_[slot].inputs.begin());
  }
  batch.way = idle;
  return batch.status;
}

Status RoutedProgram::run(std::size_t slot, std::size_t events) noexcept {
  Status status = submit(slot, events);
  if (status != Status::ok) return status;
  while ((status = poll(slot)) == Status::pending) std::this_thread::yield();
  return status;
}

void RoutedProgram::forget_counts() noexcept {
  for (Way& way : ways_) {
    way.counts.batches = way.counts.events = 0;
    way.path_counts.fill({});
  }
  moved_ = checked_ = wrong_ = 0;
}

Routing RoutedProgram::routing() const {
  Routing routing;
  for (const Way& way : ways_) {
    routing.routes.push_back(way.counts);
    routing.routes.back().one_event_ns = way.model.predict_ns(1);
    routing.routes.back().full_batch_ns = way.model.predict_ns(max_batch());
    if (way.paths != nullptr) routing.routes.back().paths_how = way.paths->how();
    for (const PathCount& path : way.path_counts) {
      if (path.path != nullptr) routing.routes.back().paths.push_back({path.path, path.batches});
    }
    if (way.route.health && way.route.health->out)
      routing.troubles.emplace_back(way.route.health->sentence.data());
  }
  routing.why = options_.forced ? ways_[0].counts.device + " was asked for"
                                : "by the measured times each batch goes to the first device that answers "
                                  "before its deadline, else where its answer is expected first";
  routing.moved = moved_;
  routing.checked = checked_;
  routing.wrong = wrong_;
  return routing;
}

}  // namespace crible::batching
