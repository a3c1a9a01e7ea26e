#include "hls/manifest.hpp"

#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"

namespace crible::hls {

namespace {

using nlohmann::ordered_json;

constexpr int manifest_version = 1;

ordered_json to_json(const DataPort& port) {
  ordered_json elements = ordered_json::array();
  for (const Element& element : port.elements)
    elements.push_back({element.offset_bits, element.width_bits, element.is_signed});
  return {{"port", port.port},
          {"node", port.node},
          {"type", to_string(port.type)},
          {"shape", port.shape},
          {"width_bits", port.width_bits},
          {"elements", elements}};
}

ordered_json to_json(const std::vector<DataPort>& ports) {
  ordered_json list = ordered_json::array();
  for (const DataPort& port : ports) list.push_back(to_json(port));
  return list;
}

DataPort parse_port(const ordered_json& json) {
  DataPort port;
  port.port = json.at("port").get<std::string>();
  port.node = json.at("node").get<std::string>();
  port.type = network::parse_type(json.at("type").get<std::string>());
  port.shape = json.at("shape").get<network::Shape>();
  port.width_bits = json.at("width_bits").get<int>();
  for (const ordered_json& element : json.at("elements"))
    port.elements.push_back({element.at(0).get<int>(), element.at(1).get<int>(), element.at(2).get<bool>()});
  return port;
}

std::vector<DataPort> parse_ports(const ordered_json& json) {
  std::vector<DataPort> ports;
  for (const ordered_json& port : json) ports.push_back(parse_port(port));
  return ports;
}

ordered_json to_json(const ControlPorts& control) {
  return {{"clock", control.clock},         {"reset", control.reset},   {"valid_in", control.valid_in},
          {"valid_out", control.valid_out}, {"tag_in", control.tag_in}, {"tag_out", control.tag_out},
          {"tag_bits", control.tag_bits}};
}

ControlPorts parse_control(const ordered_json& json) {
  ControlPorts control;
  control.clock = json.at("clock").get<std::string>();
  control.reset = json.at("reset").get<std::string>();
  control.valid_in = json.at("valid_in").get<std::string>();
  control.valid_out = json.at("valid_out").get<std::string>();
  control.tag_in = json.at("tag_in").get<std::string>();
  control.tag_out = json.at("tag_out").get<std::string>();
  control.tag_bits = json.at("tag_bits").get<int>();
  return control;
}

ordered_json to_json(const Probe& probe) {
  return {probe.node, probe.element, probe.signal, probe.width_bits, probe.is_signed, probe.cycle};
}

Probe parse_probe(const ordered_json& json) {
  return {json.at(0).get<std::string>(), json.at(1).get<int>(),  json.at(2).get<std::string>(),
          json.at(3).get<int>(),         json.at(4).get<bool>(), json.at(5).get<int>()};
}

}  // namespace

std::string to_manifest(const Firmware& firmware) {
  ordered_json json = {{"version", manifest_version},
                       {"top", firmware.top},
                       {"network", firmware.network_name},
                       {"network_hash", firmware.network_hash},
                       {"sources", firmware.sources},
                       {"control", to_json(firmware.control)},
                       {"inputs", to_json(firmware.inputs)},
                       {"outputs", to_json(firmware.outputs)},
                       {"latency_cycles", firmware.latency_cycles},
                       {"initiation_interval", firmware.initiation_interval},
                       {"adders", firmware.resources.adders},
                       {"constant_adders", firmware.resources.constant_adders},
                       {"adder_bits", firmware.resources.adder_bits},
                       {"multipliers", firmware.resources.multipliers},
                       {"lut_estimate", firmware.resources.lut_estimate},
                       {"flip_flops", firmware.resources.flip_flops}};
  if (!firmware.saturation_counters.empty()) json["saturation_counters"] = firmware.saturation_counters;
  ordered_json probes = ordered_json::array();
  for (const Probe& probe : firmware.probes) probes.push_back(to_json(probe));
  json["probes"] = probes;

  // One line for each key and for each entry of the long lists: readable, and a change shows in a diff.
  std::string text = "{\n";
  for (auto item = json.begin(); item != json.end(); ++item) {
    if (item != json.begin()) text += ",\n";
    text += "  " + ordered_json(item.key()).dump() + ": ";
    const bool lines = item->is_array() && !item->empty() && !item->front().is_string();
    if (!lines) {
      text += item->dump();
      continue;
    }
    text += "[";
    for (std::size_t i = 0; i < item->size(); ++i)
      text += (i == 0 ? "\n    " : ",\n    ") + (*item)[i].dump();
    text += "\n  ]";
  }
  return text + "\n}\n";
}

Firmware parse_manifest(const std::string& text, const std::string& source) {
  try {
    const ordered_json json = ordered_json::parse(text);
    if (const int version = json.at("version").get<int>(); version != manifest_version) {
      throw Error(source + ": version " + std::to_string(version) + " of firmware.json, known is " +
                  std::to_string(manifest_version) + "; generate the project again");
    }
    Firmware firmware;
    firmware.top = json.at("top").get<std::string>();
    firmware.network_name = json.at("network").get<std::string>();
    firmware.network_hash = json.at("network_hash").get<std::string>();
    firmware.sources = json.at("sources").get<std::vector<std::string>>();
    firmware.control = parse_control(json.at("control"));
    firmware.inputs = parse_ports(json.at("inputs"));
    firmware.outputs = parse_ports(json.at("outputs"));
    firmware.latency_cycles = json.at("latency_cycles").get<int>();
    firmware.initiation_interval = json.at("initiation_interval").get<int>();
    firmware.resources.adders = json.at("adders").get<long long>();
    firmware.resources.constant_adders = json.at("constant_adders").get<long long>();
    firmware.resources.adder_bits = json.at("adder_bits").get<long long>();
    firmware.resources.multipliers = json.at("multipliers").get<long long>();
    firmware.resources.lut_estimate = json.at("lut_estimate").get<long long>();
    firmware.resources.flip_flops = json.at("flip_flops").get<long long>();
    if (json.contains("saturation_counters"))
      firmware.saturation_counters = json["saturation_counters"].get<std::vector<std::string>>();
    for (const ordered_json& probe : json.at("probes")) firmware.probes.push_back(parse_probe(probe));
    return firmware;
  } catch (const nlohmann::json::exception& error) {
    throw Error(source + ": not a firmware.json of crible (" + error.what() +
                "); generate the project again");
  }
}

}  // namespace crible::hls
