#include "tests/unit/cpu/random_networks.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

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

}  // namespace
}  // namespace crible::test
