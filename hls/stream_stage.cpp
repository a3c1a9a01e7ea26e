#include "hls/over_cycles.hpp"
#include "hls/parts.hpp"
#include "hls/stream.hpp"
#include "hls/text.hpp"
#include "hls/verilog_expression.hpp"

namespace crible::hls {

namespace {

/// The text of a stage: lines that are shifted, and a step for each window that is complete.
class StageModule {
 public:
  StageModule(const StreamStage& stage, const Firmware& step, const Firmware& top)
      : lines_(stage.lines),
        step_(step),
        top_(top),
        in_(top.inputs.front()),
        width_(in_.elements.front().width_bits),
        pixel_bits_(lines_.channels * width_),
        count_bits_(count_bits_of(lines_.shifts())) {}

  std::string text() const {
    return module_header(top_,
                         "a window over the image, " + number(lines_.pixels) + " pixels in each cycle") +
           shifts() + seen() + places() + taps() + instance() + "endmodule\n";
  }

  long long register_bits() const {
    return held_bits() + count_bits_ + (has_flush() ? top_.control.tag_bits : 0) +
           (waits() ? count_bits_ : 0) + (has_rows() ? row_bits() : 0) + (has_groups() ? group_bits() : 0);
  }

  /// A LUT for each bit that may be filler.
  long long luts() const {
    long long bits = 0;
    for (int row = 0; row < lines_.kernel[0]; ++row) {
      for (int column = 0; column < lines_.slab_columns(); ++column)
        bits += condition(row, column).empty() ? 0 : pixel_bits_;
    }
    return bits;
  }

 private:
  bool has_flush() const { return lines_.shifts() > lines_.groups(); }
  bool has_rows() const { return lines_.result_extent[0] > 1; }
  bool has_groups() const { return lines_.result_row_groups() > 1; }
  int row_bits() const { return count_bits_of(lines_.result_extent[0]); }
  int group_bits() const { return count_bits_of(lines_.result_row_groups()); }
  int group_pixel_bits() const { return pixel_bits_ * lines_.pixels; }
  int held_bits() const { return (lines_.seen_groups() - 1) * group_pixel_bits(); }
  int seen_bits() const { return held_bits() + group_pixel_bits(); }
  std::string count(int value) const { return literal(value, count_bits_); }

  /// Shifts between one complete window and the next one, that with the next one not counted.
  int wait_in_row() const { return lines_.complete_at(0, 1) - lines_.complete_at(0, 0) - 1; }
  int wait_for_row() const {
    return lines_.complete_at(1, 0) - lines_.complete_at(0, lines_.result_row_groups() - 1) - 1;
  }
  int first_wait() const { return lines_.complete_at(0, 0); }
  int wait_for_event() const { return lines_.shifts() - 1 - lines_.last_complete() + first_wait(); }
  bool waits() const {
    return wait_for_event() > 0 || (has_groups() && wait_in_row() > 0) || (has_rows() && wait_for_row() > 0);
  }

  /// Pixels come with `valid`; after the last one of an event fillers do.
  std::string shifts() const {
    const ControlPorts& c = top_.control;
    std::string text = "  // shifts of this event so far: its pixels" +
                       std::string(has_flush() ? ", then fillers below and beside the image" : "") +
                       "\n  logic " + range_text(count_bits_) + "count;\n";
    if (has_flush()) {
      text += "  wire flush = count >= " + count(lines_.groups()) + ";\n  wire shift = " + c.valid_in +
              " | flush;\n  logic " + range_text(c.tag_bits) + "event_tag;\n  wire " +
              range_text(c.tag_bits) + "tag = " + c.valid_in + " ? " + c.tag_in +
              " : event_tag;\n  always_ff @(posedge " + c.clock + ") if (" + c.valid_in +
              ") event_tag <= " + c.tag_in + ";\n";
    } else {
      text += "  wire shift = " + c.valid_in + ";\n  wire " + range_text(c.tag_bits) + "tag = " + c.tag_in +
              ";\n";
    }
    return text + "  always_ff @(posedge " + c.clock + ") begin\n    if (" + c.reset +
           ") count <= " + count(0) +
           ";\n    else if (shift) count <= count == " + count(lines_.shifts() - 1) + " ? " + count(0) +
           " : count + " + count(1) + ";\n  end\n\n";
  }

  std::string seen() const {
    std::string text = "  // the pixels that a window can see, the newest highest\n";
    if (held_bits() == 0) return text + "  wire " + range_text(seen_bits()) + "seen = " + in_.port + ";\n\n";
    text += "  logic " + range_text(held_bits()) + "held;\n  wire " + range_text(seen_bits()) + "seen = {" +
            in_.port + ", held};\n  always_ff @(posedge " + top_.control.clock +
            ") if (shift) held <= " + part_of("seen", seen_bits(), seen_bits() - 1, group_pixel_bits()) +
            ";\n\n";
    return text;
  }

  /// Which window comes next, and whether it is complete.
  std::string places() const {
    std::string text = "  // the place of the next window, and the shifts until it is complete\n";
    std::string reset;
    std::string next_row;
    if (has_rows()) {
      const std::string end = literal(lines_.result_extent[0] - 1, row_bits());
      const std::string zero = literal(0, row_bits());
      text += "  logic " + range_text(row_bits()) + "row;\n  wire last_row = row == " + end + ";\n";
      reset += "      row <= " + zero + ";\n";
      next_row = "row <= last_row ? " + zero + " : row + " + literal(1, row_bits()) + ";\n";
    }
    std::string next_group;
    if (has_groups()) {
      const std::string end = literal(lines_.result_row_groups() - 1, group_bits());
      const std::string zero = literal(0, group_bits());
      text += "  logic " + range_text(group_bits()) + "group;\n  wire last_group = group == " + end + ";\n";
      reset += "      group <= " + zero + ";\n";
      next_group = "      group <= last_group ? " + zero + " : group + " + literal(1, group_bits()) + ";\n";
      if (has_rows()) next_row = "if (last_group) " + next_row;
    }
    if (has_rows()) next_row = "      " + next_row;
    std::string passing;
    if (waits()) {
      text += "  logic " + range_text(count_bits_) +
              "to_wait;\n  wire complete = shift & (to_wait == " + count(0) + ");\n";
      reset += "      to_wait <= " + count(first_wait()) + ";\n";
      next_group += "      to_wait <= " + next_wait() + ";\n";
      passing = "    end else if (shift) begin\n      to_wait <= to_wait - " + count(1) + ";\n";
    } else {
      text += "  wire complete = shift;\n";
    }
    if (reset.empty()) return text + "\n";
    return text + "  always_ff @(posedge " + top_.control.clock + ") begin\n    if (" + top_.control.reset +
           ") begin\n" + reset + "    end else if (complete) begin\n" + next_row + next_group + passing +
           "    end\n  end\n\n";
  }

  std::string next_wait() const {
    std::string text = count(wait_for_event());
    if (has_rows()) text = "last_row ? " + text + " : " + count(wait_for_row());
    if (has_groups()) text = "!last_group ? " + count(wait_in_row()) + " : " + text;
    return text;
  }

  /// "" when the positions are all there are.
  static std::string within(const std::string& counter, Positions inside, int count, int bits) {
    std::string text;
    if (inside.first > 0) text = "(" + counter + " >= " + literal(inside.first, bits) + ")";
    if (inside.last < count - 1)
      text += std::string(text.empty() ? "(" : " & (") + counter + " <= " + literal(inside.last, bits) + ")";
    return text;
  }

  /// When the pixel at this place of the window is inside the image; "" always, "1'b0" never.
  std::string condition(int row, int column) const {
    const Positions rows = lines_.rows_inside(row);
    const Positions groups = lines_.groups_inside(column);
    if (rows.last < rows.first || groups.last < groups.first) return "1'b0";
    const std::string vertical = within("row", rows, lines_.result_extent[0], row_bits());
    const std::string horizontal = within("group", groups, lines_.result_row_groups(), group_bits());
    return vertical + (vertical.empty() || horizontal.empty() ? "" : " & ") + horizontal;
  }

  std::string filler() const {
    std::string one = literal(lines_.filler, width_);
    return lines_.channels == 1 ? one : "{" + number(lines_.channels) + "{" + one + "}}";
  }

  static std::string tap(int row, int column) { return "pixel_" + number(row) + "_" + number(column); }

  std::string taps() const {
    std::string text = "  // the window: row and column, all channels of a pixel; outside of the image " +
                       number(lines_.filler) + "\n";
    for (int row = 0; row < lines_.kernel[0]; ++row) {
      for (int column = 0; column < lines_.slab_columns(); ++column) {
        const int high = seen_bits() - 1 - lines_.age(row, column) * pixel_bits_;
        const std::string inside = part_of("seen", seen_bits(), high, high - pixel_bits_ + 1);
        const std::string when = condition(row, column);
        text += "  wire " + range_text(pixel_bits_) + tap(row, column) + " = ";
        text += when.empty()     ? inside + ";\n"
                : when == "1'b0" ? filler() + ";\n"
                                 : when + " ? " + inside + " : " + filler() + ";\n";
      }
    }
    return text + "\n";
  }

  std::string instance() const {
    const ControlPorts& c = top_.control;
    const DataPort& result = step_.outputs.front();
    std::string text = "  wire " + range_text(result.width_bits) + "result;\n  " + step_.top +
                       " part_step (\n    .clk(" + c.clock + "), .rst(" + c.reset +
                       "),\n    .valid_in(complete), .tag_in(tag),\n    ." + step_.inputs.front().port + "({";
    std::size_t left = step_.inputs.front().elements.size();
    for (int channel = lines_.channels - 1; channel >= 0; --channel) {
      for (int row = lines_.kernel[0] - 1; row >= 0; --row) {
        for (int column = lines_.slab_columns() - 1; column >= 0; --column) {
          const int low = channel * width_;
          text +=
              part_of(tap(row, column), pixel_bits_, low + width_ - 1, low) + after_entry(--left, "}),\n");
        }
      }
    }
    text += "    ." + result.port + "(result),\n    .valid_out(" + c.valid_out + "), .tag_out(" + c.tag_out +
            ")\n  );\n\n  // pixel after pixel, all channels of each\n  assign " + top_.outputs.front().port +
            " = {";
    left = result.elements.size();
    for (int pixel = lines_.result_pixels - 1; pixel >= 0; --pixel) {
      for (int channel = lines_.result_channels - 1; channel >= 0; --channel) {
        const Element& own =
            result.elements[static_cast<std::size_t>(channel * lines_.result_pixels + pixel)];
        text += part_of("result", result.width_bits, own.offset_bits + own.width_bits - 1, own.offset_bits) +
                after_entry(--left, "};\n");
      }
    }
    return text + "  wire unused = &{1'b0, seen};\n\n";
  }

  const Lines& lines_;
  const Firmware& step_;
  const Firmware& top_;
  const DataPort& in_;
  int width_ = 1;
  int pixel_bits_ = 1;
  int count_bits_ = 1;
};

}  // namespace

Firmware stage_module(const StreamStage& stage, const Options& options) {
  Options of_step = options;
  of_step.top = options.top + "_step";
  const Firmware step = generate(stage.step, of_step);
  const Element& in = step.inputs.front().elements.front();
  const Element& out = step.outputs.front().elements.front();
  const auto elements = [](int channels, int pixels) { return static_cast<std::size_t>(channels * pixels); };
  const Lines& lines = stage.lines;
  Firmware top;
  top.top = options.top;
  top.control.tag_bits = options.tag_bits;
  top.network_name = step.network_name;
  top.network_hash = step.network_hash;
  top.inputs.push_back(
      uniform_port("in_x", elements(lines.channels, lines.pixels), in.width_bits, in.is_signed));
  top.outputs.push_back(uniform_port("out_y", elements(lines.result_channels, lines.result_pixels),
                                     out.width_bits, out.is_signed));
  top.latency_cycles = step.latency_cycles;
  take_part(top, step);
  const StageModule module(stage, step, top);
  top.resources.flip_flops += module.register_bits();
  top.resources.lut_estimate += module.luts();
  top.sources.push_back("rtl/" + top.top + ".sv");
  top.files.push_back({top.sources.back(), module.text()});
  return top;
}

}  // namespace crible::hls
