#include <gtest/gtest.h>

#include <bit>
#include <set>

#include "engine/network/build.hpp"
#include "tests/conformance/check.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::conformance {
namespace {

void collect(const network::Network& network, std::set<std::size_t>& seen) {
  for (const network::Node& node : network.nodes) {
    seen.insert(node.operation.index());
    if (const auto* scan = std::get_if<network::Recurrent>(&node.operation)) collect(*scan->body, seen);
  }
}

TEST(Operations, SamplesHoldEveryOperation) {
  std::set<std::size_t> seen;
  for (const network::Network& network : operation_samples()) collect(network, seen);
  EXPECT_EQ(seen.size(), std::variant_size_v<network::Operation>);
}

TEST(Operations, EveryExecutorAgrees) {
  for (const network::Network& network : operation_samples()) {
    EXPECT_EQ(compare_all(network, 67, 1), "") << network.name;
  }
}

TEST(Operations, ModelsAgree) {
  for (const auto& make : {sample_mlp, sample_cnn, sample_trees, sample_recurrent}) {
    const network::Network network = make();
    EXPECT_EQ(compare_all(network, 200, 2), "") << network.name;
  }
}

/// Sums that leave 16 bits at different taps, and weights and inputs that do not fit 16 bits at all.
TEST(Operations, SumsOfTheLargestProductsAgree) {
  using namespace network;
  constexpr int inputs = 70;
  for (const Type type : {Type{true, 8, 0}, Type{false, 8, 0}, Type{true, 16, 0}, Type{true, 5, 0}}) {
    for (const std::int64_t most : {15, 128, 32767}) {
      Builder builder("largest");
      const NodeId x = builder.input("x", {inputs}, type);
      Dense dense;
      dense.inputs = inputs;
      dense.outputs = 5;
      for (int i = 0; i < 5 * inputs; ++i) {
        const bool negative = i / inputs == 1 || (i / inputs == 2 && i % 2 == 1);
        dense.weights.push_back(i / inputs == 3 ? (i == 3 * inputs + 17 ? most : 0)
                                : negative      ? -most
                                                : most);
      }
      dense.bias.assign(5, 1);
      const bool wide = type.width + std::bit_width(static_cast<std::uint64_t>(most)) > 24;
      builder.output("y", builder.add("sum", dense, {x}, Type{true, wide ? 64 : 32, 0}));
      EXPECT_EQ(compare_all(builder.finish(), 40, 3), "");
    }
  }
}

TEST(Executors, ReferenceAndEveryUsableDeviceTakePart) {
  std::set<std::string> names;
  for (const Executor& executor : executors()) names.insert(executor.name);
  EXPECT_EQ(names.size(), executors().size());
  EXPECT_TRUE(names.contains("reference"));
  EXPECT_TRUE(names.contains("cpu:portable"));
  for (const std::string& name : names) testing::Test::RecordProperty(name, "ran");
}

}  // namespace
}  // namespace crible::conformance
