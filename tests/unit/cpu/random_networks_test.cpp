#include "tests/unit/cpu/random_networks.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "tests/unit/cpu/executor.hpp"

namespace crible::test {
namespace {

/// Networks of every kind of node: the planner's choices differ with ranges, shapes and neighbours.
TEST(CpuBackend, EqualsTheReferenceOnRandomNetworks) {
  std::set<std::string> kinds;
  for (std::uint64_t seed = 1; seed <= 300 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const network::Network network = random_network(seed);
    for (const network::Node& node : network.nodes) kinds.insert(network::keyword(node.operation));
    expect_equal_to_reference(network, make_events(network, 40, seed), {1, 2, 31, 33, 40});
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<network::Operation>);
}

/// A key may be one line for all lines along some axes and one for each along others.
TEST(CpuBackend, SortsByKeysThatAreStretched) {
  for (const network::Shape& key_shape : {network::Shape{5, 2, 3}, {5, 1, 3}, {5, 2, 1}, {5, 1, 1}}) {
    network::Builder builder("sort");
    const network::NodeId x = builder.input("x", {5, 2, 3}, {true, 8, 0});
    const network::NodeId key = builder.input("key", key_shape, {false, 2, 0});
    builder.output("values",
                   builder.add("sorted", network::Sort{0, true, network::SortResult::values}, {x, key}));
    builder.output("places",
                   builder.add("order", network::Sort{0, false, network::SortResult::indices}, {x, key}));
    const network::Network network = builder.finish();
    expect_equal_to_reference(network, make_events(network, 40, 3), {1, 40});
  }
}

/// Only forced choices prove which kernels ran.
TEST(CpuBackend, RunsTheDeviceThatWasAskedFor) {
  const network::Network network = random_network(1);
  for (const std::string& device : usable_devices()) {
    EXPECT_EQ(backends::find("cpu").compile(network, {device, 8, 1})->device(), device);
  }
  EXPECT_EQ(backends::find("cpu").compile(network, {"", 8, 1})->device(), usable_devices().front());
  try {
    (void)backends::find("cpu").compile(network, {"cpu:abacus", 8, 1});
    FAIL() << "accepted an unknown device";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no device \"cpu:abacus\"; it has: "));
  }
}

TEST(CpuBackend, RefusesBatchesThatDoNotFit) {
  const network::Network network = random_network(1);
  const auto program = backends::find("cpu").compile(network, {"", 8, 2});
  EXPECT_EQ(program->run(0, 0), backends::Status::bad_batch);
  EXPECT_EQ(program->run(0, 9), backends::Status::bad_batch);
  EXPECT_EQ(program->run(2, 1), backends::Status::bad_batch);
  EXPECT_EQ(program->submit(1, 8), backends::Status::ok);
  EXPECT_EQ(program->poll(1), backends::Status::ok);
  EXPECT_EQ(program->poll(2), backends::Status::bad_batch);
  EXPECT_THROW((void)backends::find("cpu").compile(network, {"", 0, 1}), Error);
}

}  // namespace
}  // namespace crible::test
