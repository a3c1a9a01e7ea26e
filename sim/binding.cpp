#include "sim/binding.hpp"

#include <algorithm>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/base/yaml.hpp"

namespace crible::sim {

namespace {

using network::Network;
using network::Node;
using network::NodeId;

NodeId node_named(const Network& network, const std::vector<NodeId>& among, const std::string& name) {
  for (const NodeId id : among) {
    if (network.nodes[static_cast<std::size_t>(id)].name == name) return id;
  }
  return -1;
}

BoundPort bound(const hls::DataPort& port, NodeId node) {
  BoundPort result{port.port, node, port.width_bits, {}};
  for (const hls::Element& element : port.elements) {
    result.elements.push_back({element.offset_bits, element.width_bits, element.is_signed, 0});
  }
  return result;
}

/// The elements of a port in a file: all alike, or one entry for each.
std::vector<BoundElement> read_elements(const yaml::Value& value, const Node& node) {
  const std::size_t count = network::element_count(node.shape);
  std::vector<BoundElement> elements;
  int offset = 0;
  const auto read = [&](const yaml::Value& entry) {
    entry.expect_keys({"width", "signed", "shift", "offset", "align"});
    BoundElement element;
    element.width_bits = static_cast<int>(entry.at("width").integer(0, 64));
    element.is_signed = entry.has("signed") ? entry.at("signed").boolean() : node.type.is_signed;
    element.shift = entry.has("shift") ? static_cast<int>(entry.at("shift").integer(0, 63)) : 0;
    if (entry.has("offset")) offset = static_cast<int>(entry.at("offset").integer(0, 1 << 24));
    element.offset_bits = offset;
    const int align = entry.has("align") ? static_cast<int>(entry.at("align").integer(1, 4096)) : 1;
    offset += (element.width_bits + align - 1) / align * align;
    elements.push_back(element);
  };
  if (value.is_map()) {
    for (std::size_t i = 0; i < count; ++i) read(value);
    return elements;
  }
  for (const yaml::Value& entry : value.items()) read(entry);
  if (elements.size() != count) {
    throw value.error("it has " + std::to_string(elements.size()) + " entries, but '" + node.name + "' has " +
                      std::to_string(count) + " elements");
  }
  return elements;
}

std::vector<BoundPort> read_ports(const Network& network, const yaml::Value& list, bool inputs) {
  const std::vector<NodeId> nodes = inputs ? network::inputs_of(network) : network::outputs_of(network);
  const char* key = inputs ? "input" : "output";
  std::vector<BoundPort> ports;
  std::vector<NodeId> bound_nodes;
  for (const yaml::Value& entry : list.items()) {
    entry.expect_keys({"port", key, "elements"});
    BoundPort port;
    port.port = entry.at("port").text();
    const std::string& name = entry.at(key).text();
    port.node = node_named(network, nodes, name);
    if (port.node < 0)
      throw entry.at(key).error("the network has no " + std::string(key) + " '" + name + "'");
    const Node& node = network.nodes[static_cast<std::size_t>(port.node)];
    if (const auto elements = entry.find("elements")) {
      port.elements = read_elements(*elements, node);
    } else {
      for (std::size_t i = 0; i < network::element_count(node.shape); ++i) {
        port.elements.push_back(
            {static_cast<int>(i) * node.type.width, node.type.width, node.type.is_signed, 0});
      }
    }
    for (const BoundElement& element : port.elements) {
      port.width_bits = std::max(port.width_bits, element.offset_bits + element.width_bits);
    }
    bound_nodes.push_back(port.node);
    ports.push_back(std::move(port));
  }
  for (const NodeId node : nodes) {
    if (std::find(bound_nodes.begin(), bound_nodes.end(), node) != bound_nodes.end()) continue;
    throw list.error("no port is bound to " + std::string(key) + " '" +
                     network.nodes[static_cast<std::size_t>(node)].name + "'");
  }
  return ports;
}

}  // namespace

Binding bind_firmware(const Network& network, const hls::Firmware& firmware,
                      const std::filesystem::path& directory) {
  Binding binding;
  binding.top = firmware.top;
  binding.folder = directory;
  for (const std::string& source : firmware.sources)
    binding.sources.push_back(std::filesystem::absolute(directory) / source);
  const std::vector<NodeId> inputs = network::inputs_of(network);
  const std::vector<NodeId> outputs = network::outputs_of(network);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    binding.inputs.push_back(bound(firmware.inputs[i], inputs[i]));
  for (std::size_t i = 0; i < outputs.size(); ++i)
    binding.outputs.push_back(bound(firmware.outputs[i], outputs[i]));
  binding.clock = firmware.control.clock;
  binding.reset = firmware.control.reset;
  binding.valid_in = firmware.control.valid_in;
  binding.valid_out = firmware.control.valid_out;
  binding.tag_in = firmware.control.tag_in;
  binding.tag_out = firmware.control.tag_out;
  binding.tag_bits = firmware.control.tag_bits;
  binding.latency_cycles = firmware.latency_cycles;
  binding.initiation_interval = firmware.initiation_interval;
  binding.probes = firmware.probes;
  if (!firmware.saturation_counters.empty()) binding.constants[firmware.counters.address] = 0;
  return binding;
}

Binding read_binding(const Network& network, const std::filesystem::path& file, const std::string& top,
                     const std::vector<std::filesystem::path>& sources) {
  const yaml::Value root = yaml::load(file);
  root.expect_keys({"inputs", "outputs", "clock", "reset", "reset_active_low", "valid_in", "valid_out",
                    "constants", "latency", "initiation_interval"});
  Binding binding;
  binding.top = top;
  for (const auto& source : sources) {
    if (!std::filesystem::exists(source))
      throw Error("There is no file " + source.string() + ", given with --rtl.");
    binding.sources.push_back(std::filesystem::absolute(source));
  }
  if (!sources.empty()) binding.folder = binding.sources[0].parent_path();
  binding.inputs = read_ports(network, root.at("inputs"), true);
  binding.outputs = read_ports(network, root.at("outputs"), false);
  const auto text = [&root](const char* key) {
    const auto value = root.find(key);
    return value ? value->text() : std::string();
  };
  binding.clock = text("clock");
  binding.reset = text("reset");
  binding.valid_in = text("valid_in");
  binding.valid_out = text("valid_out");
  if (const auto value = root.find("reset_active_low")) binding.reset_active_low = value->boolean();
  if (const auto value = root.find("latency"))
    binding.latency_cycles = static_cast<int>(value->integer(0, 1 << 20));
  if (const auto value = root.find("initiation_interval")) {
    binding.initiation_interval = static_cast<int>(value->integer(1, 1 << 20));
  }
  if (binding.latency_cycles > 0 && binding.clock.empty()) {
    throw root.error("a module with a latency needs a clock: name its port with 'clock'");
  }
  if (const auto constants = root.find("constants")) {
    for (const std::string& name : constants->keys()) {
      binding.constants[name] = constants->at(name).integer(0, (1LL << 62));
    }
  }
  return binding;
}

}  // namespace crible::sim
