#include <algorithm>

#include "hls/over_cycles.hpp"
#include "hls/parts.hpp"
#include "hls/resources.hpp"
#include "hls/reuse.hpp"
#include "hls/text.hpp"
#include "hls/verilog_expression.hpp"

namespace crible::hls {

namespace {

using network::Node;

/// What goes into a step, laid out as the module's input is.
RowFeed feed_of(const SharedNode& plan, int width_bits) {
  const int window = *std::max_element(plan.window.begin(), plan.window.end()) + 1;
  return {plan.row, plan.filler, width_bits, plan.advance, plan.steps, window};
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
        feed_(feed_of(plan, width_)) {}

  std::string text() const {
    return module_header(top_, "one node of it in " + number(plan_.steps) + " steps") +
           feed_text(feed_, in_, top_.control) + instance() +
           (plan_.bias.empty() ? collected() : added_up()) + unused() + "endmodule\n";
  }

 private:
  std::string count_literal(int value) const { return number(count_bits_) + "'d" + number(value); }

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
      text += part_of("window", feed_.window * width_, low + width_ - 1, low) + after_entry(e, "}),\n");
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

  /// The results of all steps beside each other.
  std::string collected() const {
    return collected_text(plan_.results, plan_.steps, "step_valid", "result", step_.outputs.front(), out_,
                          top_.control.clock) +
           "  assign " + top_.control.valid_out + " = last;\n  assign " + top_.control.tag_out + " = " +
           tag_of_step() + ";\n\n";
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
  RowFeed feed_;
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
  top.inputs.push_back(
      uniform_port("in_x", network::element_count(operand.shape), in.width_bits, in.is_signed));
  const std::size_t results = network::element_count(node.shape);
  const bool adds = !plan.bias.empty();
  top.outputs.push_back(adds ? uniform_port("out_y", results, width_bits(sums), is_signed(sums))
                             : uniform_port("out_y", results, out.width_bits, out.is_signed));
  top.initiation_interval = plan.steps;
  top.latency_cycles = step.latency_cycles + plan.steps - (adds ? 0 : 1);
  take_part(top, step);
  top.resources.flip_flops += feed_of(plan, in.width_bits).waiting_bits() + options.tag_bits + count_bits +
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
