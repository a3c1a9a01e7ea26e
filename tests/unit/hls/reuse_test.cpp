#include "hls/reuse.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "engine/reference/reference.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

using network::Type;

Options reuse(int cycles) {
  Options options;
  options.reuse = cycles;
  return options;
}

/// The project's own bench: events every `reuse` cycles, the stated latency.
std::string run(const network::Network& network, const Options& options) {
  const Firmware firmware = generate(network, options);
  const std::vector<PortValues> inputs = vector_inputs(firmware);
  std::vector<PortValues> outputs;
  for (const PortValues& values : inputs) outputs.push_back(reference::evaluate(network, values));
  return bench_result(firmware, inputs, outputs);
}

/// Strides, dilations, paddings and a pad value, groups; then rows of a matrix and a vector.
network::Network image(int rows) {
  network::Builder builder("image");
  const network::NodeId x = builder.input("x", {2, rows, 5}, {true, 6, 2});
  network::Conv conv;
  conv.filters = 4;
  conv.groups = 2;
  conv.window = {{3, 2}, {2, 1}, {1, 2}, {2, 1}, {1, 0}};
  conv.pad_value = 3;
  for (int i = 0; i < 4 * 1 * 6; ++i) conv.weights.push_back((i * 5) % 11 - 5);
  conv.bias = {1, -2, 3, 40};
  const network::NodeId sums = builder.add("conv", conv, {x});
  network::Requantize half;
  half.shift = {3};
  half.rounding = network::Rounding::half_even;
  const network::NodeId small = builder.add("small", half, {sums}, Type{true, 5, 0});
  const network::Shape shape = builder.node(small).shape;
  const network::NodeId matrix =
      builder.add("matrix", network::Reshape{}, {small}, network::Shape{shape[0] * shape[1], shape[2]});
  network::Dense each{3, shape[2], 0, {}, {5, 0, -7}};
  for (int i = 0; i < 3 * shape[2]; ++i) each.weights.push_back((i * 7) % 9 - 4);
  const network::NodeId products = builder.add("each", each, {matrix});
  builder.output("y", builder.add("highest", network::Reduce{network::ReduceKind::max, 0}, {products}));
  return builder.finish();
}

/// Two layers on a vector; the first one's inputs do not divide evenly.
network::Network vector_network() {
  network::Builder builder("vector");
  network::NodeId x = builder.input("x", {7}, {true, 8, 0});
  for (const int outputs : {5, 2}) {
    const int inputs = builder.node(x).shape[0];
    network::Dense dense{outputs, inputs, 0, {}, {}};
    for (int i = 0; i < outputs * inputs; ++i) dense.weights.push_back((i * 13) % 31 - 15);
    for (int o = 0; o < outputs; ++o) dense.bias.push_back(50 * o - 70);
    const std::string name = "layer_" + std::to_string(outputs);
    network::Requantize small;
    small.shift = {4};
    x = builder.add(name + "_small", small, {builder.add(name, dense, {x})}, Type{outputs == 2, 6, 0});
  }
  builder.output("y", x);
  return builder.finish();
}

TEST(Reuse, AgreesWithTheReference) {
  for (const int cycles : {2, 3, 16})
    EXPECT_EQ(run(vector_network(), reuse(cycles)), "256 vectors, 0 wrong") << cycles;
  for (const int cycles : {2, 5}) EXPECT_EQ(run(image(7), reuse(cycles)), "256 vectors, 0 wrong") << cycles;
}

TEST(Reuse, PassesTheToolsAndSaves) {
  const network::Network mlp = vector_network();
  const Firmware shared = generate(mlp, reuse(2));
  EXPECT_EQ(shared.initiation_interval, 2);
  EXPECT_GT(shared.resources.multipliers, generate(mlp, reuse(4)).resources.multipliers);
  const Firmware conv = generate(image(7), reuse(4));
  EXPECT_LT(conv.resources.adders, generate(image(7)).resources.adders * 2 / 3);
  EXPECT_EQ(conv.resources.multipliers, 0) << "rows in steps need no multipliers";
  EXPECT_EQ(lint({shared, conv}), "");
}

TEST(Reuse, RefusesInSentences) {
  const auto refusal = [](const network::Network& network, const Options& options) -> std::string {
    try {
      generate(network, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::user);
      return error.what();
    }
    return "no refusal";
  };
  EXPECT_THAT(refusal(conformance::sample_trees(), reuse(4)),
              testing::HasSubstr("there is nothing to reuse"));
  EXPECT_THAT(refusal(vector_network(), reuse(0)), testing::HasSubstr("over 0 cycles: give 1 to"));
  Options both = reuse(2);
  both.axi_stream = true;
  EXPECT_THAT(refusal(vector_network(), both), testing::HasSubstr("does not go together"));
  Options tag = reuse(2);
  tag.tag_bits = 64;
  EXPECT_THAT(refusal(vector_network(), tag), testing::HasSubstr("give the tag fewer"));
}

}  // namespace
}  // namespace crible::hls
