// Saturation counters: what they count, and that the network is computed as without them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/base/file.hpp"
#include "engine/network/build.hpp"
#include "engine/reference/reference.hpp"
#include "hls/manifest.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

using network::Type;

/// Two nodes that saturate, one that cannot.
network::Network saturating() {
  network::Builder builder("saturating");
  const network::NodeId x = builder.input("x", {3}, {true, 8, 0});
  network::Dense dense{3, 3, 0, {3, 0, 0, 0, 5, 0, 0, 0, 1}, {0, 0, 0}};
  const network::NodeId product = builder.add("product", dense, {x});
  network::Requantize halved;
  halved.shift = {1};
  const network::NodeId narrow = builder.add("narrow", halved, {product}, Type{true, 8, 0});
  network::Requantize rest;
  rest.shift = {4};
  const network::NodeId wide = builder.add("wide", rest, {narrow}, Type{true, 8, 0});
  network::Requantize plain;
  const network::NodeId positive = builder.add("positive", plain, {wide}, Type{false, 2, 0});
  builder.output("y", positive);
  return builder.finish();
}

constexpr const char* bench = R"(module bench;
  logic clk = 0, rst = 1, valid_in = 0;
  logic [11:0] tag_in = 0;
  logic [23:0] in_x = 0, inputs [0:255];
  logic [7:0] counter_address = 0;
  wire [31:0] counter_data;
  wire [5:0] out_y;
  wire valid_out;
  wire [11:0] tag_out;
  integer cycle = 0, sent = 0;
  saturating dut (.*);
  always #1 clk = ~clk;
  initial $readmemh("vectors/inputs.hex", inputs);
  always @(negedge clk) begin
    cycle <= cycle + 1;
    rst <= cycle < 3;
    // Idle cycles carry what would saturate, and must not count.
    valid_in <= cycle > 4 && cycle % 3 != 0 && sent < 256;
    in_x <= 24'h7f7f7f;
    if (cycle > 4 && cycle % 3 != 0 && sent < 256) begin
      in_x <= inputs[sent];
      sent <= sent + 1;
    end
    if (cycle > 500) counter_address <= cycle[7:0];
    if (cycle >= 513 && cycle <= 517) $display("counter %0d: %0d", (cycle - 1) % 256, counter_data);
    if (cycle == 520) $finish;
  end
endmodule
)";

TEST(SaturationCounters, CountTheEventsInWhichANodeSaturates) {
  const network::Network network = saturating();
  Options options;
  options.saturation_counters = true;
  options.adders_per_stage = 1;
  Firmware firmware = generate(network, options);
  EXPECT_EQ(firmware.saturation_counters, (std::vector<std::string>{"narrow", "positive"}));
  EXPECT_EQ(parse_manifest(to_manifest(firmware), "f").saturation_counters, firmware.saturation_counters);
  EXPECT_EQ(lint({firmware}), "");
  const std::vector<PortValues> inputs = vector_inputs(firmware);
  std::vector<PortValues> outputs;
  int narrow = 0;
  int positive = 0;
  for (const PortValues& values : inputs) {
    outputs.push_back(reference::evaluate(network, values));
    const std::vector<std::int64_t>& x = values[0];
    const std::int64_t halves[] = {(3 * x[0]) >> 1, (5 * x[1]) >> 1, x[2] >> 1};
    const auto leaves = [](std::int64_t h) { return h < -128 || h > 127; };
    const auto clipped = [](std::int64_t h) { return std::clamp<std::int64_t>(h, -128, 127) >> 4; };
    narrow += std::any_of(std::begin(halves), std::end(halves), leaves) ? 1 : 0;
    positive += std::any_of(std::begin(halves), std::end(halves),
                            [&](std::int64_t h) { return clipped(h) < 0 || clipped(h) > 3; })
                    ? 1
                    : 0;
  }
  EXPECT_GT(narrow, 0);
  EXPECT_LT(narrow, 256);
  EXPECT_NE(narrow, positive);
  EXPECT_EQ(bench_result(firmware, inputs, outputs), "256 vectors, 0 wrong");
  add_vectors(firmware, inputs, outputs);
  const TemporaryFolder scratch("crible_hls");
  write_project(firmware, scratch.path().string());
  write_file(scratch.path() / "bench.sv", bench);
  const std::string said =
      complaints("cd " + scratch.path().string() +
                 " && iverilog -g2012 -o b -s bench bench.sv rtl/saturating.sv && vvp -n b");
  EXPECT_THAT(said, testing::HasSubstr("counter 0: 256\ncounter 1: " + std::to_string(narrow) +
                                       "\ncounter 2: " + std::to_string(positive) + "\ncounter 3: 0\n"));
}

}  // namespace
}  // namespace crible::hls
