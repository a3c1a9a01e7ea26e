// Simulated firmware against the reference, as every other executor: networks joined into one module.

#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <set>

#include "engine/base/error.hpp"
#include "engine/network/join.hpp"
#include "hls/firmware.hpp"
#include "tests/conformance/check.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/rtl_executor.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::conformance {
namespace {

const Executor& rtl() {
  static const Executor executor = rtl_executor();
  return executor;
}

constexpr std::size_t most_bytes = 12'000;  // of one network: Verilator takes its time over long modules

/// The Verilog's length; nothing where the generator refuses.
std::optional<std::size_t> text_bytes(const network::Network& network) {
  try {
    const hls::Firmware firmware = hls::generate(network);
    for (const hls::File& file : firmware.files) {
      if (file.path == firmware.sources[0]) return file.text.size();
    }
  } catch (const Error&) {
  }
  return std::nullopt;
}

/// Networks side by side in one module: small ones, and larger ones with an operation that is not there yet.
struct Joint {
  std::vector<network::Part> parts;
  std::set<std::size_t> operations;

  void add(const network::Network& network, std::size_t most = most_bytes) {
    if (text_bytes(network).value_or(most) >= most) return;
    for (const network::Node& node : network.nodes) operations.insert(node.operation.index());
    parts.push_back({"n" + std::to_string(parts.size()), network, {}, {}});
  }
  bool has_all_of(const network::Network& network) const {
    return std::all_of(network.nodes.begin(), network.nodes.end(), [this](const network::Node& node) {
      return operations.count(node.operation.index()) != 0;
    });
  }
};

std::string trouble_of(const Joint& joint, std::size_t count) {
  const network::Network network = network::join("joint", joint.parts);
  EXPECT_EQ(rtl().refuses(network), "");
  const Events events = make_events(network, count, 3);
  return compare(rtl(), network, events, expected(network, events), count);
}

class Rtl : public testing::Test {
 protected:
  void SetUp() override {
    if (!rtl().refuses(sample_mlp()).empty()) GTEST_SKIP() << rtl().refuses(sample_mlp());
  }
};

TEST_F(Rtl, EveryOperationAgreesInOneModule) {
  Joint joint;
  const std::vector<network::Network> samples = operation_samples();
  for (const network::Network& network : samples) joint.add(network);
  for (const network::Network& network : samples) {
    if (!joint.has_all_of(network)) joint.add(network, 20 * most_bytes);
  }
  EXPECT_EQ(joint.operations.size(), std::variant_size_v<network::Operation>);
  EXPECT_EQ(trouble_of(joint, 300), "");
}

TEST_F(Rtl, RandomNetworksAgreeInOneModule) {
  Joint joint;
  RandomNetworkOptions options;
  options.most_nodes = 10;
  options.most_elements = 16;
  for (std::uint32_t seed = 100; joint.parts.size() < 12; ++seed) {
    joint.add(random_network(Choices::seeded(seed, 200), options));
  }
  EXPECT_EQ(trouble_of(joint, 300), "");
}

TEST_F(Rtl, AModelAgrees) {
  const network::Network network = sample_mlp();
  const Events events = make_events(network, 500, 4);
  EXPECT_EQ(compare(rtl(), network, events, expected(network, events), events.size()), "");
}

}  // namespace
}  // namespace crible::conformance
