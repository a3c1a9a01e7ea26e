// Convolutions in their streaming form: the same bits as the reference, the stated latency and interval.

#include "hls/stream.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "engine/reference/reference.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

using network::Builder;
using network::NodeId;
using network::PoolKind;
using network::Shape;
using network::Type;
using network::Window;

Options stream(int pixels) {
  Options options;
  options.stream_pixels = pixels;
  return options;
}

network::Conv conv_of(int channels, int filters, int groups, const Window& window) {
  network::Conv conv;
  conv.filters = filters;
  conv.groups = groups;
  conv.window = window;
  int taps = channels / groups;
  for (const int extent : window.kernel) taps *= extent;
  for (int i = 0; i < filters * taps; ++i) conv.weights.push_back((i * 5) % 11 - 5);
  for (int f = 0; f < filters; ++f) conv.bias.push_back(7 * f - 9);
  return conv;
}

NodeId rounded(Builder& builder, NodeId x, int channels, Type type) {
  network::Requantize narrow;
  narrow.rounding = network::Rounding::half_even;
  narrow.shift.assign(static_cast<std::size_t>(channels), 3);
  narrow.shift.back() = 2;
  return builder.add(builder.unique_name("narrow"), narrow, {x}, type);
}

/// A convolution with a pad value, groups, dilation and different paddings, and a pooling of the result.
network::Network image(const std::string& name, const Shape& shape, const Window& window, PoolKind kind,
                       const Window& pooling) {
  Builder builder(name);
  const NodeId x = builder.input("x", shape, {true, 5, 2});
  network::Conv conv = conv_of(shape[0], 2 * shape[0], shape[0], window);
  conv.pad_value = 3;
  const NodeId small = rounded(builder, builder.add("conv", conv, {x}), conv.filters, Type{false, 4, 0});
  NodeId pooled = builder.add("pool", network::Pool{kind, pooling}, {small});
  if (kind == PoolKind::sum) pooled = rounded(builder, pooled, conv.filters, Type{true, 5, 0});
  builder.output("y", pooled);
  return builder.finish();
}

network::Network square() {
  return image("square", {2, 6, 6}, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}, PoolKind::max,
               {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}});
}

/// Strides that leave a rest, dilations, uneven paddings, overlapping pools with padding; an image of one
/// row.
std::vector<network::Network> images() {
  return {square(),
          image("uneven", {2, 7, 6}, {{3, 2}, {2, 1}, {1, 2}, {2, 1}, {1, 0}}, PoolKind::sum,
                {{3, 3}, {2, 2}, {1, 1}, {1, 1}, {1, 1}}),
          image("overlapping", {1, 5, 8}, {{2, 4}, {1, 1}, {1, 1}, {0, 2}, {1, 1}}, PoolKind::max,
                {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}),
          image("whole", {1, 4, 4}, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, PoolKind::sum,
                {{4, 4}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}),
          image("line", {3, 12}, {{5}, {1}, {1}, {2}, {2}}, PoolKind::max, {{3}, {3}, {1}, {0}, {0}})};
}

/// The project's own bench: one event in each interval, the stated latency.
std::string run(const network::Network& network, const Firmware& firmware) {
  const std::vector<PortValues> inputs = vector_inputs(firmware);
  std::vector<PortValues> outputs;
  for (const PortValues& values : inputs) outputs.push_back(reference::evaluate(network, values));
  return bench_result(firmware, inputs, outputs);
}

TEST(Stream, AgreesWithTheReference) {
  for (const network::Network& network : images()) {
    for (const int pixels : {1, 2, 6}) {
      const Firmware firmware = generate(network, stream(pixels));
      EXPECT_EQ(run(network, firmware), "256 vectors, 0 wrong") << network.name << " " << pixels;
    }
  }
}

TEST(Stream, PassesTheToolsAndSaves) {
  std::vector<Firmware> projects;
  for (const network::Network& network : images()) {
    Options options = stream(2);
    options.top = network.name + "_two";
    projects.push_back(generate(network, stream(1)));
    projects.push_back(generate(network, options));
    EXPECT_LE(projects.back().initiation_interval, projects.front().initiation_interval);
  }
  EXPECT_EQ(lint(projects), "");
  EXPECT_LT(projects[0].resources.adders, generate(square()).resources.adders / 10);
}

/// A 3 x 3 window over 6 rows of 6 pixels needs a row and a pixel after the last one; a whole row at a time,
/// a row.
TEST(Stream, StatesItsTimes) {
  EXPECT_EQ(generate(square(), stream(1)).initiation_interval, 36 + 7);
  EXPECT_EQ(generate(square(), stream(6)).initiation_interval, 6 + 1);
}

TEST(Stream, SharesWhatFollows) {
  Builder builder("classifier");
  const NodeId x = builder.input("x", {2, 6, 4}, {true, 4, 0});
  const network::Conv conv = conv_of(2, 3, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}});
  const NodeId small = rounded(builder, builder.add("conv", conv, {x}), 3, Type{false, 4, 0});
  const NodeId flat = builder.add("flat", network::Reshape{}, {small}, Shape{72});
  network::Dense dense{3, 72, 0, {}, {4, 5, 6}};
  for (int i = 0; i < 3 * 72; ++i) dense.weights.push_back((i * 7) % 15 - 7);
  builder.output("y", builder.add("dense", dense, {flat}));
  const network::Network network = builder.finish();
  Options options = stream(1);
  options.reuse = 24;
  const Firmware firmware = generate(network, options);
  EXPECT_EQ(firmware.initiation_interval, 24 + 5);
  EXPECT_EQ(firmware.resources.multipliers, 9);
  EXPECT_EQ(run(network, firmware), "256 vectors, 0 wrong");
}

TEST(Stream, RefusesInSentences) {
  const auto refusal = [](const network::Network& network, const Options& options) -> std::string {
    try {
      generate(network, options);
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::user);
      return error.what();
    }
    return "no refusal";
  };
  EXPECT_THAT(refusal(conformance::sample_trees(), stream(1)), testing::HasSubstr("nothing to stream"));
  EXPECT_THAT(refusal(square(), stream(-1)), testing::HasSubstr("a stream of -1 pixels in each cycle"));
  Options both = stream(1);
  both.axi_stream = true;
  EXPECT_THAT(refusal(square(), both), testing::HasSubstr("does not go together"));
}

}  // namespace
}  // namespace crible::hls
