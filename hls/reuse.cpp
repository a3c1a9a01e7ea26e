#include "hls/reuse.hpp"

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"
#include "hls/names.hpp"
#include "hls/parts.hpp"
#include "hls/text.hpp"

namespace crible::hls {

using namespace network;

namespace {

/// The nodes between two shared ones; `begin` is -1 before the first, `end` the number of nodes after the
/// last.
Network between(const Network& network, const Ranges& ranges, NodeId begin, NodeId end) {
  PartCopy part(network, network.name + " after " + std::to_string(begin));
  if (begin >= 0) {
    // What comes in is as narrow as the proof allows; a clamp that changes nothing gives it its type back.
    const Node& node = network.nodes[static_cast<std::size_t>(begin)];
    const Interval range = hull(ranges[static_cast<std::size_t>(begin)]);
    part.put(begin,
             {node.name + " shared", Input{}, {}, smallest_type(range, node.type.fraction), node.shape});
    part.put(begin, {node.name, Clamp{range.low, range.high}, {0}, node.type, node.shape});
  }
  for (NodeId id = begin + 1; id < end; ++id) {
    for (const NodeId input : network.nodes[static_cast<std::size_t>(id)].inputs)
      if (!part.has(input)) part.add(input);
    part.add(id);
  }
  if (end < static_cast<NodeId>(network.nodes.size())) {
    const NodeId read = network.nodes[static_cast<std::size_t>(end)].inputs.front();
    if (!part.has(read)) part.add(read);
    part.add_output(read, "to " + network.nodes[static_cast<std::size_t>(end)].name);
  }
  return part.finish();
}

/// The modules one after the other.
std::string chain_text(const std::vector<Firmware>& parts, const Firmware& top) {
  const ControlPorts& c = top.control;
  std::string text =
      module_header(top, "multipliers shared over " + number(top.initiation_interval) + " cycles");
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Firmware& part = parts[i];
    const std::string own = "part_" + std::to_string(i);
    const std::string before = i == 0 ? "" : "part_" + std::to_string(i - 1);
    const bool first = i == 0;
    const bool last = i + 1 == parts.size();
    if (!last) {
      text += "  wire " + own + "_valid;\n  wire " + range_text(c.tag_bits) + own + "_tag;\n  wire " +
              range_text(part.outputs.front().width_bits) + own + "_value;\n";
    }
    text += "  " + part.top + " " + own + " (\n    .clk(" + c.clock + "), .rst(" + c.reset +
            "),\n    .valid_in(" + (first ? c.valid_in : before + "_valid") + "), .tag_in(" +
            (first ? c.tag_in : before + "_tag") + "),\n";
    for (std::size_t k = 0; k < part.inputs.size(); ++k) {
      const std::string value =
          first ? top.inputs[k].port
                : repacked(before + "_value", parts[i - 1].outputs.front(), 0, part.inputs[k]);
      text += "    ." + part.inputs[k].port + "(" + value + "),\n";
    }
    for (std::size_t k = 0; k < part.outputs.size(); ++k)
      text += "    ." + part.outputs[k].port + "(" + (last ? top.outputs[k].port : own + "_value") + "),\n";
    text += "    .valid_out(" + (last ? c.valid_out : own + "_valid") + "), .tag_out(" +
            (last ? c.tag_out : own + "_tag") + ")\n  );\n\n";
  }
  return text + "endmodule\n";
}

std::string plan_text(const Network& network, const std::vector<SharedNode>& plan,
                      const std::vector<Firmware>& parts) {
  std::string text = "# shared node, steps, how, latency, multipliers, LUT estimate\n";
  for (std::size_t k = 0; k < plan.size(); ++k) {
    const Firmware& part = parts[2 * k + 1];
    text += network.nodes[static_cast<std::size_t>(plan[k].node)].name + ": " + number(plan[k].steps) +
            " steps, " +
            (plan[k].bias.empty() ? "some of its rows in each" : "some of its inputs in each, added up") +
            ", " + number(part.latency_cycles) + " cycles, " + number(part.resources.multipliers) + ", " +
            number(part.resources.lut_estimate) + "\n";
  }
  return text;
}

}  // namespace

Firmware generate_reuse(const Network& network, const Ranges& ranges, const Options& options) {
  const std::vector<SharedNode> plan = plan_reuse(network, ranges, options.reuse);
  if (plan.empty()) {
    throw Error("network '" + network.name +
                "' has no dense or conv node of at most 32 bits that everything " +
                "passes through and that has more than one row or input; there is nothing to reuse");
  }
  Options part = options;
  part.reuse = 1;
  part.links_file.clear();
  std::vector<Firmware> parts;
  NodeId begin = -1;
  for (std::size_t k = 0; k <= plan.size(); ++k) {
    const bool last = k == plan.size();
    const NodeId end = last ? static_cast<NodeId>(network.nodes.size()) : plan[k].node;
    part.top = options.top + "_part_" + std::to_string(k);
    parts.push_back(generate(between(network, ranges, begin, end), part));
    if (last) break;
    part.top = options.top + "_shared_" + std::to_string(k);
    if (options.tag_bits + count_bits_of(plan[k].steps) > most_tag_bits) {
      throw Error("a tag of " + std::to_string(options.tag_bits) +
                  " bits and the number of the step need more than " + std::to_string(most_tag_bits) +
                  " bits; give the tag fewer");
    }
    parts.push_back(shared_module(network, ranges, plan[k], part));
    begin = end;
  }
  Firmware top;
  top.top = options.top;
  top.network_name = network.name;
  top.network_hash = content_hash(network);
  top.control.tag_bits = options.tag_bits;
  top.inputs = parts.front().inputs;
  top.outputs = parts.back().outputs;
  top.initiation_interval = options.reuse;
  for (const Firmware& one : parts) {
    top.latency_cycles += one.latency_cycles;
    take_part(top, one);
  }
  top.sources.push_back("rtl/" + top.top + ".sv");
  top.files.push_back({top.sources.back(), chain_text(parts, top)});
  top.files.push_back({"steps/shared.txt", plan_text(network, plan, parts)});
  return top;
}

}  // namespace crible::hls
