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
  Firmware firmware = generate(conformance::sample_mlp());
  const std::size_t at = firmware.files.front().text.find("  wire unused");
  ASSERT_NE(at, std::string::npos);
  firmware.files.front().text.erase(at, firmware.files.front().text.find(";", at) + 1 - at);
  EXPECT_NE(lint({firmware}), "");
}

}  // namespace
}  // namespace crible::hls
