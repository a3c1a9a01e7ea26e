#include "hls/lower.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "tests/conformance/events.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::hls {
namespace {

/// The first event for which the arithmetic differs from the reference; empty when none does.
std::string difference(const network::Network& network, std::size_t events, std::uint32_t seed) {
  const Arithmetic arithmetic = lower(network, {});
  const conformance::Events inputs = conformance::make_events(network, events, seed);
  for (std::size_t event = 0; event < inputs.size(); ++event) {
    const std::vector<reference::Tensor> wanted = reference::evaluate(network, inputs[event]);
    const std::vector<std::int64_t> words = evaluate(arithmetic.graph, inputs[event]);
    for (std::size_t o = 0; o < wanted.size(); ++o) {
      for (std::size_t e = 0; e < wanted[o].size(); ++e) {
        const std::int64_t got = words[static_cast<std::size_t>(arithmetic.outputs[o][e])];
        if (got == wanted[o][e]) continue;
        return "network '" + network.name + "', event " + std::to_string(event) + ", output " +
               std::to_string(o) + "[" + std::to_string(e) + "]: " + std::to_string(got) + " instead of " +
               std::to_string(wanted[o][e]) + "\n" + network::to_text(network);
      }
    }
  }
  return {};
}

TEST(Lower, EveryOperationGivesTheReferencesBits) {
  for (const network::Network& network : conformance::operation_samples())
    EXPECT_EQ(difference(network, 60, 1), "");
}

TEST(Lower, TriggerNetworksGiveTheReferencesBits) {
  for (const network::Network& network : {conformance::sample_mlp(), conformance::sample_cnn(),
                                          conformance::sample_trees(), conformance::sample_recurrent()})
    EXPECT_EQ(difference(network, 60, 2), "");
}

TEST(Lower, RandomNetworksGiveTheReferencesBits) {
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    const network::Network network = conformance::random_network(conformance::Choices::seeded(seed, 400));
    EXPECT_EQ(difference(network, 20, seed), "") << "seed " << seed;
  }
}

/// All values of x, in every rounding and overflow, with zero points of both parities.
TEST(Lower, RequantizeIsExactForEveryValueAndMode) {
  for (int mode = 0; mode < 9; ++mode) {
    for (int overflow = 0; overflow < 3; ++overflow) {
      for (int shift = 0; shift < 5; ++shift) {
        for (const std::int64_t zero_point : {0, 1, -2, 5}) {
          network::Requantize op;
          op.shift = {shift};
          op.offset = {3};
          op.multiplier = {shift % 2 == 0 ? 1 : -3};
          op.zero_point = {zero_point};
          op.rounding = static_cast<network::Rounding>(mode);
          op.overflow = static_cast<network::Overflow>(overflow);
          network::Builder builder("requantize");
          const network::NodeId x = builder.input("x", {1}, {true, 6, 0});
          const network::NodeId y = builder.add("y", op, {x}, network::Type{mode % 2 == 0, 4, 0});
          builder.output("out", y);
          const network::Network network = builder.finish();
          const Arithmetic arithmetic = lower(network, {});
          for (std::int64_t value = -32; value < 32; ++value) {
            const std::int64_t wanted = reference::evaluate(network, {{value}})[0][0];
            const std::int64_t got =
                evaluate(arithmetic.graph, {{value}})[static_cast<std::size_t>(arithmetic.outputs[0][0])];
            ASSERT_EQ(got, wanted) << "mode " << mode << " overflow " << overflow << " shift " << shift
                                   << " zero point " << zero_point << " x " << value;
          }
        }
      }
    }
  }
}

/// A zero point that does not fit in front of the shift is added behind it.
TEST(Lower, RequantizeHoldsLargeZeroPoints) {
  for (int mode = 0; mode < 9; ++mode) {
    network::Requantize op;
    op.shift = {56};
    op.multiplier = {(std::int64_t{1} << 30) + 1};
    op.zero_point = {-(std::int64_t{1} << 20) - 1};
    op.rounding = static_cast<network::Rounding>(mode);
    network::Builder builder("requantize");
    const network::NodeId x = builder.input("x", {1}, {true, 32, 0});
    builder.output("out", builder.add("y", op, {x}, network::Type{true, 24, 0}));
    const network::Network network = builder.finish();
    const Arithmetic arithmetic = lower(network, {});
    for (std::int64_t value = INT32_MIN; value <= INT32_MAX; value += 33554431) {
      const std::int64_t got =
          evaluate(arithmetic.graph, {{value}})[static_cast<std::size_t>(arithmetic.outputs[0][0])];
      ASSERT_EQ(got, reference::evaluate(network, {{value}})[0][0]) << "mode " << mode << " x " << value;
    }
  }
}

TEST(Lower, WordsBeyond64BitsAreRefused) {
  Graph graph;
  const WordId x = graph.input(0, 0, {INT64_MIN, INT64_MAX});
  EXPECT_THROW(graph.add(x, x), Error);
  EXPECT_THROW(graph.shift_left(x, 1), Error);
  EXPECT_THROW(graph.multiply(x, x), Error);
}

}  // namespace
}  // namespace crible::hls
