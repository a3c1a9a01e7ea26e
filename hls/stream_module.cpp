#include <algorithm>

#include "engine/network/text.hpp"
#include "hls/over_cycles.hpp"
#include "hls/parts.hpp"
#include "hls/stream.hpp"
#include "hls/text.hpp"
#include "hls/verilog_expression.hpp"

namespace crible::hls {

namespace {

/// One line for each stage.
std::string stages_text(const StreamSection& section, const std::vector<Firmware>& stages) {
  std::string text =
      "# nodes: pixels of a cycle, window, result; shifts of an event, the first result after so many, "
      "latency of a step, LUT estimate\n";
  const auto size = [](const std::array<int, 2>& extent) {
    return number(extent[0]) + " x " + number(extent[1]);
  };
  for (std::size_t k = 0; k < stages.size(); ++k) {
    const Lines& lines = section.stages[k].lines;
    text += section.stages[k].nodes + ": " + number(lines.pixels) + " of " + size(lines.extent) + " x " +
            number(lines.channels) + ", " + size(lines.kernel) + ", " + number(lines.result_pixels) + " of " +
            size(lines.result_extent) + " x " + number(lines.result_channels) + "; " +
            number(lines.shifts()) + ", " + number(lines.complete_at(0, 0) + 1) + ", " +
            number(stages[k].latency_cycles) + ", " + number(stages[k].resources.lut_estimate) + "\n";
  }
  return text;
}

/// When the pixels of an event come: the cycle of each group, and for how long each stage is busy with it.
struct Timetable {
  std::vector<int> arrivals;
  int busy = 1;
};

void pass(const Lines& lines, int latency, Timetable& table) {
  std::vector<int> shifts = table.arrivals;
  while (static_cast<int>(shifts.size()) < lines.shifts()) shifts.push_back(shifts.back() + 1);
  table.busy = std::max(table.busy, shifts.back() - shifts.front() + 1);
  table.arrivals.clear();
  for (int row = 0; row < lines.result_extent[0]; ++row) {
    for (int group = 0; group < lines.result_row_groups(); ++group)
      table.arrivals.push_back(shifts[static_cast<std::size_t>(lines.complete_at(row, group))] + latency);
  }
}

/// An event's pixels in the order in which they come, all channels of each.
RowFeed feed_of(const Lines& lines, int width_bits) {
  const int positions = lines.extent[0] * lines.extent[1];
  const int advance = lines.channels * lines.pixels;
  RowFeed feed{{}, 0, width_bits, advance, lines.groups(), advance};
  for (int pixel = 0; pixel < positions; ++pixel) {
    for (int channel = 0; channel < lines.channels; ++channel)
      feed.row.push_back(channel * positions + pixel);
  }
  return feed;
}

std::vector<StepPlace> results_of(const Lines& lines) {
  std::vector<StepPlace> places;
  const int positions = lines.result_extent[0] * lines.result_extent[1];
  for (int channel = 0; channel < lines.result_channels; ++channel) {
    for (int pixel = 0; pixel < positions; ++pixel) {
      places.push_back(
          {pixel / lines.result_pixels, pixel % lines.result_pixels * lines.result_channels + channel});
    }
  }
  return places;
}

/// Feed, stages one after the other, collector.
std::string section_text(const std::vector<Firmware>& stages, const Lines& last, const RowFeed& feed,
                         const Firmware& top) {
  const ControlPorts& c = top.control;
  std::string text =
      module_header(top, "part of it in a stream of pixels") + feed_text(feed, top.inputs.front(), c);
  std::string valid = c.valid_in + " | go_on";
  std::string tag = c.valid_in + " ? " + c.tag_in + " : event_tag";
  std::string pixels = "window";
  for (std::size_t k = 0; k < stages.size(); ++k) {
    const Firmware& stage = stages[k];
    const std::string own = "stage_" + std::to_string(k);
    const DataPort& out = stage.outputs.front();
    if (k > 0) pixels = repacked(pixels, stages[k - 1].outputs.front(), 0, stage.inputs.front());
    text += "  wire " + own + "_valid;\n  wire " + range_text(c.tag_bits) + own + "_tag;\n  wire " +
            range_text(out.width_bits) + own + "_pixels;\n  " + stage.top + " " + own + " (\n    .clk(" +
            c.clock + "), .rst(" + c.reset + "),\n    .valid_in(" + valid + "), .tag_in(" + tag +
            "),\n    .in_x(" + pixels + "),\n    .out_y(" + own + "_pixels),\n    .valid_out(" + own +
            "_valid), .tag_out(" + own + "_tag)\n  );\n\n";
    valid = own + "_valid";
    tag = own + "_tag";
    pixels = own + "_pixels";
  }
  const int groups = last.result_groups();
  const int bits = count_bits_of(groups);
  const std::string zero = literal(0, bits);
  text += collected_text(results_of(last), groups, valid, pixels, stages.back().outputs.front(),
                         top.outputs.front(), c.clock);
  if (groups > 1) {
    text += "  logic " + range_text(bits) +
            "collected;\n  wire last = collected == " + literal(groups - 1, bits) +
            ";\n  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.reset + ") collected <= " + zero +
            ";\n    else if (" + valid + ") collected <= last ? " + zero + " : collected + " +
            literal(1, bits) + ";\n  end\n";
  }
  return text + "  assign " + c.valid_out + " = " + valid + (groups > 1 ? " & last" : "") + ";\n  assign " +
         c.tag_out + " = " + tag + ";\n  wire unused = &{1'b0, step};\n\nendmodule\n";
}

}  // namespace

Firmware stream_module(const network::Network& network, const StreamSection& section,
                       const Options& options) {
  Firmware top;
  top.top = options.top;
  top.control.tag_bits = options.tag_bits;
  top.network_name = network.name;
  top.network_hash = network::content_hash(section.stages.front().step);
  const Lines& first = section.stages.front().lines;
  const Lines& last = section.stages.back().lines;
  std::vector<Firmware> stages;
  Timetable table;
  for (int group = 0; group < first.groups(); ++group) table.arrivals.push_back(group);
  for (std::size_t k = 0; k < section.stages.size(); ++k) {
    Options one = options;
    one.top = options.top + "_stage_" + std::to_string(k);
    stages.push_back(stage_module(section.stages[k], one));
    pass(section.stages[k].lines, stages.back().latency_cycles, table);
    take_part(top, stages.back());
  }
  top.initiation_interval = std::max(table.busy, first.groups());
  top.latency_cycles = table.arrivals.back();
  const Element& in = stages.front().inputs.front().elements.front();
  const Element& out = stages.back().outputs.front().elements.front();
  const RowFeed feed = feed_of(first, in.width_bits);
  const std::vector<StepPlace> results = results_of(last);
  top.inputs.push_back(uniform_port("in_x", feed.row.size(), in.width_bits, in.is_signed));
  top.outputs.push_back(uniform_port("out_y", results.size(), out.width_bits, out.is_signed));
  top.resources.flip_flops += feed.waiting_bits() + options.tag_bits + count_bits_of(feed.steps) +
                              (last.result_groups() - 1) * stages.back().outputs.front().width_bits;
  top.resources.lut_estimate += feed.waiting_bits() + feed.window * feed.width_bits;
  top.sources.push_back("rtl/" + top.top + ".sv");
  top.files.push_back({top.sources.back(), section_text(stages, last, feed, top)});
  top.files.push_back({"steps/stream.txt", stages_text(section, stages)});
  return top;
}

}  // namespace crible::hls
