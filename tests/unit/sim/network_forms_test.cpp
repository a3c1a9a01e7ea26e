#include "sim/proof/network_forms.hpp"

#include <gtest/gtest.h>

#include "engine/reference/reference.hpp"
#include "sim/proof/words.hpp"
#include "tests/conformance/events.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::sim::proof {
namespace {

struct Compared {
  int elements = 0;
  int untreated_nodes = 0;
};

/// Each element's form, evaluated for events, is what the reference computes; its bounds and bits hold.
Compared compare(const network::Network& network, std::uint32_t seed) {
  Forms forms;
  const NetworkForms elaborated = elaborate(network, forms);
  const std::vector<network::NodeId> inputs = network::inputs_of(network);
  Compared compared;
  for (const std::string& reason : elaborated.reasons) compared.untreated_nodes += reason.empty() ? 0 : 1;
  if (compared.untreated_nodes > 0) return compared;
  for (const conformance::Event& event : conformance::make_events(network, 12, seed)) {
    Assignment assignment(forms);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      for (std::size_t k = 0; k < event[i].size(); ++k) {
        assignment.set(elaborated.elements[static_cast<std::size_t>(inputs[i])][k], event[i][k]);
      }
    }
    const std::vector<reference::Tensor> wanted = reference::evaluate_all(network, event);
    for (std::size_t node = 0; node < wanted.size(); ++node) {
      for (std::size_t k = 0; k < wanted[node].size(); ++k) {
        const FormId form = elaborated.elements[node][k];
        const Integer value = assignment.value(form);
        EXPECT_EQ(to_string(value), std::to_string(wanted[node][k]))
            << "node " << network.nodes[node].name << "[" << k << "]";
        const Bounds bounds = forms.bounds(form);
        EXPECT_TRUE(bounds.low <= value && value <= bounds.high) << network.nodes[node].name;
        for (int i = 0; i < 40; i += 3) {
          const BitId bit = forms.bit(form, i);
          const Integer got =
              bit.is_constant() ? bit.index : floor_shift(assignment.value(bit.form), bit.index) & 1;
          EXPECT_TRUE(got == (floor_shift(value, i) & 1)) << network.nodes[node].name << " bit " << i;
        }
        ++compared.elements;
        if (testing::Test::HasFailure()) return compared;
      }
    }
  }
  return compared;
}

TEST(NetworkForms, SamplesOfEveryOperationAreWhatTheReferenceComputes) {
  int elements = 0;
  int untreated = 0;
  for (const network::Network& network : conformance::operation_samples()) {
    SCOPED_TRACE(network.name);
    const Compared compared = compare(network, 3);
    elements += compared.elements;
    untreated += compared.untreated_nodes > 0 ? 1 : 0;
    if (HasFailure()) return;
  }
  EXPECT_GT(elements, 1000);
  EXPECT_LT(untreated, 12);
}

TEST(NetworkForms, RandomNetworksAreWhatTheReferenceComputes) {
  int elements = 0;
  conformance::RandomNetworkOptions options;
  options.most_nodes = 10;
  options.most_elements = 12;
  for (std::uint32_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE(seed);
    elements +=
        compare(conformance::random_network(conformance::Choices::seeded(seed, 120), options), seed).elements;
    if (HasFailure()) return;
  }
  EXPECT_GT(elements, 5000);
}

TEST(Words, SignExtensionPaddingAndShiftsAreReadBack) {
  Forms forms;
  const FormId x = forms.variable({-100, 90});
  const FormId y = forms.variable({0, 15});
  const FormId sum = forms.sum({{x, 3}, {y, 16}}, 5);
  Bits bits = bits_of(forms, sum, 24);  // far beyond its width: sign extension
  EXPECT_EQ(integer_word(forms, bits, true), sum);
  bits = bits_of(forms, forms.sum({{sum, 4}}, 3), 14);
  EXPECT_EQ(integer_word(forms, bits, true), forms.sum({{sum, 4}}, 3));
  // A word that wraps, extended by its own sign: y + 30 in five bits is y - 2.
  bits = bits_of(forms, forms.sum({{y, 1}}, 30), 5);
  bits.resize(9, bits.back());
  EXPECT_EQ(integer_word(forms, bits, true), forms.sum({{y, 1}}, -2));
  // {y, two bits of x}: a sum of two runs
  bits = bits_of(forms, x, 2);
  for (int i = 0; i < 4; ++i) bits.push_back(forms.bit(y, i));
  const FormId joined = integer_word(forms, bits, false);
  Assignment assignment(forms);
  assignment.set(x, -5);
  assignment.set(y, 9);
  EXPECT_EQ(to_string(assignment.value(joined)), std::to_string(9 * 4 + 3));
}

}  // namespace
}  // namespace crible::sim::proof
