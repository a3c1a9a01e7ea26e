#include "bench/peers/peer.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "bench/network/thread_clock.hpp"

namespace crible::bench::peers {

int Model::last_shift() const {
  std::int64_t greatest = 1;
  for (const auto& answer : answers) {
    for (std::int64_t x : answer) greatest = std::max<std::int64_t>(greatest, std::abs(x));
  }
  int shift = 1;
  while ((greatest >> shift) > 100) ++shift;
  return shift;
}

std::vector<Model> load_models(const std::string& file) {
  std::vector<Model> models;
  for (const auto& json : nlohmann::json::parse(std::ifstream(file))) {
    Model model;
    model.name = json["name"];
    model.in_shape = json["in_shape"].get<std::vector<int>>();
    model.is_signed = json["is_signed"];
    model.events = json["events"].get<std::vector<std::vector<int>>>();
    model.answers = json["answers"].get<std::vector<std::vector<std::int64_t>>>();
    for (const auto& from : json["layers"]) {
      Layer layer;
      layer.kind = from["kind"];
      if (layer.kind != "dense") {
        layer.in_shape = from["in_shape"].get<std::vector<int>>();
        layer.kernel = from["kernel"].get<std::vector<int>>();
      }
      if (layer.kind != "pool") {
        layer.weights = from["weights"].get<std::vector<std::int8_t>>();
        layer.bias = from["bias"].get<std::vector<std::int32_t>>();
        if (!from["shift"].is_null()) layer.shift = from["shift"];
      }
      if (layer.kind == "dense") layer.inputs = from["inputs"], layer.outputs = from["outputs"];
      if (layer.kind == "conv")
        layer.outputs = from["filters"], layer.pad = from["pad"].get<std::vector<int>>();
      model.layers.push_back(std::move(layer));
    }
    models.push_back(std::move(model));
  }
  return models;
}

namespace {

void one_event(const Prepared& one, const std::vector<std::byte>& events, std::size_t event) {
  std::memcpy(one.input, events.data() + event * one.event_bytes, one.event_bytes);
  one.run();
}

double one_by_one(const Prepared& one, std::vector<std::byte>& events, std::size_t calls, bool chained) {
  static volatile unsigned char always_zero = 0;
  const std::byte mask{always_zero};
  const ThreadClock clock;
  for (std::size_t call = 0; call < calls; ++call) {
    const std::size_t event = call % batch_events;
    // Nothing changes, but the processor cannot know that.
    for (std::size_t i = 0; chained && i < one.event_bytes; ++i) {
      events[event * one.event_bytes + i] ^= one.output[0] & mask;
    }
    one_event(one, events, event);
  }
  return clock.elapsed_ns() / static_cast<double>(calls);
}

}  // namespace

double measure(const Prepared& one, const Prepared& batch, const std::vector<std::byte>& events, Mode mode) {
  std::vector<std::byte> used = events;
  constexpr double wanted_ns = 1e6;
  if (mode != Mode::batch) {
    const double about = one_by_one(one, used, 20, false);
    return one_by_one(one, used, static_cast<std::size_t>(wanted_ns / about) + 1, mode == Mode::chained);
  }
  std::memcpy(batch.input, events.data(), events.size());
  const auto calls_ns = [&](std::size_t calls) {
    const ThreadClock clock;
    for (std::size_t call = 0; call < calls; ++call) batch.run();
    return clock.elapsed_ns() / static_cast<double>(calls);
  };
  return calls_ns(static_cast<std::size_t>(wanted_ns / calls_ns(1)) + 1) / batch_events;
}

Entry entry(Prepared one, Prepared batch, std::vector<std::byte> events) {
  const auto next = [one, events, at = std::size_t{0}]() mutable {
    one_event(one, events, at++ % batch_events);
  };
  const auto measured = [one = std::move(one), batch = std::move(batch),
                         events = std::move(events)](Mode mode) { return measure(one, batch, events, mode); };
  return {measured, next};
}

void check(const Prepared& one, const Prepared& batch, std::size_t output_bytes,
           const std::vector<std::byte>& events, std::size_t checked,
           const std::function<bool(std::size_t, const std::byte*)>& right) {
  for (std::size_t event = 0; event < checked; ++event) {
    one_event(one, events, event);
    if (!right(event, one.output)) throw std::runtime_error("its answers are wrong");
  }
  std::memcpy(batch.input, events.data(), events.size());
  batch.run();
  for (std::size_t event = 0; event < checked; ++event) {
    if (!right(event, batch.output + event * output_bytes)) throw std::runtime_error("its batches are wrong");
  }
}

}  // namespace crible::bench::peers
