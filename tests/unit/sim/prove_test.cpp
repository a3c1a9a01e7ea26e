#include "sim/proof/prove.hpp"

#include <gtest/gtest.h>

#include "engine/base/file.hpp"
#include "engine/network/build.hpp"
#include "sim/mutants.hpp"
#include "sim/synthesis.hpp"
#include "tests/unit/sim/designs.hpp"

namespace crible::sim {
namespace {

using proof::Proof;

Proof prove_text(const std::string& body) {
  const TemporaryFolder scratch("crible_sim");
  const Binding binding = rounding_module(scratch.path(), body);
  return proof::prove(rounding_network(), binding, word_netlist(binding));
}

std::string reasons(const Proof& proof) {
  std::string text;
  for (const proof::Unproven& open : proof.unproven) text += open.port + ": " + open.reason + "\n";
  return text;
}

constexpr const char* declarations = "wire signed [11:0] v = x;\n";

TEST(Prove, DifferentWaysToRoundAreProvenForEveryInput) {
  const char* ways[] = {// Add half less one and the lowest kept bit.
                        "wire signed [12:0] s = v + 13'sd15 + $signed({1'b0, v[5]});\n"
                        "wire signed [7:0] r = s[12:5];\n"
                        "assign y = r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0];",
                        // Round half up and clear the lowest bit of a tie.
                        "wire signed [12:0] s = v + 13'sd16;\n"
                        "wire tie = s[4:0] == 5'd0;\n"
                        "wire [7:0] r = s[12:5] & {7'b1111111, ~tie};\n"
                        "assign y = {4{~r[7]}} & (r[6:0] > 7'd15 ? 4'd15 : r[3:0]);",
                        // A word cut to where its value fits: Yosys makes the sum wider and pads with zeros.
                        "wire signed [14:0] wide = 15'(v);\n"
                        "wire signed [12:0] s = 13'(wide) + 13'(8'd15 + 8'(v[5]));\n"
                        "wire signed [7:0] r = s[12:5];\n"
                        "assign y = r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0];",
                        // Compare with the edges of every step.
                        "assign y = v > 464 ? 15 : v < 17 ? 0 : (v + 15 + v[5]) >>> 5;"};
  for (const char* way : ways) {
    const Proof proof = prove_text(std::string(declarations) + way);
    EXPECT_TRUE(proof.complete()) << way << "\n" << reasons(proof);
    EXPECT_EQ(proof.bits_total, 4);
  }
}

TEST(Prove, AWrongFunctionIsRefutedByAnInput) {
  struct Wrong {
    const char* what;
    const char* body;
  };
  const Wrong wrong[] = {
      {"half up",
       "wire signed [12:0] s = v + 13'sd16; wire signed [7:0] r = s[12:5];\n"
       "assign y = r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0];"},
      {"one value of 4096",
       "wire signed [12:0] s = v + 13'sd15 + $signed({1'b0, v[5]}); wire signed [7:0] r = s[12:5];\n"
       "assign y = v == 12'sd77 ? 4'd3 : r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0];"},
      {"no saturation",
       "wire signed [12:0] s = v + 13'sd15 + $signed({1'b0, v[5]}); assign y = s[12] ? 4'd0 : s[8:5];"},
      {"swapped bits",
       "wire signed [12:0] s = v + 13'sd15 + $signed({1'b0, v[5]}); wire signed [7:0] r = s[12:5];\n"
       "wire [3:0] z = r[7] ? 4'd0 : (|r[6:4]) ? 4'd15 : r[3:0]; assign y = {z[3], z[1], z[2], z[0]};"}};
  for (const Wrong& each : wrong) {
    const Proof proof = prove_text(std::string(declarations) + each.body);
    EXPECT_FALSE(proof.complete()) << each.what;
    ASSERT_TRUE(proof.refutation) << each.what;
    EXPECT_NE(proof.refutation->expected, proof.refutation->got) << each.what;
  }
}

TEST(Prove, WhatIsNotTreatedIsNamed) {
  const Proof proof = prove_text("assign y = x / 12'd32;");
  EXPECT_LT(proof.bits_proven, proof.bits_total);
  ASSERT_FALSE(proof.unproven.empty());
  EXPECT_NE(reasons(proof).find("$div"), std::string::npos) << reasons(proof);
}

TEST(Prove, GeneratedFirmwareIsProvenAtEveryPipelineDepth) {
  for (const int adders : {1, 3, 8}) {
    for (const network::Network& network : {tiny_network(), rounding_network()}) {
      const TemporaryFolder scratch("crible_sim");
      const Binding binding = made_firmware(network, scratch.path(), {}, {}, adders);
      const Proof proof = proof::prove(network, binding, word_netlist(binding));
      EXPECT_TRUE(proof.complete()) << network.name << "\n" << reasons(proof);
      EXPECT_GT(proof.bits_total, 4);
    }
  }
}

/// A tree whose leaves need both signs, over two features, and one over a third.
network::Network tree_network() {
  network::Builder builder("trees");
  network::TreeEnsemble ensemble;
  ensemble.bias = {5};
  ensemble.trees.push_back({0,
                            {{0, 17, 1, 2, true, {}},
                             {1, -3, ~0, ~1, true, {}},
                             {1, 9, ~2, 3, true, {}},
                             {0, 30, ~3, ~4, true, {}}},
                            {-120, 77, 200, -5, 31}});
  ensemble.trees.push_back({0, {{2, 0, ~0, 1, true, {}}, {0, 20, ~1, ~2, true, {}}}, {3, 250, 140}});
  const network::NodeId x = builder.input("x", {3}, {true, 8, 0});
  builder.output("y", builder.add("trees", ensemble, {x}));
  return builder.finish();
}

TEST(Prove, TreesAreProvenByCases) {
  const TemporaryFolder scratch("crible_sim");
  const Binding binding = made_firmware(tree_network(), scratch.path());
  const Proof proof = proof::prove(tree_network(), binding, word_netlist(binding));
  EXPECT_TRUE(proof.complete()) << reasons(proof);
}

/// What is proven is tried all the same, by an evaluator that knows nothing of forms.
TEST(Prove, NoMutantIsProvenThatAnEventShowsToBeWrong) {
  int refuted = 0;
  int equivalent = 0;
  for (const network::Network& network : {tiny_network(), rounding_network(), tree_network()}) {
    const TemporaryFolder scratch("crible_sim");
    const Binding binding = made_firmware(network, scratch.path(), {}, {}, 2);
    const proof::Netlist netlist = word_netlist(binding);
    for (const Mutant& mutant : choose_mutants(netlist, 120, 5)) {
      const proof::Netlist faulty = mutated(netlist, mutant);
      const Proof proof = proof::prove(network, binding, faulty);
      refuted += proof.refutation ? 1 : 0;
      equivalent += proof.complete() ? 1 : 0;
      if (proof.complete()) {
        EXPECT_FALSE(proof::refute_by_events(network, binding, faulty, 1000, 9)) << mutant.what;
      }
      // A register too few or too many shows in time only.
      const bool timing =
          mutant.kind == MutantKind::drop_register || mutant.kind == MutantKind::extra_register;
      if (timing) {
        EXPECT_FALSE(proof.complete()) << mutant.what;
      }
    }
  }
  EXPECT_GT(refuted, 150);
  EXPECT_LT(equivalent, 90);
}

}  // namespace
}  // namespace crible::sim
