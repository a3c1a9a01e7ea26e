#include "hls/scan.hpp"

#include <algorithm>
#include <bit>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"
#include "hls/parts.hpp"
#include "hls/text.hpp"

namespace crible::hls {

namespace {

/// The text of the top module.
class ScanModule {
 public:
  ScanModule(const ScanParts& parts, const Firmware& before, const Firmware& step, const Firmware& after,
             const Firmware& top)
      : parts_(parts),
        before_(before),
        step_(step),
        after_(after),
        top_(top),
        count_bits_(count_bits_of(parts.steps)),
        step_bits_(step.inputs.front().width_bits) {}

  std::string text() const {
    return module_header(top_, "its recurrent part over time") + before_instance() + feed() +
           step_instance() + emitted() + after_instance() + "endmodule\n";
  }

 private:
  std::string before_instance() const {
    const ControlPorts& c = top_.control;
    std::string text = "  wire before_valid;\n  wire " + range_text(c.tag_bits) + "before_tag;\n";
    for (std::size_t i = 0; i < before_.outputs.size(); ++i)
      text += "  wire " + range_text(before_.outputs[i].width_bits) + first_name(i) + ";\n";
    text += "  " + before_.top + " part_before (\n    .clk(" + c.clock + "), .rst(" + c.reset +
            "),\n    .valid_in(" + c.valid_in + "), .tag_in(" + c.tag_in + "),\n";
    for (std::size_t i = 0; i < before_.inputs.size(); ++i)
      text += "    ." + before_.inputs[i].port + "(" + top_.inputs[i].port + "),\n";
    for (std::size_t i = 0; i < before_.outputs.size(); ++i)
      text += "    ." + before_.outputs[i].port + "(" + first_name(i) + "),\n";
    return text + "    .valid_out(before_valid), .tag_out(before_tag)\n  );\n\n";
  }

  /// What comes out of `before`: the sequence, then the states.
  static std::string first_name(std::size_t output) {
    return output == 0 ? "whole_sequence" : "first_state_" + std::to_string(output - 1);
  }

  /// The steps in the order in which they run, the first lowest; those that wait are shifted down.
  std::string feed() const {
    const int bits = parts_.steps * step_bits_;
    const std::size_t elements = step_.inputs.front().elements.size();
    std::string text = "  // the steps in the order in which they run, the first lowest\n  wire " +
                       range_text(bits) + "all_steps = {\n";
    for (int count = parts_.steps - 1; count >= 0; --count) {
      const int time = parts_.reverse ? parts_.steps - 1 - count : count;
      text += "    " +
              repacked(first_name(0), before_.outputs.front(), static_cast<std::size_t>(time) * elements,
                       step_.inputs.front()) +
              (count == 0 ? "};\n" : ",\n");
    }
    text += "  wire step_valid;\n  wire " + range_text(tag_bits()) + "step_tag;\n";
    text += "  wire " + range_text(count_bits_) +
            "step_count = " + part_of("step_tag", tag_bits(), count_bits_ - 1, 0) +
            ";\n  wire last_step = step_count == " + number(count_bits_) + "'d" + number(parts_.steps - 1) +
            ";\n";
    text += "  wire again = step_valid & ~last_step;\n";
    if (parts_.steps == 1) return text + "\n";
    const int waiting = bits - step_bits_;
    text += "  logic " + range_text(waiting) + "waiting;\n  always_ff @(posedge " + top_.control.clock +
            ") begin\n";
    text +=
        "    if (before_valid) waiting <= all_steps[" + number(bits - 1) + ":" + number(step_bits_) + "];\n";
    const std::string rest = waiting == step_bits_
                                 ? "waiting"
                                 : "{" + number(step_bits_) + "'d0, waiting[" + number(waiting - 1) + ":" +
                                       number(step_bits_) + "]}";
    return text + "    else if (again) waiting <= " + rest + ";\n  end\n\n";
  }

  int tag_bits() const { return top_.control.tag_bits + count_bits_; }

  std::string step_instance() const {
    const ControlPorts& c = top_.control;
    std::string text;
    for (std::size_t i = 0; i < step_.outputs.size(); ++i)
      text += "  wire " + range_text(step_.outputs[i].width_bits) + "state_" + std::to_string(i) + ";\n";
    text += "  " + step_.top + " part_step (\n    .clk(" + c.clock + "), .rst(" + c.reset +
            "),\n    .valid_in(before_valid | again),\n    .tag_in(before_valid ? {before_tag, " +
            number(count_bits_) + "'d0} : {" + event_tag() + ", step_count + " + number(count_bits_) +
            "'d1}),\n";
    const std::string slice = part_of("all_steps", parts_.steps * step_bits_, step_bits_ - 1, 0);
    const std::string next =
        parts_.steps == 1 ? slice : part_of("waiting", (parts_.steps - 1) * step_bits_, step_bits_ - 1, 0);
    text += "    ." + step_.inputs.front().port + "(" +
            (parts_.steps == 1 ? slice : "before_valid ? " + slice + " : " + next) + "),\n";
    for (std::size_t i = 0; i < step_.outputs.size(); ++i) {
      const DataPort& port = step_.inputs[i + 1];
      text += "    ." + port.port + "(before_valid ? " +
              repacked(first_name(i + 1), before_.outputs[i + 1], 0, port) +
              "\n      : " + repacked("state_" + std::to_string(i), step_.outputs[i], 0, port) + "),\n";
    }
    for (std::size_t i = 0; i < step_.outputs.size(); ++i)
      text += "    ." + step_.outputs[i].port + "(state_" + std::to_string(i) + "),\n";
    return text + "    .valid_out(step_valid), .tag_out(step_tag)\n  );\n\n";
  }

  std::string event_tag() const { return part_of("step_tag", tag_bits(), tag_bits() - 1, count_bits_); }

  /// The emitted state as the last part reads it; with `sequence` those of all steps, in the order of time.
  std::string emitted() const {
    const auto emit = static_cast<std::size_t>(parts_.emit);
    const std::string state = "state_" + std::to_string(parts_.emit);
    const DataPort& from = step_.outputs[emit];
    const DataPort& to = after_.inputs.front();
    if (!parts_.sequence || parts_.steps == 1)
      return "  wire " + range_text(to.width_bits) + "emitted = " + repacked(state, from, 0, to) + ";\n\n";
    DataPort one = to;
    one.elements.resize(from.elements.size());
    const int bits = to.width_bits / parts_.steps;
    const int kept = to.width_bits - bits;
    std::string text = "  // the states of the steps before, the first lowest\n  wire " + range_text(bits) +
                       "emitted_now = " + repacked(state, from, 0, one) + ";\n  logic " + range_text(kept) +
                       "kept;\n  always_ff @(posedge " + top_.control.clock + ") if (step_valid) kept <= " +
                       (kept == bits ? "emitted_now"
                                     : "{emitted_now, kept[" + number(kept - 1) + ":" + number(bits) + "]}") +
                       ";\n  wire " + range_text(to.width_bits) + "emitted = {";
    for (int time = parts_.steps - 1; time >= 0; --time) {
      const int count = parts_.reverse ? parts_.steps - 1 - time : time;
      text += count == parts_.steps - 1 ? "emitted_now"
                                        : part_of("kept", kept, (count + 1) * bits - 1, count * bits);
      text += time == 0 ? "};\n\n" : ", ";
    }
    return text;
  }

  std::string after_instance() const {
    const ControlPorts& c = top_.control;
    std::string text = "  " + after_.top + " part_after (\n    .clk(" + c.clock + "), .rst(" + c.reset +
                       "),\n    .valid_in(step_valid & last_step), .tag_in(" + event_tag() + "),\n    ." +
                       after_.inputs.front().port + "(emitted),\n";
    for (std::size_t i = 0; i < after_.outputs.size(); ++i)
      text += "    ." + after_.outputs[i].port + "(" + top_.outputs[i].port + "),\n";
    return text + "    .valid_out(" + c.valid_out + "), .tag_out(" + c.tag_out + ")\n  );\n";
  }

  const ScanParts& parts_;
  const Firmware& before_;
  const Firmware& step_;
  const Firmware& after_;
  const Firmware& top_;
  int count_bits_ = 1;
  int step_bits_ = 0;
};

}  // namespace

Firmware generate_scan(const network::Network& network, const Options& options) {
  const ScanParts parts = cut_at_scan(network);
  const int count_bits = count_bits_of(parts.steps);
  if (options.tag_bits + count_bits > most_tag_bits) {
    throw Error("a tag of " + std::to_string(options.tag_bits) +
                " bits and the number of the step need more than " + std::to_string(most_tag_bits) +
                " bits; give the tag fewer");
  }
  Options part = options;
  part.scan_in_time = false;
  part.links_file.clear();
  part.top = options.top + "_before";
  const Firmware before = generate(parts.before, part);
  part.top = options.top + "_after";
  const Firmware after = generate(parts.after, part);
  part.top = options.top + "_step";
  part.tag_bits += count_bits;
  const Firmware step = generate(parts.step, part);

  Firmware top;
  top.top = options.top;
  top.network_name = network.name;
  top.network_hash = network::content_hash(network);
  top.control.tag_bits = options.tag_bits;
  top.inputs = before.inputs;
  top.outputs = after.outputs;
  top.initiation_interval = parts.steps * step.latency_cycles;
  top.latency_cycles = before.latency_cycles + top.initiation_interval + after.latency_cycles;
  take_part(top, before);
  take_part(top, step);
  take_part(top, after);
  const int waiting = (parts.steps - 1) * step.inputs.front().width_bits;
  const int kept = parts.sequence ? (parts.steps - 1) * after.inputs.front().width_bits / parts.steps : 0;
  top.resources.flip_flops += waiting + kept;
  top.sources.push_back("rtl/" + top.top + ".sv");
  top.files.push_back({top.sources.back(), ScanModule(parts, before, step, after, top).text()});
  return top;
}

}  // namespace crible::hls
