#include <gtest/gtest.h>

#include <set>

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
