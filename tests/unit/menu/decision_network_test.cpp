#include "engine/menu/decision_network.hpp"

#include <random>

#include "tests/unit/menu/demo.hpp"
#include "tests/unit/menu/event_inputs.hpp"

namespace crible::menu {
namespace {

/// Bits of both for one event.
std::vector<std::int64_t> menu_bits(const Menu& menu, const detector::Event& event,
                                    const std::vector<std::int64_t>& outputs) {
  DecisionInput input;
  input.quantities = &event;
  input.outputs = outputs.data();
  Decision decision;
  menu.decide(input, decision);
  std::vector<std::int64_t> bits;
  for (std::size_t c = 0; c < menu.chains().size(); ++c) {
    const bool fired = ((decision.before[c / 64] >> (c % 64)) & 1) != 0;
    bits.push_back(fired && menu.chains()[c].kind != ChainKind::random ? 1 : 0);
  }
  return bits;
}

class Conditions : public SmallTrigger {
 protected:
  std::string chain(const std::string& name, const std::string& rest) const {
    return "  - {name: " + name + ", " + rest + ", streams: [a]}\n";
  }
};

TEST_F(Conditions, AreThoseOfTheMenuForRandomEvents) {
  const std::vector<std::string> texts = {
      "bx == 7",
      "bx < 8 and bx >= 3 or not bx != 12",
      "abs(met) * 2 - 25 GeV > 3 GeV and -met <= 4 GeV",
      "sums.grid[1, 0] == 3 and bx < 7",
      "any(jets, pt > 1 lsb and eta < 2 or any(muons, eta == 1))",
      "all(jets, pt >= 2 lsb)",
      "count(jets) == 2",
      "count(jets, pt > 3 lsb) >= 2",
      "sum(jets, pt * 2) >= 6 lsb",
      "max(jets, eta) + min(muons, eta) > 2",
      "any(jets, count(muons, jets.eta > eta) == 1)",
      "all(jets, max(muons, eta) > eta)",
      "count(jets, count(muons) == 1) == 1",
      "anomaly.score > 2",
      "anomaly.score > 1 and any(jets, tag.y[0] > 1 and eta > tag.y[1] + 1)",
  };
  std::string text = "name: m\nstreams: [a]\nchains:\n";
  for (std::size_t i = 0; i < texts.size(); ++i)
    text += chain("c" + std::to_string(i), "when: '" + texts[i] + "'");
  text += chain("every", "zero_bias: all") + chain("train", "zero_bias: {quantity: bx, in: [3, [5, 9]]}") +
          chain("monitor", "random: {one_in: 2}");
  const Menu menu = load(text);
  const network::Network network = conditions_network(menu, description_, layout_, networks_);
  std::mt19937 random(5);
  std::vector<int> fired(menu.chains().size());
  constexpr int events = 400;
  for (int i = 0; i < events; ++i) {
    const auto small = [&] { return static_cast<std::int16_t>(static_cast<int>(random() % 12) - 5); };
    std::vector<Jet> jets;
    std::vector<Jet> muons;
    for (std::uint32_t k = random() % 4; k > 0; --k) jets.push_back({small(), small()});
    for (std::uint32_t k = random() % 3; k > 0; --k) muons.push_back({small(), small()});
    set_event(static_cast<std::int16_t>(8 * small()), static_cast<std::uint16_t>(random() % 16), jets, muons);
    for (std::int64_t& output : outputs_) output = small();
    const std::vector<std::int64_t> wanted = menu_bits(menu, event_, outputs_);
    const auto inputs = event_inputs(network, description_, layout_, networks_, event_, outputs_);
    ASSERT_EQ(reference::evaluate(network, inputs), std::vector<reference::Tensor>{wanted}) << "event " << i;
    for (std::size_t c = 0; c < wanted.size(); ++c) fired[c] += static_cast<int>(wanted[c]);
  }
  for (std::size_t c = 0; c < texts.size(); ++c) {
    EXPECT_GT(fired[c], 0) << texts[c] << " never holds";
    EXPECT_LT(fired[c], events) << texts[c] << " always holds";
  }
}

TEST_F(Conditions, AreJoinedToTheirNetworks) {
  const Menu menu = load("name: m\nstreams: [a]\nchains:\n" + chain("c", "when: 'any(jets, tag.y[1] > 1)'"));
  const network::Network network = decision_network(menu, description_, layout_, networks_);
  std::vector<std::string> names;
  for (const network::NodeId id : network::inputs_of(network))
    names.push_back(network.nodes[static_cast<std::size_t>(id)].name);
  const std::vector<std::string> wanted{"tag_0/x", "tag_1/x", "tag_2/x", "jets.count"};
  EXPECT_EQ(names, wanted) << "the other network is not read";
  const std::vector<std::int64_t> quiet{0, 0};
  const std::vector<std::int64_t> loud{0, 5};
  EXPECT_EQ(reference::evaluate(network, {quiet, quiet, loud, {2}})[0][0], 0) << "there is no third jet";
  EXPECT_EQ(reference::evaluate(network, {quiet, quiet, loud, {3}})[0][0], 1);
}

TEST_F(Conditions, OfWideQuantitiesAreRefused) {
  const Menu menu = load("name: m\nstreams: [a]\nchains:\n" + chain("huge", "when: 'big > 5'"));
  EXPECT_EQ(
      sentence_of([&] { conditions_network(menu, description_, layout_, networks_); }),
      "chain 'huge' cannot become a network: 'big' has 64 bits; an input of a network has at most 32, so "
      "leave the chain to the software menu");
}

TEST_F(Demo, ConditionsAsANetworkDecideAsTheMenu) {
  const Menu menu(config_.at("menu").included(), description_, layout_);
  const network::Network network = conditions_network(menu, description_, layout_, networks_);
  for (std::size_t event = 0; event < 2000; event += 5) {
    decode_and_infer(event);
    const auto inputs = event_inputs(network, description_, layout_, networks_, event_, outputs_);
    ASSERT_EQ(reference::evaluate(network, inputs)[0], menu_bits(menu, event_, outputs_))
        << "event " << event;
  }
}

}  // namespace
}  // namespace crible::menu
