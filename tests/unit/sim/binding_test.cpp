#include "sim/binding.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "sim/packing.hpp"
#include "sim/proof/prove.hpp"
#include "sim/synthesis.hpp"
#include "tests/unit/sim/designs.hpp"

namespace crible::sim {
namespace {

std::string refusal(const std::string& text) {
  const TemporaryFolder scratch("crible_sim");
  write_file(scratch.path() / "ports.yaml", text);
  try {
    read_binding(tiny_network(), scratch.path() / "ports.yaml", "top", {});
  } catch (const Error& error) {
    const std::string sentence = error.what();
    const std::size_t at = sentence.find("ports.yaml");
    return at == std::string::npos ? sentence : sentence.substr(at);
  }
  return "";
}

constexpr const char* good =
    "inputs: [{port: a, input: x}]\noutputs: [{port: b, output: y, elements: {width: 9, signed: true}}]\n";

TEST(Binding, ElementsAreOneAfterTheOtherUnlessTheFileSaysWhere) {
  const TemporaryFolder scratch("crible_sim");
  write_file(scratch.path() / "ports.yaml",
             "inputs:\n- {port: a, input: x, elements: {width: 6, align: 8}}\n"
             "outputs:\n- port: b\n  output: y\n  elements: [{width: 8, signed: true, offset: 10}, {width: "
             "9, signed: true, shift: 1}]\n"
             "clock: clk\nlatency: 3\nconstants: {enable: 1}\n");
  const Binding binding = read_binding(tiny_network(), scratch.path() / "ports.yaml", "top", {});
  EXPECT_EQ(binding.inputs[0].elements[2].offset_bits, 16);
  EXPECT_EQ(binding.inputs[0].width_bits, 30);
  EXPECT_TRUE(binding.inputs[0].elements[0].is_signed);
  EXPECT_EQ(binding.outputs[0].elements[1].offset_bits, 18);
  EXPECT_EQ(binding.outputs[0].elements[1].shift, 1);
  EXPECT_EQ(binding.latency_cycles, 3);
  EXPECT_EQ(binding.constants.at("enable"), 1);
}

TEST(Binding, MistakesAreSentences) {
  EXPECT_EQ(refusal(good), "");
  EXPECT_NE(refusal("inputs: [{port: a, input: z}]\noutputs: []\n").find("the network has no input 'z'"),
            std::string::npos);
  EXPECT_NE(refusal("inputs: []\noutputs: []\n").find("no port is bound to input 'x'"), std::string::npos);
  EXPECT_NE(refusal(std::string(good) + "latency: 2\n").find("needs a clock"), std::string::npos);
  EXPECT_NE(refusal("inputs: [{port: a, input: x, elements: [{width: 6}]}]\noutputs: []\n")
                .find("'x' has 4 elements"),
            std::string::npos);
  EXPECT_NE(refusal(std::string(good) + "latncy: 2\n").find("latncy"), std::string::npos);
}

TEST(Binding, APortThatTheModuleDoesNotHaveIsASentence) {
  const TemporaryFolder scratch("crible_sim");
  Binding binding = rounding_module(scratch.path(), "assign y = x[3:0];");
  const auto sentence = [&] {
    try {
      proof::prove(rounding_network(), binding, word_netlist(binding));
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_EQ(sentence(), "");
  binding.outputs[0].port = "z";
  EXPECT_EQ(sentence(), "module 'top' has no port 'z', which the binding names.");
  binding.outputs[0].port = "y";
  binding.outputs[0].elements[0].width_bits = 7;
  binding.outputs[0].width_bits = 7;
  EXPECT_NE(sentence().find("port 'y' has 4 bits"), std::string::npos) << sentence();
}

TEST(Packing, ValuesComeBackAndMisfitsAreRefused) {
  const network::Network network = tiny_network();
  Binding binding;
  binding.outputs = {{"y", network::outputs_of(network)[0], 80, {{3, 10, true, 0}, {40, 33, true, 1}}}};
  std::vector<std::vector<std::int64_t>> values(network.nodes.size());
  values[static_cast<std::size_t>(binding.outputs[0].node)] = {-5, 84};
  const Words words = pack_outputs(network, binding, values);
  EXPECT_EQ(unpack_outputs(network, binding, words), (Event{{-5, 84}}));
  values[static_cast<std::size_t>(binding.outputs[0].node)] = {-5, 85};
  EXPECT_THROW(pack_outputs(network, binding, values), Error);
  values[static_cast<std::size_t>(binding.outputs[0].node)] = {900, 84};
  EXPECT_THROW(pack_outputs(network, binding, values), Error);
}

}  // namespace
}  // namespace crible::sim
