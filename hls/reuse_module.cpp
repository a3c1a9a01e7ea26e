#include "hls/parts.hpp"
#include "hls/resources.hpp"
#include "hls/reuse.hpp"
#include "hls/text.hpp"
#include "hls/verilog_expression.hpp"

namespace crible::hls {

namespace {

using network::Node;

/// A port of elements that are all alike.
DataPort port_of(const std::string& name, const Node& node, int width_bits, bool is_signed) {
  DataPort port{name, node.name, node.type, node.shape, 0, {}};
  for (std::size_t i = 0; i < network::element_count(node.shape); ++i) {
    port.elements.push_back({port.width_bits, width_bits, is_signed});
    port.width_bits += width_bits;
  }
  return port;
}

/// The text of the module around a step.
class SharedModule {
 public:
  SharedModule(const SharedNode& plan, const Firmware& step, const Firmware& top)
      : plan_(plan),
        step_(step),
        top_(top),
        in_(top.inputs.front()),
        out_(top.outputs.front()),
        width_(step.inputs.front().elements.front().width_bits),
        count_bits_(count_bits_of(plan.steps)),
        row_bits_(static_cast<int>(plan.row.size()) * width_) {
    for (const int place : plan.window) window_bits_ = std::max(window_bits_, (place + 1) * width_);
  }

  std::string text() const {
    return module_header(top_, "one node of it in " + number(plan_.steps) + " steps") + feed() + instance() +
           (plan_.bias.empty() ? collected() : added_up()) + unused() + "endmodule\n";
  }

 private:
  int advance_bits() const { return plan_.advance * width_; }
  int kept_bits() const { return row_bits_ - advance_bits(); }
  std::string count_literal(int value) const { return number(count_bits_) + "'d" + number(value); }
  const std::string& clock() const { return top_.control.clock; }

  /// The input's elements in a row, the first window lowest; what is to come is shifted down.
  std::string feed() const {
    const ControlPorts& c = top_.control;
    std::string text =
        "  // the elements in a row; each step looks at the lowest and the rest moves down\n  wire " +
        range_text(row_bits_) + "row = {";
    for (std::size_t place = plan_.row.size(); place-- > 0;) {
      const int element = plan_.row[place];
      if (element < 0) {
        text += literal(plan_.filler, width_);
      } else {
        const Element& own = in_.elements[static_cast<std::size_t>(element)];
        text += part_of(c_in(), in_.width_bits, own.offset_bits + own.width_bits - 1, own.offset_bits);
      }
      text += place == 0 ? "};\n" : place % 8 == 0 ? ",\n    " : ", ";
    }
    text += "  logic " + range_text(count_bits_) + "count;\n  wire go_on = count != " + count_literal(0) +
            ";\n  wire " + range_text(count_bits_) + "step = " + c.valid_in + " ? " + count_literal(0) +
            " : count;\n";
    text += "  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.reset +
            ") count <= " + count_literal(0) + ";\n    else if (" + c.valid_in +
            " | go_on) count <= step == " + count_literal(plan_.steps - 1) + " ? " + count_literal(0) +
            " : step + " + count_literal(1) + ";\n  end\n";
    text += "  logic " + range_text(kept_bits()) + "waiting;\n  logic " + range_text(c.tag_bits) +
            "event_tag;\n  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.valid_in +
            ") begin\n      waiting <= row[" + number(row_bits_ - 1) + ":" + number(advance_bits()) +
            "];\n      event_tag <= " + c.tag_in + ";\n    end else waiting <= waiting >> " +
            number(advance_bits()) + ";\n  end\n";
    return text + "  wire " + range_text(window_bits_) + "window = " + c.valid_in + " ? " +
           part_of("row", row_bits_, window_bits_ - 1, 0) + " : " +
           part_of("waiting", kept_bits(), window_bits_ - 1, 0) + ";\n\n";
  }

  const std::string& c_in() const { return in_.port; }

  std::string instance() const {
    const ControlPorts& c = top_.control;
    const int tag_bits = c.tag_bits + count_bits_;
    std::string text = "  wire step_valid;\n  wire " + range_text(tag_bits) + "step_tag;\n  wire " +
                       range_text(step_.outputs.front().width_bits) + "result;\n";
    text += "  " + step_.top + " part_step (\n    .clk(" + c.clock + "), .rst(" + c.reset +
            "),\n    .valid_in(" + c.valid_in + " | go_on),\n    .tag_in({" + c.valid_in + " ? " + c.tag_in +
            " : event_tag, step}),\n    ." + step_.inputs.front().port + "({";
    for (std::size_t e = plan_.window.size(); e-- > 0;) {
      const int low = plan_.window[e] * width_;
      text += part_of("window", window_bits_, low + width_ - 1, low) + (e == 0       ? "}),\n"
                                                                        : e % 8 == 0 ? ",\n      "
                                                                                     : ", ");
    }
    if (!plan_.bias.empty()) text += "    ." + step_.inputs[1].port + "(step),\n";
    text += "    ." + step_.outputs.front().port +
            "(result),\n    .valid_out(step_valid), .tag_out(step_tag)\n  );\n";
    text += "  wire " + range_text(count_bits_) +
            "step_done = " + part_of("step_tag", tag_bits, count_bits_ - 1, 0) +
            ";\n  wire last = step_valid & (step_done == " + count_literal(plan_.steps - 1) + ");\n";
    return text + "\n";
  }

  std::string tag_of_step() const {
    return part_of("step_tag", top_.control.tag_bits + count_bits_, top_.control.tag_bits + count_bits_ - 1,
                   count_bits_);
  }

  /// The results of all steps beside each other, those before the last in registers.
  std::string collected() const {
    const int bits = step_.outputs.front().width_bits;
    const int kept = (plan_.steps - 1) * bits;
    const int all = kept + bits;
    std::string text =
        "  // the results of the steps before, the first lowest\n  logic " + range_text(kept) +
        "kept;\n  always_ff @(posedge " + clock() + ") if (step_valid) kept <= " +
        (plan_.steps == 2 ? "result" : "{result, kept[" + number(kept - 1) + ":" + number(bits) + "]}") +
        ";\n  wire " + range_text(all) + "results = {result, kept};\n  assign " + out_.port + " = {";
    for (std::size_t e = plan_.results.size(); e-- > 0;) {
      const SharedNode::Place& place = plan_.results[e];
      const Element& own = step_.outputs.front().elements[static_cast<std::size_t>(place.element)];
      const int low = place.step * bits + own.offset_bits;
      text += part_of("results", all, low + own.width_bits - 1, low) + (e == 0       ? "};\n"
                                                                        : e % 8 == 0 ? ",\n    "
                                                                                     : ", ");
    }
    return text + "  assign " + top_.control.valid_out + " = last;\n  assign " + top_.control.tag_out +
           " = " + tag_of_step() + ";\n\n";
  }

  /// Sums over the steps, one register each.
  std::string added_up() const {
    const ControlPorts& c = top_.control;
    std::string declared;
    std::string added;
    std::string shown;
    for (std::size_t o = 0; o < plan_.bias.size(); ++o) {
      const int width = out_.elements[o].width_bits;
      const Element& own = step_.outputs.front().elements[o];
      const std::string part = part_of("result", step_.outputs.front().width_bits,
                                       own.offset_bits + own.width_bits - 1, own.offset_bits);
      const std::string sum = "sum_" + std::to_string(o);
      const std::string extended = own.is_signed ? "$signed(" + part + ")" : part;
      declared += "  logic " + range_text(width) + sum + ";\n";
      added += "    if (step_valid) " + sum + " <= (step_done == " + count_literal(0) + " ? " +
               literal(plan_.bias[o], width) + " : " + sum + ") + " + number(width) + "'(" + extended +
               ");\n";
      shown = sum + (shown.empty() ? "" : o % 8 == 0 ? ",\n    " : ", ") + shown;
    }
    return "  // the sums so far\n" + declared + "  logic done;\n  logic " + range_text(c.tag_bits) +
           "done_tag;\n  always_ff @(posedge " + c.clock + ") begin\n    done <= last & ~" + c.reset +
           ";\n    done_tag <= " + tag_of_step() + ";\n" + added + "  end\n  assign " + out_.port + " = {" +
           shown + "};\n  assign " + c.valid_out + " = done;\n  assign " + c.tag_out + " = done_tag;\n\n";
  }

  /// Steps may look beyond what there is, or leave out what a stride passes over.
  std::string unused() const {
    return std::string("  wire unused = &{1'b0, row, waiting, window, ") + in_.port +
           (plan_.bias.empty() ? ", results};\n\n" : ", result};\n\n");
  }

  const SharedNode& plan_;
  const Firmware& step_;
  const Firmware& top_;
  const DataPort& in_;
  const DataPort& out_;
  int width_ = 0;
  int count_bits_ = 1;
  int row_bits_ = 0;
  int window_bits_ = 0;
};

}  // namespace

Firmware shared_module(const network::Network& network, const network::Ranges& ranges, const SharedNode& plan,
                       const Options& options) {
  const Node& node = network.nodes[static_cast<std::size_t>(plan.node)];
  const Node& operand = network.nodes[static_cast<std::size_t>(node.inputs.front())];
  const int count_bits = count_bits_of(plan.steps);
  Options of_step = options;
  of_step.top = options.top + "_step";
  of_step.tag_bits += count_bits;
  const Firmware step = generate(plan.step, of_step);
  const Element& in = step.inputs.front().elements.front();
  const Element& out = step.outputs.front().elements.front();
  const Interval sums = network::hull(ranges[static_cast<std::size_t>(plan.node)]);

  Firmware top;
  top.top = options.top;
  top.network_name = network.name;
  top.network_hash = step.network_hash;
  top.control.tag_bits = options.tag_bits;
  top.inputs.push_back(port_of("in_x", operand, in.width_bits, in.is_signed));
  const bool adds = !plan.bias.empty();
  top.outputs.push_back(adds ? port_of("out_y", node, width_bits(sums), is_signed(sums))
                             : port_of("out_y", node, out.width_bits, out.is_signed));
  top.initiation_interval = plan.steps;
  top.latency_cycles = step.latency_cycles + plan.steps - (adds ? 0 : 1);
  take_part(top, step);
  const auto row_bits = static_cast<long long>(plan.row.size()) * in.width_bits;
  top.resources.flip_flops += row_bits - static_cast<long long>(plan.advance) * in.width_bits +
                              options.tag_bits + count_bits +
                              (adds ? top.outputs.front().width_bits + options.tag_bits + 1
                                    : (plan.steps - 1) * step.outputs.front().width_bits);
  if (adds) {
    top.resources.adders += static_cast<long long>(plan.bias.size());
    top.resources.adder_bits += top.outputs.front().width_bits;
    top.resources.lut_estimate += top.outputs.front().width_bits;
  }
  top.sources.push_back("rtl/" + top.top + ".sv");
  top.files.push_back({top.sources.back(), SharedModule(plan, step, top).text()});
  return top;
}

}  // namespace crible::hls
