#include "tools/network_file.hpp"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/network/cost.hpp"
#include "engine/network/text.hpp"

namespace crible::tools {

namespace {

using network::Network;
using network::Node;
using nlohmann::ordered_json;

/// "NAME=VALUE" or "VALUE".
std::pair<std::string, std::string> name_and_value(const std::string& text) {
  const auto equals = text.rfind('=');
  if (equals == std::string::npos) return {"", text};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

double parse_number(const std::string& text, const std::string& whole) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
    used = 0;
  }
  if (used == 0 || used != text.size() || !(value > 0) || !std::isfinite(value))
    throw Error("--input-step " + whole + ": not a positive number or a quotient of two, as in 1/255");
  return value;
}

std::pair<double, double> parse_step(const std::string& text, const std::string& whole) {
  const auto slash = text.find('/');
  if (slash == std::string::npos) return {parse_number(text, whole), 1.0};
  return {parse_number(text.substr(0, slash), whole), parse_number(text.substr(slash + 1), whole)};
}

ordered_json describe_end(const Node& node, const network::Encoding& encoding) {
  ordered_json end{{"name", node.name}, {"type", network::to_string(node.type)}, {"shape", node.shape}};
  if (!encoding.edges.empty()) {
    end["encoding"] = "rank";
    return end;
  }
  end["scale"] = encoding.scale;
  end["zero_point"] = encoding.zero_point;
  if (encoding.offset != 0) end["offset"] = encoding.offset;
  return end;
}

const Node& node_of(const Network& network, network::NodeId id) {
  return network.nodes[static_cast<std::size_t>(id)];
}

void print_end(const char* what, const Node& node, const network::Encoding& encoding) {
  std::printf("%-11s %s : %s %s, %s\n", what, node.name.c_str(), network::to_string(node.type).c_str(),
              to_string(node.shape).c_str(), to_string(encoding).c_str());
}

}  // namespace

importers::ImportOptions import_options(const std::vector<std::string>& input_types,
                                        const std::vector<std::string>& input_steps,
                                        const std::string& score_type) {
  importers::ImportOptions options;
  for (const std::string& text : input_types) {
    const auto [name, type] = name_and_value(text);
    options.input_types[name].type = network::parse_type(type);
  }
  for (const std::string& text : input_steps) {
    const auto [name, step] = name_and_value(text);
    const auto found = options.input_types.find(name);
    if (found == options.input_types.end())
      throw Error("--input-step " + text + ": give the type of this input, too, as in --input-type u8.0");
    found->second.step = parse_step(step, text);
  }
  if (!score_type.empty()) options.score_type = network::parse_type(score_type);
  return options;
}

std::string to_string(const network::Shape& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string to_string(const network::Encoding& encoding) {
  if (!encoding.edges.empty()) return "by rank among the thresholds";
  int exponent = 0;
  char text[64];
  if (std::frexp(encoding.scale, &exponent) == 0.5) {
    std::snprintf(text, sizeof text, "scale 2^%d", exponent - 1);
  } else {
    std::snprintf(text, sizeof text, "scale %.9g", encoding.scale);
  }
  std::string result = text;
  if (encoding.zero_point != 0) result += ", zero point " + std::to_string(encoding.zero_point);
  if (encoding.offset != 0) {
    std::snprintf(text, sizeof text, ", offset %.9g", encoding.offset);
    result += text;
  }
  return result;
}

ordered_json describe(const Network& network) {
  ordered_json inputs = ordered_json::array();
  ordered_json outputs = ordered_json::array();
  for (const auto id : network::inputs_of(network))
    inputs.push_back(describe_end(node_of(network, id),
                                  std::get<network::Input>(node_of(network, id).operation).encoding));
  for (const auto id : network::outputs_of(network))
    outputs.push_back(describe_end(node_of(network, id),
                                   std::get<network::Output>(node_of(network, id).operation).encoding));
  const network::Cost cost = network::cost(network);
  return {{"name", network.name},
          {"hash", network::content_hash(network)},
          {"inputs", inputs},
          {"outputs", outputs},
          {"nodes", network.nodes.size()},
          {"parameters", cost.parameters},
          {"multiply_accumulates", cost.multiply_accumulates},
          {"operations", cost.operations}};
}

ordered_json describe(const importers::Report& report) {
  const importers::Exactness& exactness = report.exactness;
  return {
      {"format", report.format},
      {"producer", report.producer},
      {"exact", true},
      {"quantizers",
       {{"shifts", exactness.shifts}, {"multipliers", exactness.multipliers}, {"tables", exactness.tables}}},
      {"steps_proven", exactness.steps},
      {"near_edges", exactness.near_edges},
      {"notes", report.notes}};
}

void print_summary(const Network& network) {
  std::printf("%-11s %s\n", "network", network.name.c_str());
  for (const auto id : network::inputs_of(network))
    print_end("input", node_of(network, id),
              std::get<network::Input>(node_of(network, id).operation).encoding);
  for (const auto id : network::outputs_of(network))
    print_end("output", node_of(network, id),
              std::get<network::Output>(node_of(network, id).operation).encoding);
  const network::Cost cost = network::cost(network);
  std::printf("%-11s %zu nodes, %llu parameters, %llu multiply-accumulates and %llu operations an event\n",
              "cost", network.nodes.size(), static_cast<unsigned long long>(cost.parameters),
              static_cast<unsigned long long>(cost.multiply_accumulates),
              static_cast<unsigned long long>(cost.operations));
  std::printf("%-11s %s\n", "hash", network::content_hash(network).c_str());
}

void print_report(const importers::Report& report) {
  std::printf("%-11s %s%s%s\n", "format", report.format.c_str(),
              report.producer.empty() ? "" : ", written by ", report.producer.c_str());
  const importers::Exactness& exactness = report.exactness;
  std::printf(
      "%-11s %zu quantizers are shifts; %zu are multipliers, proven equal at all of their %zu steps; %zu are "
      "threshold tables\n",
      "exact", exactness.shifts, exactness.multipliers, exactness.steps, exactness.tables);
  if (exactness.near_edges > 0)
    std::printf(
        "%-11s %zu sums lie so close to a rounding edge that a float32 runtime may give the neighbour\n", "",
        exactness.near_edges);
  for (const std::string& note : report.notes) std::printf("%-11s %s\n", "note", note.c_str());
}

}  // namespace crible::tools
