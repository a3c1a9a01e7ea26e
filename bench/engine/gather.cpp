#include "bench/engine/gather.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/detector/bindings.hpp"
#include "engine/detector/plan.hpp"
#include "engine/network/build.hpp"

namespace crible::bench {

namespace {

constexpr std::size_t inputs = 57;

const char* const configuration = R"(
detector:
  sources:
    - {name: s0, id: 0, payload: [{name: head, type: i16, shape: [9]}, {name: rest, type: i16, shape: [91]}]}
    - {name: s1, id: 1, payload: [{name: head, type: i16, shape: [9]}, {name: rest, type: i16, shape: [91]}]}
    - {name: s2, id: 2, payload: [{name: head, type: i16, shape: [9]}, {name: rest, type: i16, shape: [91]}]}
    - name: s3
      id: 3
      payload:
        - {name: objects, count: 4, fields: [{name: pt, type: i16}, {name: eta, type: i16}, {name: phi, type: i16}]}
        - {name: rest, type: i16, shape: [88]}
    - name: s4
      id: 4
      payload:
        - {name: objects, count: 4, fields: [{name: pt, type: i16}, {name: eta, type: i16}, {name: phi, type: i16}]}
        - {name: rest, type: i16, shape: [88]}
    - {name: s5, id: 5, payload: [{name: head, type: i16, shape: [9]}, {name: rest, type: i16, shape: [91]}]}
    - {name: s6, id: 6, payload: [{name: head, type: i16, shape: [9]}, {name: rest, type: i16, shape: [91]}]}
    - {name: s7, id: 7, payload: [{name: words, type: i16, shape: [100]}]}
  collections:
    - {name: muons, from: [s3.objects, s4.objects], sort: pt, order: descending, keep: 4}
networks:
  - name: copy
    file: none.crn
    inputs:
      - from:
          - {value: s0.head, clip: true}
          - {value: s1.head, clip: true}
          - {value: s2.head, clip: true}
          - {value: s5.head, clip: true}
          - {value: s6.head, clip: true}
          - {objects: muons, first: 4, fields: [pt, eta, phi], clip: true}
)";

network::Network copying_network() {
  network::Builder builder("copy");
  const network::Type s8{true, 8, 0};
  const auto input = builder.input("x", {inputs}, s8);
  builder.output("y", input);
  return builder.finish();
}

std::int16_t word(const builder::Event& event, std::size_t source, std::size_t index) {
  std::int16_t value = 0;
  std::memcpy(&value, event.fragments[source].data + 2 * index, sizeof value);
  return value;
}

std::int8_t clipped(std::int16_t value) {
  return static_cast<std::int8_t>(std::clamp<int>(value, -128, 127));
}

}  // namespace

struct GatherStage::State {
  yaml::Value config = yaml::parse(configuration, "bench_engine");
  detector::Description description = detector::load_description(config.at("detector"));
  detector::Decoder decoder{description};
  detector::Binding binding{detector::load_networks(config.at("networks")).at(0), description,
                            copying_network()};
  detector::Event event = decoder.make_event();
  std::array<detector::Payload, 8> payloads;
  std::array<std::byte, 64> row{};
};

GatherStage::GatherStage() : state_(std::make_unique<State>()) {}

GatherStage::~GatherStage() = default;

void GatherStage::decode(const builder::Event& event) noexcept {
  for (std::size_t i = 0; i < state_->payloads.size(); ++i) state_->payloads[i] = event.fragments[i].bytes();
  state_->decoder.decode(state_->payloads, state_->event);
}

void GatherStage::run(const builder::Event& event) noexcept {
  decode(event);
  if (!state_->event.valid()) return;
  std::byte* const rows[] = {state_->row.data()};
  state_->binding.gather(state_->event, 0, rows);
}

void GatherStage::check(const builder::Event& event) const {
  std::vector<std::int8_t> expected;
  for (const std::size_t source : {0, 1, 2, 5, 6}) {
    for (std::size_t i = 0; i < 9; ++i) expected.push_back(clipped(word(event, source, i)));
  }
  std::vector<std::array<std::int16_t, 3>> objects;
  for (const std::size_t source : {3, 4}) {
    for (std::size_t i = 0; i < 12; i += 3) {
      objects.push_back({word(event, source, i), word(event, source, i + 1), word(event, source, i + 2)});
    }
  }
  std::stable_sort(objects.begin(), objects.end(),
                   [](const auto& left, const auto& right) { return left[0] > right[0]; });
  for (std::size_t i = 0; i < 4; ++i) {
    for (const std::int16_t value : objects[i]) expected.push_back(clipped(value));
  }
  const bool same = state_->event.valid() && expected.size() == inputs &&
                    std::memcmp(expected.data(), state_->row.data(), inputs) == 0;
  if (!same) throw Error("bench_engine: the answers are wrong: a gathered row differs", Fault::failure);
}

}  // namespace crible::bench
