#include "hls/over_cycles.hpp"

#include "hls/parts.hpp"
#include "hls/text.hpp"
#include "hls/verilog_expression.hpp"

namespace crible::hls {

std::string feed_text(const RowFeed& feed, const DataPort& in, const ControlPorts& c) {
  const int count_bits = count_bits_of(feed.steps);
  const int advance_bits = feed.advance * feed.width_bits;
  const int window_bits = feed.window * feed.width_bits;
  const auto count = [&](int value) { return literal(value, count_bits); };
  std::string text =
      "  // the elements in a row; each step looks at the lowest and the rest moves down\n  wire " +
      range_text(feed.row_bits()) + "row = {";
  for (std::size_t place = feed.row.size(); place-- > 0;) {
    const int element = feed.row[place];
    if (element < 0) {
      text += literal(feed.filler, feed.width_bits);
    } else {
      const Element& own = in.elements[static_cast<std::size_t>(element)];
      text += part_of(in.port, in.width_bits, own.offset_bits + own.width_bits - 1, own.offset_bits);
    }
    text += after_entry(place, "};\n");
  }
  text += "  logic " + range_text(count_bits) + "count;\n  wire go_on = count != " + count(0) + ";\n  wire " +
          range_text(count_bits) + "step = " + c.valid_in + " ? " + count(0) + " : count;\n";
  text += "  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.reset + ") count <= " + count(0) +
          ";\n    else if (" + c.valid_in + " | go_on) count <= step == " + count(feed.steps - 1) + " ? " +
          count(0) + " : step + " + count(1) + ";\n  end\n";
  text += "  logic " + range_text(feed.waiting_bits()) + "waiting;\n  logic " + range_text(c.tag_bits) +
          "event_tag;\n  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.valid_in +
          ") begin\n      waiting <= " + part_of("row", feed.row_bits(), feed.row_bits() - 1, advance_bits) +
          ";\n      event_tag <= " + c.tag_in + ";\n    end else waiting <= waiting >> " +
          number(advance_bits) + ";\n  end\n";
  return text + "  wire " + range_text(window_bits) + "window = " + c.valid_in + " ? " +
         part_of("row", feed.row_bits(), window_bits - 1, 0) + " : " +
         part_of("waiting", feed.waiting_bits(), window_bits - 1, 0) + ";\n\n";
}

std::string collected_text(const std::vector<StepPlace>& results, int steps, const std::string& valid,
                           const std::string& bus, const DataPort& from, const DataPort& out,
                           const std::string& clock) {
  const int bits = from.width_bits;
  const int kept = (steps - 1) * bits;
  std::string text;
  if (steps > 1) {
    text = "  // the results of the steps before, the first lowest\n  logic " + range_text(kept) +
           "kept;\n  always_ff @(posedge " + clock + ") if (" + valid + ") kept <= " +
           (steps == 2 ? bus : "{" + bus + ", kept[" + number(kept - 1) + ":" + number(bits) + "]}") + ";\n";
  }
  text += "  wire " + range_text(kept + bits) + "results = " + (steps > 1 ? "{" + bus + ", kept}" : bus) +
          ";\n  assign " + out.port + " = {";
  for (std::size_t e = results.size(); e-- > 0;) {
    const Element& own = from.elements[static_cast<std::size_t>(results[e].element)];
    const int low = results[e].step * bits + own.offset_bits;
    text += part_of("results", kept + bits, low + own.width_bits - 1, low) + after_entry(e, "};\n");
  }
  return text;
}

DataPort uniform_port(const std::string& name, std::size_t elements, int width_bits, bool is_signed) {
  DataPort port;
  port.port = name;
  for (std::size_t i = 0; i < elements; ++i) {
    port.elements.push_back({port.width_bits, width_bits, is_signed});
    port.width_bits += width_bits;
  }
  return port;
}

}  // namespace crible::hls
