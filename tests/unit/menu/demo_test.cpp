// The demo's menu on the demo's sample, with the networks evaluated by the reference: what it keeps of zero
// bias and of each signal.

#include "tests/unit/menu/demo.hpp"

#include <array>

#include "engine/base/npy.hpp"

namespace crible::menu {
namespace {

constexpr std::size_t events = 2000;
constexpr std::size_t samples = 7;

TEST_F(Demo, KeepsLittleZeroBiasAndMostOfEachSignal) {
  const Menu menu(config_.at("menu").included(), description_, layout_);
  const std::vector<std::int64_t> labels = to_integers(read_npy("tools/demo_data/stream/labels.npy"));
  const NamedArrays assembled = read_npz("tests/data/stream/assembled.npz");
  std::vector<std::int64_t> scores;
  for (const auto& [name, array] : assembled) {
    if (name == "anomaly_score_int") scores = to_integers(array);
  }
  ASSERT_EQ(scores.size(), events);
  std::array<double, samples> seen{};
  std::array<double, samples> kept{};
  std::vector<int> fired(menu.chains().size());
  const std::size_t physics = 0;
  for (std::size_t event = 0; event < events; ++event) {
    decode_and_infer(event);
    ASSERT_EQ(outputs_[0], scores[event]) << "event " << event;
    DecisionInput input;
    input.event = event;
    input.run = 392642;
    input.quantities = &event_;
    input.outputs = outputs_.data();
    Decision decision;
    menu.decide(input, decision);
    const auto label = static_cast<std::size_t>(labels[event]);
    seen[label] += 1;
    kept[label] += (decision.streams >> physics) & 1;
    for (std::size_t c = 0; c < fired.size(); ++c) fired[c] += (decision.before[c / 64] >> (c % 64)) & 1;
  }
  EXPECT_LT(kept[0] / seen[0], 0.03) << "zero bias";
  for (std::size_t label = 1; label < samples; ++label) {
    EXPECT_GT(kept[label] / seen[label], 0.5) << "signal " << label;
    RecordProperty("kept_" + std::to_string(label), std::to_string(kept[label] / seen[label]));
  }
  RecordProperty("kept_0", std::to_string(kept[0] / seen[0]));
  for (std::size_t c = 0; c < fired.size(); ++c)
    EXPECT_GT(fired[c], 0) << menu.chains()[c].name << " never fires";
}

}  // namespace
}  // namespace crible::menu
