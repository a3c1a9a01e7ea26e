#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <random>
#include <set>
#include <utility>

#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "tests/conformance/check.hpp"
#include "tests/conformance/random_network.hpp"

namespace crible::conformance {
namespace {

/// The seed is fixed unless the environment sets RC_PARAMS ("max_success=100000" explores further).
const bool seeded = setenv("RC_PARAMS", "seed=20261121 max_success=2000 max_size=300", 0) == 0;

network::Network network_of(const std::vector<std::uint32_t>& decisions) {
  return random_network(Choices(decisions));
}

rc::Gen<std::vector<std::uint32_t>> decision_lists() {
  return rc::gen::container<std::vector<std::uint32_t>>(
      rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint32_t>()));
}

TEST(RandomNetworks, EveryQuickExecutorAgreesWithTheReference) {
  ASSERT_TRUE(seeded);
  const bool passed = rc::check([] {
    const network::Network network = network_of(*decision_lists());
    const std::string trouble = compare_all(network, 37, 5, Which::quick);
    if (!trouble.empty()) RC_FAIL(trouble);
  });
  EXPECT_TRUE(passed);
}

/// What is wrong with the network that some decisions make; a refusal of the generator is no trouble.
std::string trouble_of(const std::vector<std::uint32_t>& decisions) {
  return compare_all(network_of(decisions), 37, 5, Which::slow);
}

/// Drops parts of the decisions, then makes them zeros, as long as the trouble stays and time is left.
std::string smallest_trouble(std::vector<std::uint32_t> decisions, std::string trouble) {
  int tries = 300;
  for (std::size_t part = decisions.size() / 2; part > 0; part /= 2) {
    for (std::size_t at = 0; at + part <= decisions.size() && tries-- > 0;) {
      std::vector<std::uint32_t> fewer = decisions;
      const auto begin = fewer.begin() + static_cast<std::ptrdiff_t>(at);
      fewer.erase(begin, begin + static_cast<std::ptrdiff_t>(part));
      const std::string still = trouble_of(fewer);
      if (still.empty()) {
        at += part;
      } else {
        decisions = std::move(fewer);
        trouble = still;
      }
    }
  }
  for (std::uint32_t& decision : decisions) {
    const std::uint32_t before = std::exchange(decision, 0);
    const std::string still = before == 0 || tries-- <= 0 ? std::string() : trouble_of(decisions);
    if (still.empty()) decision = before;
    if (!still.empty()) trouble = still;
  }
  return trouble;
}

TEST(RandomNetworks, EverySlowExecutorAgreesWithTheReference) {
  for (std::uint32_t seed = 0; seed < 30; ++seed) {
    std::mt19937 random(seed);
    std::vector<std::uint32_t> decisions(30 + 6 * seed);
    for (std::uint32_t& decision : decisions) decision = static_cast<std::uint32_t>(random());
    const std::string trouble = trouble_of(decisions);
    if (!trouble.empty()) FAIL() << "seed " << seed << ": " << smallest_trouble(decisions, trouble);
  }
}

TEST(RandomNetworks, ValuesStayInTheProvenRanges) {
  const bool passed = rc::check([] {
    const network::Network network = network_of(*decision_lists());
    const network::Ranges ranges = verify(network);
    for (const Event& event : make_events(network, 20, 6)) {
      const std::vector<Tensor> all = reference::evaluate_all(network, event);
      for (std::size_t node = 0; node < all.size(); ++node) {
        for (std::size_t i = 0; i < all[node].size(); ++i) {
          const network::Interval range = ranges[node][i];
          if (all[node][i] >= range.low && all[node][i] <= range.high) continue;
          RC_FAIL("node '" + network.nodes[node].name + "' leaves its range\n" + to_text(network));
        }
      }
    }
  });
  EXPECT_TRUE(passed);
}

TEST(RandomNetworks, TextGivesTheSameNetwork) {
  const bool passed = rc::check([] {
    const std::string text = to_text(network_of(*decision_lists()));
    RC_ASSERT(to_text(network::parse_text(text, "random.crn")) == text);
  });
  EXPECT_TRUE(passed);
}

TEST(RandomNetworks, MeetEveryOperation) {
  std::set<std::string> met;
  for (std::uint32_t seed = 0; seed < 400; ++seed) {
    for (const network::Node& node : random_network(Choices::seeded(seed, 200)).nodes) {
      met.insert(keyword(node.operation));
    }
  }
  EXPECT_EQ(met.size(), std::variant_size_v<network::Operation>);
}

}  // namespace
}  // namespace crible::conformance
