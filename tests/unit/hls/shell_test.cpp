#include "hls/shell.hpp"

#include <gtest/gtest.h>

#include "engine/base/file.hpp"
#include "engine/reference/reference.hpp"
#include "hls/vectors.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

/// Sends all vectors with random gaps, takes the answers with random pauses, and compares both data and tag.
/// A reset in the middle drops what is under way and nothing else; while an answer waits it may not change.
std::string bench_text(const Firmware& firmware) {
  const std::string in = std::to_string(axi_data_bits(firmware.inputs));
  const std::string out = std::to_string(axi_data_bits(firmware.outputs));
  return "module bench;\n  localparam integer events = " + std::to_string(vector_count) +
         ";\n"
         "  logic aclk = 0, aresetn = 0, s_axis_tvalid = 0, m_axis_tready = 0;\n"
         "  wire s_axis_tready, m_axis_tvalid;\n"
         "  logic [" +
         in +
         "-1:0] s_axis_tdata = 0, inputs [0:events-1];\n"
         "  wire [" +
         out + "-1:0] m_axis_tdata;\n  logic [" + out +
         "-1:0] outputs [0:events-1];\n"
         "  logic [11:0] s_axis_tuser = 0;\n  wire [11:0] m_axis_tuser;\n"
         "  integer sent = 0, seen = 0, wrong = 0, seed = 1, stalls = 0, cycle = 0, dropped = 0, waited = "
         "0;\n"
         "  logic [" +
         out +
         "-1:0] shown = 0;\n"
         "  " +
         firmware.top +
         "_axis dut (.*);\n"
         "  always #1 aclk = ~aclk;\n"
         "  initial begin\n    $readmemh(\"vectors/inputs.hex\", inputs);\n"
         "    $readmemh(\"vectors/outputs.hex\", outputs);\n  end\n"
         "  always @(posedge aclk) begin\n    cycle <= cycle + 1;\n"
         "    if (!aresetn) begin\n      dropped <= dropped + sent - seen;\n      seen <= sent;\n      "
         "waited <= 0;\n    "
         "end\n"
         "    if (aresetn && waited == 1 && (!m_axis_tvalid || m_axis_tdata !== shown)) wrong <= wrong + 1;\n"
         "    if (aresetn) waited <= m_axis_tvalid && !m_axis_tready;\n    shown <= m_axis_tdata;\n"
         "    if (aresetn && s_axis_tvalid && !s_axis_tready) stalls <= stalls + 1;\n"
         "    if (aresetn && s_axis_tvalid && s_axis_tready) sent <= sent + 1;\n"
         "    if (aresetn && m_axis_tvalid && m_axis_tready) begin\n      seen <= seen + 1;\n"
         "      if (m_axis_tdata !== outputs[seen] || m_axis_tuser !== seen[11:0]) wrong <= wrong + 1;\n    "
         "end\n"
         "  end\n"
         "  always @(negedge aclk) begin\n    aresetn <= cycle > 2 && cycle != 300 && cycle != 301;\n"
         "    if (!(s_axis_tvalid && !s_axis_tready)) begin\n"
         "      s_axis_tvalid <= sent < events && $urandom(seed) % 4 != 0;\n"
         "      s_axis_tdata <= inputs[sent];\n      s_axis_tuser <= sent[11:0];\n    end\n"
         "    m_axis_tready <= $urandom % 3 == 0;\n"
         "    if (cycle > 4000) begin\n"
         "      $display(\"%0d seen, %0d wrong, stalled %s, dropped %s\", seen, wrong, stalls > 0 ? \"yes\" "
         ": \"no\", "
         "dropped > 0 ? \"some\" : \"none\");\n"
         "      $finish;\n    end\n  end\nendmodule\n";
}

TEST(AxiStream, LosesNothingUnderBackPressure) {
  const network::Network network = conformance::sample_trees();
  Options options;
  options.axi_stream = true;
  options.adders_per_stage = 1;
  Firmware firmware = generate(network, options);
  const std::vector<PortValues> inputs = vector_inputs(firmware);
  std::vector<PortValues> outputs;
  for (const PortValues& values : inputs) outputs.push_back(reference::evaluate(network, values));
  add_vectors(firmware, inputs, outputs);
  const TemporaryFolder scratch("crible_hls");
  write_project(firmware, scratch.path().string());
  write_file(scratch.path() / "bench.sv", bench_text(firmware));
  const std::string rtl = " rtl/" + firmware.top + ".sv rtl/" + firmware.top + "_axis.sv";
  const std::string enter = "cd " + scratch.path().string() + " && ";
  EXPECT_EQ(complaints(enter + "verilator --lint-only -Wall --top-module " + firmware.top + "_axis" + rtl),
            "");
  const std::string said =
      complaints(enter + "iverilog -g2012 -o bench -s bench bench.sv" + rtl + " && vvp -n bench");
  EXPECT_NE(said.find("256 seen, 0 wrong, stalled yes, dropped some"), std::string::npos) << said;
}

}  // namespace
}  // namespace crible::hls
