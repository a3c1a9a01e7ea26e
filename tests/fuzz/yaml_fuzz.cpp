// Configurations and conditions: whatever the text, it is read or refused with an Error, and a menu that was
// read decides without harm. The text's first line may be `condition:`; the rest is then a condition over a
// small detector, otherwise the whole is a YAML document with the sections detector and menu.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/yaml.hpp"
#include "engine/detector/bindings.hpp"
#include "engine/detector/plan.hpp"
#include "engine/menu/menu.hpp"
#include "engine/menu/program.hpp"

namespace {

using namespace crible;

constexpr const char* small_detector = R"(
sources:
  - name: sums
    payload:
      - {name: met, type: i16, unit: {lsb: 0.5, name: GeV}}
      - {name: bx, type: u16}
      - {name: big, type: i64}
  - name: objects
    payload:
      - name: jets
        count: 3
        fields: [{name: pt, type: i16, unit: {lsb: 0.5, name: GeV}}, {name: eta, type: i8}]
      - {name: muons, count: rest, max: 2, fields: [{name: pt, type: i32}]}
collections:
  - {name: jets, from: [objects.jets], nonzero: pt}
  - {name: muons, from: [objects.muons]}
quantities: {met: sums.met, bx: sums.bx, big: sums.big}
)";

/// Payloads of the sizes that the description wants, filled with a pattern.
std::vector<std::vector<std::byte>> payloads_of(const detector::Description& description) {
  std::vector<std::vector<std::byte>> payloads;
  for (const detector::Source& source : description.sources) {
    std::vector<std::byte> payload(source.min_bytes);
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<std::byte>(i * 37 + 1);
    for (const detector::Field& field : source.fields) {
      for (std::size_t b = 0; field.equals && b < bytes_of(field.type); ++b) {
        payload[field.offset_bytes + b] = static_cast<std::byte>(*field.equals >> (8 * b));
      }
    }
    payloads.push_back(std::move(payload));
  }
  return payloads;
}

/// Decodes; the event points into `payloads`.
detector::Event decode(const detector::Description& description,
                       const std::vector<std::vector<std::byte>>& payloads) {
  const detector::Decoder decoder(description);
  detector::Event event = decoder.make_event();
  std::vector<detector::Payload> fragments;
  static const std::byte nothing{};
  for (const auto& payload : payloads) {
    fragments.emplace_back(payload.empty() ? &nothing : payload.data(), payload.size());
  }
  if (decoder.decode(fragments, event).status != detector::DecodeStatus::ok) return decoder.make_event();
  return event;
}

void run_condition(const std::string& text) {
  static const detector::Description description =
      detector::load_description(yaml::parse(small_detector, "d"));
  static const std::vector<std::vector<std::byte>> payloads = payloads_of(description);
  static const detector::Decoder decoder(description);
  static detector::Event event = decoder.make_event();
  static const bool decoded =
      decoder.decode(std::vector<detector::Payload>(payloads.begin(), payloads.end()), event).status ==
      detector::DecodeStatus::ok;
  if (!decoded) __builtin_trap();
  try {
    const menu::Program program = menu::compile_condition(text, description, {});
    (void)menu::holds(program, event, nullptr);
  } catch (const menu::ExpressionError& error) {
    if (error.problem.empty() || error.at > text.size()) __builtin_trap();
  }
}

void run_configuration(const std::string& text) {
  const yaml::Value document = yaml::parse(text, "fuzz.yaml");
  const detector::Description description = detector::load_description(document.at("detector"));
  if (const auto networks = document.find("networks")) {
    if (!networks->is_scalar()) (void)detector::load_networks(*networks);
  }
  const menu::Menu menu(document.at("menu"), description, {});
  std::size_t bytes = 0;
  for (const detector::Source& source : description.sources) bytes += source.min_bytes;
  if (bytes > (std::size_t{1} << 20)) return;
  const auto payloads = payloads_of(description);
  const detector::Event event = decode(description, payloads);
  if (!event.valid()) return;
  menu::DecisionInput input;
  input.quantities = &event;
  menu::Decision decision;
  menu.decide(input, decision);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  constexpr std::string_view mark = "condition:\n";
  try {
    if (text.starts_with(mark)) {
      run_condition(text.substr(mark.size()));
    } else {
      run_configuration(text);
    }
  } catch (const crible::Error& error) {
    if (std::string_view(error.what()).empty()) __builtin_trap();
  }
  return 0;
}
