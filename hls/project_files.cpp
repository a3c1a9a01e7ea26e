#include "hls/project_files.hpp"

#include <algorithm>
#include <cstdio>

#include "hls/extra_ports.hpp"
#include "hls/text.hpp"
#include "hls/vectors.hpp"

namespace crible::hls {

namespace {

std::string vhdl_type(int width) {
  return width == 1 ? "std_logic" : "std_logic_vector(" + number(width - 1) + " downto 0)";
}

std::string vhdl_ports(const Firmware& firmware, const std::string& indent) {
  const ControlPorts& c = firmware.control;
  std::string text;
  const auto port = [&](const std::string& name, const char* direction, int width, bool last = false) {
    text += indent + name + " : " + direction + " " + vhdl_type(width) + (last ? "\n" : ";\n");
  };
  port(c.clock, "in ", 1);
  port(c.reset, "in ", 1);
  port(c.valid_in, "in ", 1);
  port(c.tag_in, "in ", c.tag_bits);
  for (const DataPort& data : firmware.inputs) port(data.port, "in ", data.width_bits);
  for (const DataPort& data : firmware.outputs) port(data.port, "out", data.width_bits);
  for (const ExtraPort& extra : extra_ports(firmware))
    port(extra.name, extra.is_input ? "in " : "out", extra.width_bits);
  port(c.valid_out, "out", 1);
  port(c.tag_out, "out", c.tag_bits, true);
  return text;
}

std::vector<std::string> port_names(const Firmware& firmware) {
  const ControlPorts& c = firmware.control;
  std::vector<std::string> names{c.clock, c.reset, c.valid_in, c.tag_in};
  for (const DataPort& data : firmware.inputs) names.push_back(data.port);
  for (const DataPort& data : firmware.outputs) names.push_back(data.port);
  for (const ExtraPort& extra : extra_ports(firmware)) names.push_back(extra.name);
  names.push_back(c.valid_out);
  names.push_back(c.tag_out);
  return names;
}

}  // namespace

std::string vhdl_wrapper(const Firmware& firmware) {
  const std::string entity = firmware.top + "_vhdl";
  std::string text = "-- VHDL-2008 wrapper of the SystemVerilog module " + firmware.top + "\n\n";
  text += "library ieee;\nuse ieee.std_logic_1164.all;\n\n";
  text += "entity " + entity + " is\n  port (\n" + vhdl_ports(firmware, "    ") + "  );\nend entity;\n\n";
  text += "architecture wrapper of " + entity + " is\n  component " + firmware.top + " is\n    port (\n" +
          vhdl_ports(firmware, "      ") + "    );\n  end component;\nbegin\n";
  text += "  core_" + firmware.top + " : " + firmware.top + "\n    port map (\n";
  const std::vector<std::string> names = port_names(firmware);
  for (std::size_t i = 0; i < names.size(); ++i)
    text += "      " + names[i] + " => " + names[i] + (i + 1 == names.size() ? "\n" : ",\n");
  return text + "    );\nend architecture;\n";
}

std::string testbench(const Firmware& firmware) {
  const ControlPorts& c = firmware.control;
  std::string text =
      "// Sends vectors/inputs.hex and compares with vectors/outputs.hex; run it in the project's folder.\n";
  text += "`timescale 1ns / 1ps\nmodule " + firmware.top + "_tb;\n";
  int in_bits = 0;
  int out_bits = 0;
  for (const DataPort& port : firmware.inputs) in_bits += port.width_bits;
  for (const DataPort& port : firmware.outputs) out_bits += port.width_bits;
  text += "  localparam integer events = " + number(vector_count) + ";\n";
  text += "  localparam integer interval = " + number(firmware.initiation_interval) + ";\n";
  text += "  logic " + c.clock + " = 1'b0;\n  logic " + c.reset + " = 1'b1;\n  logic " + c.valid_in +
          " = 1'b0;\n";
  text += "  logic " + range_text(c.tag_bits) + c.tag_in + " = 0;\n";
  text += "  logic " + range_text(in_bits) + "sent = 0;\n";
  text += "  wire " + range_text(out_bits) + "got;\n  wire " + c.valid_out + ";\n  wire " +
          range_text(c.tag_bits) + c.tag_out + ";\n";
  text += "  logic " + range_text(in_bits) + "inputs [0:events-1];\n";
  text += "  logic " + range_text(out_bits) + "outputs [0:events-1];\n";
  text +=
      "  integer next = 0;\n  integer seen = 0;\n  integer wrong = 0;\n  integer cycle = 0;\n  integer "
      "sent_at = 0;\n\n";
  text += "  " + firmware.top + " dut (\n";
  const auto connect = [&](const std::string& name) { return "    ." + name + "(" + name + "),\n"; };
  text += connect(c.clock) + connect(c.reset) + connect(c.valid_in) + connect(c.tag_in);
  const auto slices = [&](const std::vector<DataPort>& ports, const std::string& bus, int bits) {
    int low = 0;
    for (const DataPort& port : ports) {
      const std::string part =
          bits == 1 ? bus : bus + "[" + number(low + port.width_bits - 1) + ":" + number(low) + "]";
      text += "    ." + port.port + "(" + part + "),\n";
      low += port.width_bits;
    }
  };
  for (const ExtraPort& extra : extra_ports(firmware))
    text += "    ." + extra.name + "(" + (extra.is_input ? number(extra.width_bits) + "'d0" : "") + "),\n";
  slices(firmware.inputs, "sent", in_bits);
  slices(firmware.outputs, "got", out_bits);
  text += connect(c.valid_out) + "    ." + c.tag_out + "(" + c.tag_out + ")\n  );\n\n";
  text += "  always #1 " + c.clock + " = ~" + c.clock + ";\n\n";
  text +=
      "  initial begin\n    $readmemh(\"vectors/inputs.hex\", inputs);\n    "
      "$readmemh(\"vectors/outputs.hex\", outputs);\n  end\n\n";
  text += "  always @(negedge " + c.clock + ") begin\n    cycle <= cycle + 1;\n    " + c.reset +
          " <= cycle < 2;\n";
  text += "    " + c.valid_in + " <= 1'b0;\n";
  text += "    if (cycle > 3 && next < events && cycle % interval == 0) begin\n";
  text += "      " + c.valid_in + " <= 1'b1;\n      sent <= inputs[next];\n      " + c.tag_in + " <= next[" +
          number(std::min(c.tag_bits, 32) - 1) + ":0];\n";
  text += "      next <= next + 1;\n      if (next == 0) sent_at <= cycle;\n    end\n";
  text += "    if (" + c.valid_out + ") begin\n";
  text += "      if (seen == 0 && cycle - sent_at != " + number(firmware.latency_cycles) +
          ") begin\n        wrong <= wrong + 1;\n        $display(\"latency %0d instead of " +
          number(firmware.latency_cycles) +
          "\", cycle - sent_at);\n      end else if (got !== outputs[seen] || " + c.tag_out + " !== seen[" +
          number(std::min(c.tag_bits, 32) - 1) + ":0]) begin\n        wrong <= wrong + 1;\n" +
          "        $display(\"vector %0d: %h instead of %h\", seen, got, outputs[seen]);\n      end\n      "
          "seen <= seen + 1;\n    end\n";
  text += "    if (cycle > 10 + interval * events + " + number(firmware.latency_cycles) +
          ") begin\n      $display(\"%0d vectors, %0d wrong\", seen, wrong + (seen != events ? 1 : 0));\n    "
          "  $finish;\n    end\n";
  return text + "  end\nendmodule\n";
}

std::string constraints(const Firmware& firmware, double clock_ns) {
  char period[32];
  std::snprintf(period, sizeof period, "%.3f", clock_ns);
  return "create_clock -name " + firmware.control.clock + " -period " + period + " [get_ports " +
         firmware.control.clock + "]\n";
}

std::string report(const Firmware& firmware, const Options& options) {
  const Resources& r = firmware.resources;
  std::string text = "module               " + firmware.top + "\n";
  text += "network              " + firmware.network_name + " " + firmware.network_hash + "\n";
  text += "latency              " + number(firmware.latency_cycles) + " cycles\n";
  text += "initiation interval  " + number(firmware.initiation_interval) + " cycles\n";
  text += options.latency ? "stages               as many as --latency says\n"
                          : "stages               at most " + number(options.adders_per_stage) +
                                " additions in a row between registers\n";
  text += "adders               " + number(r.adders) + ", of them " + number(r.constant_adders) +
          " of a constant; " + number(r.adder_bits) + " full-adder bits\n";
  text += "multipliers          " + number(r.multipliers) + "\n";
  text += "LUT estimate         " + number(r.lut_estimate) + "\n";
  text += "flip-flops           " + number(r.flip_flops) + " before synthesis shares or removes any\n\n";
  text +=
      "How the LUTs are estimated: one for each full-adder bit (low bits that pass through an adder cost\n"
      "nothing), one for two bits of a comparison, one for each bit of a selector or clamp and one for five\n"
      "bits of what it looks at, 2^(n-6) for each bit of a table with n > 6 inputs, w1 * w2 for a "
      "product.\n\n";
  text += "port              direction  bits   network node, type, shape\n";
  const auto line = [&](const DataPort& port, const char* direction) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%-17s %-10s %-6d ", port.port.c_str(), direction, port.width_bits);
    text += buffer + port.node + " " + network::to_string(port.type) + " " + network::to_string(port.shape) +
            ", " + number(port.elements.front().width_bits) +
            (port.elements.front().is_signed ? " signed" : " unsigned") + " bits an element\n";
  };
  for (const DataPort& port : firmware.inputs) line(port, "in");
  for (const DataPort& port : firmware.outputs) line(port, "out");
  if (firmware.saturation_counters.empty()) return text;
  text += "\n" + firmware.counters.address + "   events, counted in 32 bits and read at " +
          firmware.counters.data + "\n0                 all\n";
  for (std::size_t i = 0; i < firmware.saturation_counters.size(); ++i) {
    char buffer[32];
    std::snprintf(buffer, sizeof buffer, "%-17zu ", i + 1);
    text += buffer + std::string("those in which an element of ") + firmware.saturation_counters[i] +
            " saturated\n";
  }
  return text;
}

std::string readme(const Firmware& firmware) {
  const std::string& top = firmware.top;
  std::string sources;
  for (const std::string& source : firmware.sources) sources += " " + source;
  return "# " + top + "\n\nThe network `" + firmware.network_name +
         "` as pipelined SystemVerilog, made by `crible firmware`.\n\n" +
         "| file | what it is |\n|---|---|\n" + "| `rtl/" + top +
         ".sv` | the module; no vendor primitive |\n" + "| `rtl/" + top +
         "_vhdl.vhd` | the same ports for VHDL-2008 |\n" +
         "| `firmware.json` | ports, packing, latency, size, for programs |\n" +
         "| `report.txt` | the same for people |\n" + "| `network.crn` | what it computes |\n" +
         "| `constraints/` | the clock for Vivado (`.xdc`) and others (`.sdc`) |\n" +
         "| `steps/` | how the module came about: operations, arithmetic, pipeline |\n" +
         "| `vectors/`, `sim/" + top +
         "_tb.sv` | inputs, the reference's outputs, a bench that compares |\n\n" +
         "Drive `in_*`, `tag_in` and `valid_in` before a rising clock edge; " +
         number(firmware.latency_cycles) +
         " edges later `valid_out`\nis high and `out_*` and `tag_out` belong to that event. A new event may "
         "come every " +
         (firmware.initiation_interval == 1 ? "cycle" : number(firmware.initiation_interval) + " cycles") +
         ".\nElements are packed in C order, element 0 lowest, each as two's complement of the width in "
         "`report.txt`.\n\n" +
         "```\niverilog -g2012 -o bench" + sources + " sim/" + top + "_tb.sv && vvp bench\n" +
         "verilator --lint-only -Wall --top-module " + top + sources + "\n" + "yosys -p 'read_verilog -sv" +
         sources + "; synth_xilinx -family xcup -top " + top + "; stat'\n```\n\n" +
         "`crible verify` on this folder compares it with the reference on many more events.\n";
}

}  // namespace crible::hls
