#include "hls/verilog.hpp"

#include <algorithm>
#include <set>

#include "hls/extra_ports.hpp"
#include "hls/names.hpp"
#include "hls/text.hpp"
#include "hls/verilog_expression.hpp"

namespace crible::hls {

namespace {

using network::Node;

std::string type_text(Interval range) {
  return (is_signed(range) ? "signed " : "") + range_text(width_bits(range));
}

/// The hull of an output's elements in the output's signedness: what its port shows of each element.
Element output_element(const Graph& graph, const std::vector<WordId>& words, network::Type type) {
  Interval hull = graph.word(words.front()).range;
  for (const WordId word : words) {
    hull.low = std::min(hull.low, graph.word(word).range.low);
    hull.high = std::max(hull.high, graph.word(word).range.high);
  }
  const int sign_bit = type.is_signed && !is_signed(hull) ? 1 : 0;
  return {0, std::min(width_bits(hull) + sign_bit, type.width), type.is_signed};
}

DataPort make_port(const std::string& port, const Node& node, Element element) {
  DataPort result{port, node.name, node.type, node.shape, 0, {}};
  for (std::size_t i = 0; i < network::element_count(node.shape); ++i) {
    element.offset_bits = result.width_bits;
    result.elements.push_back(element);
    result.width_bits += element.width_bits;
  }
  return result;
}

class Module {
 public:
  Module(const network::Network& network, const Arithmetic& arithmetic, const Pipeline& pipeline,
         Firmware& firmware)
      : network_(network),
        arithmetic_(arithmetic),
        graph_(arithmetic.graph),
        pipeline_(pipeline),
        firmware_(firmware),
        signals_(arithmetic.graph, pipeline) {}

  std::string text() {
    make_ports();
    name_words();
    words_of_.resize(network_.nodes.size());
    for (std::size_t i = 0; i < graph_.words().size(); ++i)
      words_of_[static_cast<std::size_t>(arithmetic_.owners[i])].push_back(static_cast<WordId>(i));
    std::string sections;
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) sections += section(i);
    sections += outputs();
    add_probes();
    const std::string counters = firmware_.saturation_counters.empty() ? "" : saturation_counters();
    return header() + tables() + control() + sections + counters + unused() + "endmodule\n";
  }

 private:
  void make_ports() {
    const ControlPorts& control = firmware_.control;
    for (const std::string& port :
         {control.clock, control.reset, control.valid_in, control.valid_out, control.tag_in, control.tag_out,
          std::string("valid_pipe"), std::string("tag_pipe"), std::string("unused"),
          std::string("counter_read")})
      names_.unique(port);
    for (const network::NodeId id : arithmetic_.saturated_nodes)
      firmware_.saturation_counters.push_back(network_.nodes[static_cast<std::size_t>(id)].name);
    if (!firmware_.saturation_counters.empty()) {
      for (const std::string& name : {firmware_.counters.address, firmware_.counters.data})
        names_.unique(name);
      for (std::size_t i = 0; i <= firmware_.saturation_counters.size(); ++i) names_.unique(counter_name(i));
    }
    for (const network::NodeId id : inputs_of(network_)) {
      const Node& node = network_.nodes[static_cast<std::size_t>(id)];
      firmware_.inputs.push_back(
          make_port(names_.unique("in_" + node.name), node, {0, node.type.width, node.type.is_signed}));
    }
    std::size_t next = 0;
    for (const network::NodeId id : outputs_of(network_)) {
      const Node& node = network_.nodes[static_cast<std::size_t>(id)];
      firmware_.outputs.push_back(make_port(names_.unique("out_" + node.name), node,
                                            output_element(graph_, arithmetic_.outputs[next++], node.type)));
    }
  }

  /// Elements of a node are called node_0, node_1, ...; what was made on the way to them node_t0, node_t1,
  /// ...
  void name_words() {
    std::vector<std::string> names(graph_.words().size());
    std::vector<std::string> nodes;
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
      nodes.push_back(identifier(network_.nodes[i].name));
      const std::vector<WordId>& elements = arithmetic_.nodes[i];
      for (std::size_t e = 0; e < elements.size(); ++e) {
        if (elements[e] == no_word) continue;
        const auto word = static_cast<std::size_t>(elements[e]);
        if (names[word].empty() && pipeline_.is_live(elements[e]))
          names[word] = names_.unique(nodes[i] + "_" + std::to_string(e));
      }
    }
    std::vector<int> temporaries(network_.nodes.size());
    for (std::size_t word = 0; word < names.size(); ++word) {
      const auto owner = static_cast<std::size_t>(arithmetic_.owners[word]);
      if (names[word].empty() && pipeline_.is_live(static_cast<WordId>(word)))
        names[word] = names_.unique(nodes[owner] + "_t" + std::to_string(temporaries[owner]++));
    }
    signals_.set_names(std::move(names));
    std::vector<std::string> table_names;
    for (std::size_t i = 0; i < graph_.tables().size(); ++i)
      table_names.push_back(names_.unique("table_" + std::to_string(i)));
    signals_.set_table_names(std::move(table_names));
  }

  std::string header() const {
    const ControlPorts& c = firmware_.control;
    std::string text = "// " + firmware_.top + ": the network '" + network_.name + "'\n";
    text += "// content hash " + firmware_.network_hash + "\n";
    text += "// latency " + std::to_string(pipeline_.stages) + " cycles, initiation interval 1\n";
    text += "// Generated by crible; firmware.json beside it describes the ports.\n\n";
    text += "module " + firmware_.top + " (\n";
    text += "  input  wire " + c.clock + ",\n  input  wire " + c.reset + ",\n  input  wire " + c.valid_in +
            ",\n  input  wire " + range_text(c.tag_bits) + c.tag_in + ",\n";
    for (const DataPort& port : firmware_.inputs)
      text += "  input  wire " + range_text(port.width_bits) + port.port + ",\n";
    for (const DataPort& port : firmware_.outputs)
      text += "  output wire " + range_text(port.width_bits) + port.port + ",\n";
    for (const ExtraPort& port : extra_ports(firmware_))
      text += (port.is_input ? "  input  wire " : "  output wire ") + range_text(port.width_bits) +
              port.name + ",\n";
    text += "  output wire " + c.valid_out + ",\n  output wire " + range_text(c.tag_bits) + c.tag_out +
            "\n);\n\n";
    return text;
  }

  static std::string counter_name(std::size_t i) { return "events_" + std::to_string(i); }

  /// One counter for all events and one for each node that can saturate, beside the outputs.
  std::string saturation_counters() {
    const ControlPorts& c = firmware_.control;
    const std::vector<WordId>& bits = arithmetic_.outputs.back();
    const std::string zero = std::to_string(counter_bits) + "'d0";
    const std::string one = std::to_string(counter_bits) + "'d1";
    std::string declarations;
    std::string cleared;
    std::string counted;
    std::string read;
    for (std::size_t i = 0; i <= bits.size(); ++i) {
      const std::string name = counter_name(i);
      declarations +=
          "  logic " + range_text(counter_bits) + name + ";  // " +
          (i == 0 ? "all" : "those in which '" + firmware_.saturation_counters[i - 1] + "' saturated") + "\n";
      cleared += "      " + name + " <= " + zero + ";\n";
      const std::string hit = i == 0 ? "" : signals_.operand(bits[i - 1], pipeline_.stages, 1) + " && ";
      counted += "      if (" + hit + "!(&" + name + ")) " + name + " <= " + name + " + " + one + ";\n";
      read += "      " + literal(static_cast<std::int64_t>(i), counter_address_bits) +
              ": counter_read <= " + name + ";\n";
    }
    return "  // counters of events\n" + declarations + "  logic " + range_text(counter_bits) +
           "counter_read;\n  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.reset + ") begin\n" +
           cleared + "    end else if (" + c.valid_out + ") begin\n" + counted + "    end\n    case (" +
           firmware_.counters.address + ")\n" + read + "      default: counter_read <= " + zero +
           ";\n    endcase\n  end\n  assign " + firmware_.counters.data + " = counter_read;\n\n";
  }

  /// valid and the tag walk beside the data; only valid has a reset.
  std::string control() const {
    const ControlPorts& c = firmware_.control;
    const int stages = pipeline_.stages;
    const int bits = stages * c.tag_bits;
    const auto step = [&](int width, const std::string& pipe, const std::string& in, int one) {
      if (stages == 1) return pipe + " <= " + in + ";\n";
      return pipe + " <= {" + pipe + "[" + std::to_string(width - one - 1) + ":0], " + in + "};\n";
    };
    const auto last = [&](const std::string& pipe, int width, int one) {
      if (stages == 1) return pipe;
      const std::string top = std::to_string(width - 1);
      return one == 1 ? pipe + "[" + top + "]" : pipe + "[" + top + ":" + std::to_string(width - one) + "]";
    };
    std::string text = "  // valid and tag, beside the data\n";
    text += "  logic " + range_text(stages) + "valid_pipe;\n";
    text += "  logic " + range_text(bits) + "tag_pipe;\n";
    text += "  always_ff @(posedge " + c.clock + ") begin\n";
    text += "    if (" + c.reset + ") valid_pipe <= " + std::to_string(stages) + "'d0;\n";
    text += "    else " + step(stages, "valid_pipe", c.valid_in, 1);
    text += "    " + step(bits, "tag_pipe", c.tag_in, c.tag_bits) + "  end\n";
    text += "  assign " + c.valid_out + " = " + last("valid_pipe", stages, 1) + ";\n";
    text += "  assign " + c.tag_out + " = " + last("tag_pipe", bits, c.tag_bits) + ";\n\n";
    return text;
  }

  std::string tables() const {
    std::string text;
    std::vector<bool> done(graph_.tables().size());
    for (std::size_t i = 0; i < graph_.words().size(); ++i) {
      const Word& word = graph_.words()[i];
      if (word.op != WordOp::table || !pipeline_.is_live(static_cast<WordId>(i))) continue;
      const auto number = static_cast<std::size_t>(word.shift_b);
      if (done[number]) continue;
      done[number] = true;
      text += signals_.table_function(word);
    }
    return text;
  }

  std::string section(std::size_t index) {
    std::string declarations;
    std::string registers;
    for (const WordId word : words_of_[index]) add_word(word, declarations, registers);
    const Node& node = network_.nodes[index];
    std::string text = "  // " + node.name + ": " + keyword(node.operation) + " " +
                       network::to_string(node.type) + " " + network::to_string(node.shape) + "\n" +
                       declarations;
    return text + clocked(registers) + "\n";
  }

  /// Registers, a line each, in blocks of a few: Yosys' time grows with the square of a block's length.
  std::string clocked(const std::string& registers) const {
    constexpr int most_in_block = 64;
    std::string text;
    int in_block = 0;
    for (std::size_t start = 0; start < registers.size();) {
      const std::size_t end = registers.find('\n', start) + 1;
      if (in_block == 0) text += "  always_ff @(posedge " + firmware_.control.clock + ") begin\n";
      text.append(registers, start, end - start);
      start = end;
      in_block = start == registers.size() ? 0 : (in_block + 1) % most_in_block;
      if (in_block == 0) text += "  end\n";
    }
    return text;
  }

  void add_word(WordId id, std::string& declarations, std::string& registers) {
    const Word& word = graph_.word(id);
    if (!pipeline_.is_live(id) || word.op == WordOp::constant) return;
    const std::string type = type_text(word.range);
    declarations += "  wire " + type + signals_.name(id, 0) + " = " + source(word, id) + ";\n";
    const int count = pipeline_.registers(id);
    if (count == 0) return;
    declarations += "  logic " + type;
    for (int k = 1; k <= count; ++k) {
      declarations += (k == 1 ? "" : ", ") + signals_.name(id, k);
      registers += "    " + signals_.name(id, k) + " <= " + signals_.name(id, k - 1) + ";\n";
      signals_.use_all(id, k - 1);
    }
    declarations += ";\n";
  }

  std::string source(const Word& word, WordId id) {
    if (word.op != WordOp::input) return signals_.expression(id);
    const DataPort& port = firmware_.inputs[static_cast<std::size_t>(word.shift_a)];
    const Element& element = port.elements[static_cast<std::size_t>(word.shift_b)];
    used_inputs_.insert({word.shift_a, word.shift_b});
    if (port.width_bits == 1) return port.port;
    const std::string top = std::to_string(element.offset_bits + element.width_bits - 1);
    if (element.width_bits == 1) return port.port + "[" + top + "]";
    return port.port + "[" + top + ":" + std::to_string(element.offset_bits) + "]";
  }

  std::string outputs() {
    std::string text = "  // outputs, element 0 lowest\n";
    for (std::size_t o = 0; o < firmware_.outputs.size(); ++o) {
      const DataPort& port = firmware_.outputs[o];
      text += "  assign " + port.port + " = {";
      for (std::size_t e = port.elements.size(); e-- > 0;) {
        text += signals_.operand(arithmetic_.outputs[o][e], pipeline_.stages, port.elements[e].width_bits);
        text += e == 0 ? "};\n" : ",\n    ";
      }
    }
    return text + "\n";
  }

  /// Names every bit that nothing reads, so that a linter finds only what was not meant.
  std::string unused() {
    std::vector<std::string> bits = signals_.unused_bits();
    for (std::size_t p = 0; p < firmware_.inputs.size(); ++p) {
      const DataPort& port = firmware_.inputs[p];
      for (std::size_t e = 0; e < port.elements.size(); ++e) {
        if (used_inputs_.contains({static_cast<int>(p), static_cast<int>(e)})) continue;
        const Element& element = port.elements[e];
        bits.push_back(port.width_bits == 1
                           ? port.port
                           : port.port + "[" + std::to_string(element.offset_bits + element.width_bits - 1) +
                                 ":" + std::to_string(element.offset_bits) + "]");
      }
    }
    if (bits.empty()) return {};
    std::string text = "  // bits that are computed on the way and not needed\n  wire unused = &{1'b0";
    for (const std::string& bit : bits) text += ",\n    " + bit;
    return text + "};\n\n";
  }

  void add_probes() {
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
      for (std::size_t e = 0; e < arithmetic_.nodes[i].size(); ++e) {
        const WordId id = arithmetic_.nodes[i][e];
        if (id == no_word || !pipeline_.is_live(id) || graph_.is_constant(id)) continue;
        const Interval range = graph_.word(id).range;
        firmware_.probes.push_back({network_.nodes[i].name, static_cast<int>(e), signals_.name(id, 0),
                                    width_bits(range), is_signed(range),
                                    pipeline_.stage[static_cast<std::size_t>(id)]});
      }
    }
  }

  const network::Network& network_;
  const Arithmetic& arithmetic_;
  const Graph& graph_;
  const Pipeline& pipeline_;
  Firmware& firmware_;
  Names names_;
  Signals signals_;
  std::set<std::pair<int, int>> used_inputs_;
  std::vector<std::vector<WordId>> words_of_;  // [network node]
};

}  // namespace

std::string emit_verilog(const network::Network& network, const Arithmetic& arithmetic,
                         const Pipeline& pipeline, Firmware& firmware) {
  return Module(network, arithmetic, pipeline, firmware).text();
}

}  // namespace crible::hls
