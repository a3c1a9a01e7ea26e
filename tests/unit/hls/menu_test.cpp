// The demo's menu as firmware, on recorded events, against the software menu.

#include "tests/unit/hls/tools.hpp"
#include "tests/unit/menu/demo.hpp"
#include "tests/unit/menu/event_inputs.hpp"

namespace crible::menu {
namespace {

TEST_F(Demo, FirmwareOfTheConditionsDecidesAsTheMenu) {
  const Menu menu(config_.at("menu").included(), description_, layout_);
  const network::Network network = conditions_network(menu, description_, layout_, networks_);
  const hls::Firmware firmware = hls::generate(network);
  EXPECT_EQ(hls::lint({firmware}), "");
  for (const hls::File& file : firmware.files) {
    if (file.path == "steps/1_operations.txt")
      hls::expect_golden("tests/data/firmware/demo_menu_operations.txt", file.text);
  }
  std::vector<hls::PortValues> inputs;
  std::vector<hls::PortValues> decisions;
  for (std::size_t event = 0; event < hls::vector_count; ++event) {
    decode_and_infer(7 * event);
    inputs.push_back(event_inputs(network, description_, layout_, networks_, event_, outputs_));
    DecisionInput input;
    input.quantities = &event_;
    input.outputs = outputs_.data();
    Decision decision;
    menu.decide(input, decision);
    std::vector<std::int64_t> bits;
    for (std::size_t c = 0; c < menu.chains().size(); ++c) {
      const bool in_software = menu.chains()[c].kind == ChainKind::random;
      bits.push_back(in_software ? 0 : static_cast<std::int64_t>((decision.before[c / 64] >> (c % 64)) & 1));
    }
    decisions.push_back({bits});
  }
  EXPECT_EQ(hls::bench_result(firmware, inputs, decisions), "256 vectors, 0 wrong");
  decisions[100][0][3] ^= 1;
  EXPECT_EQ(hls::bench_result(firmware, inputs, decisions), "256 vectors, 1 wrong");
}

}  // namespace
}  // namespace crible::menu
