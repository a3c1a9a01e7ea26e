#include <gtest/gtest.h>

#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

TEST(Lint, EveryOperationPassesTheToolsWithoutAWord) {
  std::vector<Firmware> projects;
  for (const network::Network& network : conformance::operation_samples())
    projects.push_back(generate(network));
  EXPECT_EQ(lint(projects), "");
}

TEST(Lint, RandomNetworksPassTheTools) {
  std::vector<Firmware> projects;
  for (std::uint32_t seed = 0; seed < 12; ++seed) {
    Options options;
    options.top = "random_" + std::to_string(seed);
    options.adders_per_stage = 1 + static_cast<int>(seed % 3);
    projects.push_back(
        generate(conformance::random_network(conformance::Choices::seeded(seed, 400)), options));
  }
  EXPECT_EQ(lint(projects), "");
}

TEST(Lint, UnreadBitsAreFound) {
  for (const network::Network& network : conformance::operation_samples()) {
    Firmware firmware = generate(network);
    std::string& text = firmware.files.front().text;
    const std::size_t at = text.find("  wire unused");
    if (at == std::string::npos) continue;
    text.erase(at, text.find(";", at) + 1 - at);
    EXPECT_NE(lint({firmware}), "");
    return;
  }
  FAIL() << "no sample has bits that nothing reads";
}

}  // namespace
}  // namespace crible::hls
