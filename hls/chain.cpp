#include "hls/chain.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"
#include "hls/names.hpp"
#include "hls/parts.hpp"
#include "hls/reuse.hpp"
#include "hls/stream.hpp"
#include "hls/text.hpp"

namespace crible::hls {

using namespace network;

namespace {

/// The nodes between two sections: `begin` is the last node of the one before (-1: none), `end` the first of
/// the one after (the number of nodes: none).
Network between(const Network& network, const Ranges& ranges, NodeId begin, NodeId end) {
  const auto named = [&](NodeId id) { return network.nodes[static_cast<std::size_t>(id)].name; };
  PartCopy part(network, network.name + (begin < 0 ? " at first" : " after " + named(begin)));
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
  std::string text = module_header(top, "one event every " + number(top.initiation_interval) + " cycles");
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

/// Nodes that become one module of several cycles: streamed, or shared in steps.
struct Section {
  NodeId first = 0;
  NodeId last = 0;
  const StreamSection* stream = nullptr;
  const SharedNode* shared = nullptr;
};

/// The sections in the order of the network. What is streamed is not shared.
std::vector<Section> in_order(const std::vector<StreamSection>& streams,
                              const std::vector<SharedNode>& shared) {
  std::vector<Section> sections;
  for (const StreamSection& one : streams) sections.push_back({one.first, one.last, &one, nullptr});
  for (const SharedNode& one : shared) {
    const bool streamed = std::any_of(streams.begin(), streams.end(), [&](const StreamSection& stream) {
      return stream.first <= one.node && one.node <= stream.last;
    });
    if (!streamed) sections.push_back({one.node, one.node, nullptr, &one});
  }
  std::sort(sections.begin(), sections.end(),
            [](const Section& a, const Section& b) { return a.first < b.first; });
  return sections;
}

std::string nodes_of(const StreamSection& stream) {
  std::string names;
  for (const StreamStage& stage : stream.stages) names += (names.empty() ? "" : ", ") + stage.nodes;
  return names;
}

std::string plan_text(const Network& network, const std::vector<Section>& sections,
                      const std::vector<Firmware>& parts) {
  std::string text = "# nodes, how, cycles between events, latency, multipliers, LUT estimate\n";
  for (std::size_t k = 0; k < sections.size(); ++k) {
    const Firmware& part = parts[2 * k + 1];
    const SharedNode* shared = sections[k].shared;
    text += shared == nullptr ? nodes_of(*sections[k].stream) + ": pixel after pixel, "
                              : network.nodes[static_cast<std::size_t>(shared->node)].name +
                                    (shared->bias.empty() ? ": some of its rows in each step, "
                                                          : ": some of its inputs in each step, added up, ");
    text += number(part.initiation_interval) + ", " + number(part.latency_cycles) + ", " +
            number(part.resources.multipliers) + ", " + number(part.resources.lut_estimate) + "\n";
  }
  return text;
}

void check(const Network& network, const Options& options, const std::vector<Section>& sections) {
  if (sections.empty() && options.reuse > 1) {
    throw Error("network '" + network.name +
                "' has no dense or conv node of at most 32 bits that everything " +
                "passes through and that has more than one row or input; there is nothing to reuse");
  }
  if (sections.empty()) {
    throw Error("network '" + network.name +
                "' has no convolution or pooling over an image that everything passes through; there is " +
                "nothing to stream");
  }
  for (const Section& section : sections) {
    if (section.shared == nullptr || options.tag_bits + count_bits_of(section.shared->steps) <= most_tag_bits)
      continue;
    throw Error("a tag of " + std::to_string(options.tag_bits) +
                " bits and the number of the step need more than " + std::to_string(most_tag_bits) +
                " bits; give the tag fewer");
  }
}

Firmware section_module(const Network& network, const Ranges& ranges, const Section& section,
                        const Options& options) {
  return section.stream != nullptr ? stream_module(network, *section.stream, options)
                                   : shared_module(network, ranges, *section.shared, options);
}

}  // namespace

Firmware generate_chain(const Network& network, const Ranges& ranges, const Options& options) {
  std::vector<StreamSection> streams;
  std::vector<SharedNode> shared;
  if (options.stream_pixels > 0) streams = plan_stream(network, ranges, options.stream_pixels);
  if (options.reuse > 1) shared = plan_reuse(network, ranges, options.reuse);
  const std::vector<Section> sections = in_order(streams, shared);
  check(network, options, sections);
  Options part = options;
  part.reuse = 1;
  part.stream_pixels = 0;
  part.links_file.clear();
  std::vector<Firmware> parts;
  NodeId begin = -1;
  for (std::size_t k = 0; k <= sections.size(); ++k) {
    const bool last = k == sections.size();
    const NodeId end = last ? static_cast<NodeId>(network.nodes.size()) : sections[k].first;
    part.top = options.top + "_part_" + std::to_string(k);
    parts.push_back(generate(between(network, ranges, begin, end), part));
    if (last) break;
    part.top = options.top + (sections[k].stream != nullptr ? "_stream_" : "_shared_") + std::to_string(k);
    parts.push_back(section_module(network, ranges, sections[k], part));
    begin = sections[k].last;
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
    top.initiation_interval = std::max(top.initiation_interval, one.initiation_interval);
    take_part(top, one);
  }
  top.sources.push_back("rtl/" + top.top + ".sv");
  top.files.push_back({top.sources.back(), chain_text(parts, top)});
  top.files.push_back({"steps/sections.txt", plan_text(network, sections, parts)});
  return top;
}

}  // namespace crible::hls
