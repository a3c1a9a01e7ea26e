// Generated firmware of every operation: no proof may refute it, no x may reach an output.

#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "sim/icarus.hpp"
#include "sim/proof/prove.hpp"
#include "sim/synthesis.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/sim/designs.hpp"

namespace crible::sim {
namespace {

constexpr std::uintmax_t most_bytes = 20'000;

struct Tally {
  int networks = 0;
  int refused = 0;   // by the generator, with a sentence
  int too_long = 0;  // left out
  long long bits = 0;
  long long proven = 0;
};

void add(Tally& tally, const network::Network& network) {
  SCOPED_TRACE(network.name);
  const TemporaryFolder scratch("crible_sim");
  Binding binding;
  try {
    binding = made_firmware(network, scratch.path());
  } catch (const Error& refusal) {
    ++tally.refused;
    return;
  }
  // Yosys takes minutes for long case functions.
  if (std::filesystem::file_size(binding.sources[0]) > most_bytes) {
    ++tally.too_long;
    return;
  }
  const proof::Proof proof = proof::prove(network, binding, word_netlist(binding));
  if (proof.refutation) {
    ADD_FAILURE() << proof.refutation->node << "[" << proof.refutation->element << "] is "
                  << proof.refutation->got << ", must be " << proof.refutation->expected << " for "
                  << event_text(network, proof.refutation->inputs);
  }
  EXPECT_EQ(check_four_state(network, binding, 10, 3).problem, "");
  for (const proof::Unproven& open : proof.unproven) {
    std::printf("%s: %s[%d] not proven: %s\n", network.name.c_str(), open.node.c_str(), open.element,
                open.reason.c_str());
    break;
  }
  ++tally.networks;
  tally.bits += proof.bits_total;
  tally.proven += proof.bits_proven;
}

TEST(Firmware, OfEveryOperationIsProvenOrNamedAndNeverRefuted) {
  Tally tally;
  for (const network::Network& network : conformance::operation_samples()) add(tally, network);
  std::printf("%d networks, %d refused, %d too long, %lld of %lld bits proven\n", tally.networks,
              tally.refused, tally.too_long, tally.proven, tally.bits);
  EXPECT_GT(tally.networks, 20);
  EXPECT_GT(tally.proven * 10, tally.bits * 6);
}

TEST(Firmware, OfRandomNetworksIsNeverRefuted) {
  Tally tally;
  conformance::RandomNetworkOptions options;
  options.most_nodes = 10;
  options.most_elements = 16;
  for (std::uint32_t seed = 0; seed < 16; ++seed) {
    add(tally, conformance::random_network(conformance::Choices::seeded(seed, 200), options));
  }
  std::printf("%d networks, %d refused, %d too long, %lld of %lld bits proven\n", tally.networks,
              tally.refused, tally.too_long, tally.proven, tally.bits);
  EXPECT_GT(tally.networks, 8);
}

}  // namespace
}  // namespace crible::sim
