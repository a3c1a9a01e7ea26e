#pragma once

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/base/yaml.hpp"
#include "engine/detector/plan.hpp"
#include "engine/menu/menu.hpp"
#include "engine/menu/program.hpp"
#include "engine/network/build.hpp"

namespace crible::menu {

/// The sentence of the Error that `action` throws.
inline std::string sentence_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

constexpr const char* small_detector = R"(
sources:
  - name: sums
    payload:
      - {name: met, type: i16, unit: {lsb: 0.5, name: GeV}}
      - {name: phi, type: i16, unit: {lsb: 2.5, name: deg}}
      - {name: bx, type: u16}
      - {name: big, type: i64}
      - {name: grid, type: u8, shape: [2, 2]}
  - name: objects
    payload:
      - name: jets
        count: 3
        fields: [{name: pt, type: i16, unit: {lsb: 0.5, name: GeV}}, {name: eta, type: i16}]
      - name: muons
        count: rest
        max: 2
        fields: [{name: pt, type: i16, unit: {lsb: 0.25, name: GeV}}, {name: eta, type: i16}]
collections:
  - {name: jets, from: [objects.jets], nonzero: pt}
  - {name: muons, from: [objects.muons]}
quantities: {met: sums.met, bx: sums.bx, big: sums.big}
)";

constexpr const char* small_networks = R"(
- name: anomaly
  file: a.crn
  outputs: [score]
  inputs: [{from: [{value: met, shift: 8}]}]
- name: tag
  file: t.crn
  per: jets
  inputs: [{from: [{object: pt, shift: 8}, {object: eta, shift: 8}]}]
)";

/// A detector, two networks (one for each event, one for each jet) and one event.
class SmallTrigger : public testing::Test {
 protected:
  struct Jet {
    std::int16_t pt = 0;
    std::int16_t eta = 0;
  };

  SmallTrigger() {
    networks_.push_back(passing("anomaly", 1, 0.25, -10));
    networks_.push_back(passing("tag", 2, 1.0, 0));
    for (std::size_t n = 0; n < networks_.size(); ++n)
      bindings_.emplace_back(configs_[n], description_, networks_[n]);
    layout_ = OutputLayout(configs_, bindings_, networks_);
    outputs_.resize(layout_.size());
    set_event(0, 0, {}, {});
  }

  static network::Network passing(const std::string& name, int elements, double scale,
                                  std::int64_t zero_point) {
    network::Builder builder(name);
    const network::NodeId input = builder.input("x", {elements}, {true, 8, 0});
    network::Encoding encoding;
    encoding.scale = scale;
    encoding.zero_point = zero_point;
    builder.output("y", input, encoding);
    return builder.finish();
  }

  void set_event(std::int16_t met, std::uint16_t bx, std::vector<Jet> jets, const std::vector<Jet>& muons,
                 std::int64_t big = 0) {
    jets.resize(3);
    sums_.clear();
    objects_.clear();
    put(sums_, met);
    put(sums_, std::int16_t{-36});
    put(sums_, bx);
    put(sums_, big);
    for (std::uint8_t i = 1; i <= 4; ++i) put(sums_, i);
    for (const Jet& jet : jets) put(objects_, jet);
    for (const Jet& muon : muons) put(objects_, muon);
    const detector::Payload fragments[] = {sums_, objects_};
    ASSERT_EQ(decoder_.decode(fragments, event_).status, detector::DecodeStatus::ok);
  }

  template <class Value>
  static void put(std::vector<std::byte>& bytes, const Value& value) {
    const std::size_t at = bytes.size();
    bytes.resize(at + sizeof value);
    std::memcpy(bytes.data() + at, &value, sizeof value);
  }

  Program compile(const std::string& text) const { return compile_condition(text, description_, layout_); }
  /// What the program says, as it was compiled and shortened.
  bool holds(const std::string& text) const {
    const Program program = compile(text);
    const bool result = menu::holds(program, event_, outputs_.data());
    EXPECT_EQ(menu::holds(shorten(program), event_, outputs_.data()), result) << text << ", shortened";
    return result;
  }

  Menu load(const std::string& text) const {
    return Menu(yaml::parse(text, "menu.yaml"), description_, layout_);
  }
  std::string refusal(const std::string& text) const {
    return sentence_of([&] { load(text); });
  }

  detector::Description description_ =
      detector::load_description(yaml::parse(small_detector, "detector.yaml"));
  std::vector<detector::NetworkConfig> configs_ =
      detector::load_networks(yaml::parse(small_networks, "networks.yaml"));
  std::vector<network::Network> networks_;
  std::vector<detector::Binding> bindings_;
  OutputLayout layout_;
  detector::Decoder decoder_{description_};
  detector::Event event_ = decoder_.make_event();
  std::vector<std::byte> sums_;
  std::vector<std::byte> objects_;
  std::vector<std::int64_t> outputs_;
};

}  // namespace crible::menu
