#include "hls/parts.hpp"

#include <algorithm>
#include <bit>

#include "engine/network/verify.hpp"
#include "hls/text.hpp"

namespace crible::hls {

using network::Node;
using network::NodeId;

namespace {

Resources operator+(Resources a, const Resources& b) {
  a.adders += b.adders;
  a.constant_adders += b.constant_adders;
  a.adder_bits += b.adder_bits;
  a.multipliers += b.multipliers;
  a.lut_estimate += b.lut_estimate;
  a.flip_flops += b.flip_flops;
  return a;
}

}  // namespace

void PartCopy::add(NodeId id) {
  Node node = from_.nodes[static_cast<std::size_t>(id)];
  for (NodeId& input : node.inputs) input = numbers_[static_cast<std::size_t>(input)];
  put(id, std::move(node));
}

void PartCopy::put(NodeId id, Node node) {
  numbers_[static_cast<std::size_t>(id)] = static_cast<NodeId>(part_.nodes.size());
  append(std::move(node));
}

void PartCopy::append(Node node) {
  const std::string wanted = node.name;
  for (int i = 2; !names_.insert(node.name).second; ++i) node.name = wanted + "_" + std::to_string(i);
  part_.nodes.push_back(std::move(node));
}

void PartCopy::add_output(NodeId of, const std::string& name) {
  const NodeId id = numbers_[static_cast<std::size_t>(of)];
  const Node& node = part_.nodes[static_cast<std::size_t>(id)];
  append({name, network::Output{}, {id}, node.type, node.shape});
}

network::Network PartCopy::finish() {
  verify(part_);
  return std::move(part_);
}

bool everything_passes(const network::Network& network, NodeId id) {
  for (std::size_t j = 0; j < network.nodes.size(); ++j) {
    const Node& node = network.nodes[j];
    const bool later = static_cast<NodeId>(j) > id;
    if (!later && std::holds_alternative<network::Output>(node.operation)) return false;
    if (!later) continue;
    if (std::holds_alternative<network::Input>(node.operation)) return false;
    for (const NodeId input : node.inputs) {
      const network::Operation& from = network.nodes[static_cast<std::size_t>(input)].operation;
      if (input < id && !std::holds_alternative<network::Constant>(from)) return false;
    }
  }
  return true;
}

int count_bits_of(int steps) {
  return std::max(1, static_cast<int>(std::bit_width(static_cast<unsigned>(steps) - 1)));
}

std::string part_of(const std::string& bus, int bus_bits, int high, int low) {
  if (bus_bits == 1) return bus;
  return bus + "[" + (high == low ? number(high) : number(high) + ":" + number(low)) + "]";
}

std::string repacked(const std::string& bus, const DataPort& from, std::size_t first, const DataPort& to) {
  std::string text = "{";
  for (std::size_t e = to.elements.size(); e-- > 0;) {
    const Element& own = from.elements[first + e];
    std::string part = part_of(bus, from.width_bits, own.offset_bits + own.width_bits - 1, own.offset_bits);
    if (own.width_bits != to.elements[e].width_bits) {
      part =
          number(to.elements[e].width_bits) + "'(" + (own.is_signed ? "$signed(" + part + ")" : part) + ")";
    }
    text += part + after_entry(e, "}");
  }
  return text;
}

std::string module_header(const Firmware& firmware, const std::string& what) {
  const ControlPorts& c = firmware.control;
  std::string text = "// " + firmware.top + ": the network '" + firmware.network_name + "', " + what + "\n";
  text += "// content hash " + firmware.network_hash + "\n";
  text += "// latency " + number(firmware.latency_cycles) + " cycles, initiation interval " +
          number(firmware.initiation_interval) + "\n\nmodule " + firmware.top + " (\n";
  text += "  input  wire " + c.clock + ",\n  input  wire " + c.reset + ",\n  input  wire " + c.valid_in +
          ",\n  input  wire " + range_text(c.tag_bits) + c.tag_in + ",\n";
  for (const DataPort& port : firmware.inputs)
    text += "  input  wire " + range_text(port.width_bits) + port.port + ",\n";
  for (const DataPort& port : firmware.outputs)
    text += "  output wire " + range_text(port.width_bits) + port.port + ",\n";
  return text + "  output wire " + c.valid_out + ",\n  output wire " + range_text(c.tag_bits) + c.tag_out +
         "\n);\n\n";
}

void take_part(Firmware& whole, const Firmware& part) {
  for (const File& file : part.files) {
    const bool is_source =
        std::find(part.sources.begin(), part.sources.end(), file.path) != part.sources.end();
    if (is_source) whole.files.push_back(file);
    if (file.path.starts_with("steps/"))
      whole.files.push_back({"steps/" + part.top + "/" + file.path.substr(6), file.text});
  }
  whole.sources.insert(whole.sources.end(), part.sources.begin(), part.sources.end());
  whole.resources = whole.resources + part.resources;
}

}  // namespace crible::hls
