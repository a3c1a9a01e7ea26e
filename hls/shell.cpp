#include "hls/shell.hpp"

#include <bit>

#include "hls/extra_ports.hpp"
#include "hls/text.hpp"

namespace crible::hls {

namespace {

int data_bits(const std::vector<DataPort>& ports) {
  int bits = 0;
  for (const DataPort& port : ports) bits += port.width_bits;
  return bits;
}

/// Connections of consecutive slices of a bus to the ports.
std::string connections(const std::vector<DataPort>& ports, const std::string& bus) {
  std::string text;
  int low = 0;
  for (const DataPort& port : ports) {
    text += "    ." + port.port + "(" + bus + "[" + number(low + port.width_bits - 1) + ":" + number(low) +
            "]),\n";
    low += port.width_bits;
  }
  return text;
}

}  // namespace

int axi_data_bits(const std::vector<DataPort>& ports) {
  return (data_bits(ports) + 7) / 8 * 8;
}

std::string axi_stream_shell(const Firmware& firmware) {
  const ControlPorts& c = firmware.control;
  const int in_bits = axi_data_bits(firmware.inputs);
  const int out_bits = axi_data_bits(firmware.outputs);
  const int unused = in_bits - data_bits(firmware.inputs);
  const int padding = out_bits - data_bits(firmware.outputs);
  const auto depth = static_cast<int>(std::bit_ceil(static_cast<unsigned>(firmware.latency_cycles) + 2));
  const int address = std::countr_zero(static_cast<unsigned>(depth));
  const std::string count = number(address + 1);
  const std::string entry = number(out_bits + c.tag_bits - 1);

  std::string text = "// " + firmware.top + " with AXI4-Stream ports; tuser is the event's tag.\n";
  text += "// Elements lie in tdata as in the bare module's ports, the first port lowest.\n\n";
  text += "module " + firmware.top + "_axis (\n  input  wire aclk,\n  input  wire aresetn,\n";
  text += "  input  wire " + range_text(in_bits) + "s_axis_tdata,\n  input  wire " + range_text(c.tag_bits) +
          "s_axis_tuser,\n  input  wire s_axis_tvalid,\n  output wire s_axis_tready,\n";
  text += "  output wire " + range_text(out_bits) + "m_axis_tdata,\n  output wire " + range_text(c.tag_bits) +
          "m_axis_tuser,\n  output wire m_axis_tvalid,\n";
  for (const ExtraPort& port : extra_ports(firmware))
    text += (port.is_input ? "  input  wire " : "  output wire ") + range_text(port.width_bits) + port.name +
            ",\n";
  text += "  input  wire m_axis_tready\n);\n\n";
  text += "  // Events that were let in and not handed over yet: never more than the buffer holds.\n";
  text += "  logic [" + number(address) + ":0] under_way;\n  logic [" + number(address) + ":0] stored;\n";
  text +=
      "  logic [" + number(address - 1) + ":0] write_at;\n  logic [" + number(address - 1) + ":0] read_at;\n";
  text += "  logic [" + entry + ":0] buffer [0:" + number(depth - 1) + "];\n\n";
  text +=
      "  wire accept = s_axis_tvalid & s_axis_tready;\n  wire hand_over = m_axis_tvalid & m_axis_tready;\n";
  text +=
      "  wire done;\n  wire " + range_text(c.tag_bits) + "tag;\n  wire " + range_text(out_bits) + "data;\n\n";
  text += "  assign s_axis_tready = aresetn & (under_way != " + count + "'d" + number(depth) + ");\n";
  text += "  assign m_axis_tvalid = stored != " + count + "'d0;\n";
  text += "  assign {m_axis_tuser, m_axis_tdata} = buffer[read_at];\n\n";
  text += "  " + firmware.top + " core (\n    ." + c.clock + "(aclk),\n    ." + c.reset +
          "(~aresetn),\n    ." + c.valid_in + "(accept),\n    ." + c.tag_in + "(s_axis_tuser),\n";
  for (const ExtraPort& port : extra_ports(firmware)) text += "    ." + port.name + "(" + port.name + "),\n";
  text += connections(firmware.inputs, "s_axis_tdata") + connections(firmware.outputs, "data");
  text += "    ." + c.valid_out + "(done),\n    ." + c.tag_out + "(tag)\n  );\n";
  if (padding > 0)
    text += "  assign data[" + number(out_bits - 1) + ":" + number(out_bits - padding) +
            "] = " + number(padding) + "'d0;\n";
  if (unused > 0)
    text += "  wire unused = &{1'b0, s_axis_tdata[" + number(in_bits - 1) + ":" + number(in_bits - unused) +
            "]};\n";
  text += "\n  always_ff @(posedge aclk) begin\n    if (!aresetn) begin\n";
  text += "      under_way <= " + count + "'d0;\n      stored <= " + count + "'d0;\n";
  text += "      write_at <= " + number(address) + "'d0;\n      read_at <= " + number(address) +
          "'d0;\n    end else begin\n";
  text += "      under_way <= under_way + " + count + "'(accept) - " + count + "'(hand_over);\n";
  text += "      stored <= stored + " + count + "'(done) - " + count + "'(hand_over);\n";
  text += "      write_at <= write_at + " + number(address) + "'(done);\n";
  text += "      read_at <= read_at + " + number(address) + "'(hand_over);\n    end\n";
  text += "    if (done) buffer[write_at] <= {tag, data};\n  end\nendmodule\n";
  return text;
}

}  // namespace crible::hls
