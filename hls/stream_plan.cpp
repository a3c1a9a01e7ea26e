#include <algorithm>

#include "hls/parts.hpp"
#include "hls/stream.hpp"

namespace crible::hls {

using namespace network;

namespace {

/// The window of a convolution or pooling, else null.
const Window* window_of(const Operation& operation) {
  if (const auto* conv = std::get_if<Conv>(&operation)) return &conv->window;
  if (const auto* pool = std::get_if<Pool>(&operation)) return &pool->window;
  return nullptr;
}

/// Whether an operation treats each pixel alike, by lists with one entry or one for each channel.
bool is_pixelwise(const Node& node) {
  const auto even = [&](std::size_t entries, int axis) {
    return entries == 1 || (axis == 0 && entries == static_cast<std::size_t>(node.shape.front()));
  };
  if (const auto* o = std::get_if<Requantize>(&node.operation)) {
    return even(o->multiplier.size(), o->axis) && even(o->offset.size(), o->axis) &&
           even(o->shift.size(), o->axis) && even(o->zero_point.size(), o->axis);
  }
  if (const auto* o = std::get_if<Threshold>(&node.operation)) return even(o->base.size(), o->axis);
  if (const auto* o = std::get_if<Lookup>(&node.operation))
    return even(static_cast<std::size_t>(o->rows), o->axis);
  return std::holds_alternative<Clamp>(node.operation) || std::holds_alternative<LeakyRelu>(node.operation);
}

bool is_image(const Shape& shape) {
  return shape.size() == 2 || shape.size() == 3;
}

/// Makes the stages of a section, node after node.
class Planner {
 public:
  Planner(const Network& network, const Ranges& ranges, int pixels)
      : network_(network), ranges_(ranges), most_pixels_(pixels) {}

  std::vector<StreamSection> run() {
    for (std::size_t i = 0; i < network_.nodes.size(); ++i) {
      const auto id = static_cast<NodeId>(i);
      if (std::holds_alternative<Constant>(network_.nodes[i].operation)) continue;
      if (!joins(id)) {
        close();
        if (!joins(id)) continue;
      }
      take(id);
    }
    close();
    return std::move(sections_);
  }

 private:
  const Node& node(NodeId id) const { return network_.nodes[static_cast<std::size_t>(id)]; }

  int columns_in(NodeId id) const { return node(node(id).inputs.front()).shape.back(); }

  /// Pixels in a cycle before node `id`.
  int pixels_before(NodeId id) const {
    if (!members_.empty()) return lines_.back().result_pixels;
    int pixels = std::min(most_pixels_, columns_in(id));
    while (columns_in(id) % pixels != 0) --pixels;
    return pixels;
  }

  std::optional<Lines> lines(NodeId id) const {
    return lines_of(window_of(node(id).operation), node(node(id).inputs.front()).shape, node(id).shape,
                    pixels_before(id));
  }

  bool joins(NodeId id) const {
    const Node& one = node(id);
    if (one.inputs.size() != 1 || !is_image(one.shape)) return false;
    if (!members_.empty() && one.inputs.front() != members_.back()) return false;
    if (window_of(one.operation) == nullptr && !is_pixelwise(one)) return false;
    return everything_passes(network_, id) && lines(id).has_value();
  }

  void take(NodeId id) {
    lines_.push_back(*lines(id));
    members_.push_back(id);
  }

  void close() {
    const bool has_window = std::any_of(members_.begin(), members_.end(),
                                        [&](NodeId id) { return window_of(node(id).operation) != nullptr; });
    if (has_window) {
      StreamSection section{members_.front(), members_.back(), {}};
      for (std::size_t begin = 0; begin < members_.size();) {
        std::size_t end = begin + 1;
        while (end < members_.size() && window_of(node(members_[end]).operation) == nullptr) ++end;
        section.stages.push_back(stage(begin, end));
        begin = end;
      }
      sections_.push_back(std::move(section));
    }
    members_.clear();
    lines_.clear();
  }

  /// A window (or none) and what follows for each pixel.
  StreamStage stage(std::size_t begin, std::size_t end) const {
    StreamStage result;
    const Node& head = node(members_[begin]);
    const NodeId operand = head.inputs.front();
    Lines lines = lines_[begin];
    Interval range = hull(ranges_[static_cast<std::size_t>(operand)]);
    lines.filler = filler(head.operation, range);
    range = {std::min(range.low, lines.filler), std::max(range.high, lines.filler)};

    const bool has_rows = head.shape.size() == 3;
    const auto shape = [&](int channels, int rows, int columns) {
      return has_rows ? Shape{channels, rows, columns} : Shape{channels, columns};
    };
    PartCopy part(network_, head.name + " step");
    part.put(operand, {"window",
                       Input{},
                       {},
                       smallest_type(range, node(operand).type.fraction),
                       shape(lines.channels, lines.kernel[0], lines.slab_columns())});
    for (std::size_t m = begin; m < end; ++m) {
      Node one = node(members_[m]);
      result.nodes += (m == begin ? "" : ", ") + one.name;
      one.shape = shape(lines.result_channels, 1, lines.result_pixels);
      one.inputs = {static_cast<NodeId>(m - begin)};
      if (m == begin) set_window(one.operation, lines, has_rows);
      part.put(members_[m], std::move(one));
    }
    part.add_output(members_[end - 1], "pixels");
    result.step = part.finish();
    result.lines = lines;
    return result;
  }

  /// What stands outside of the image: it must not change the result of a pooling.
  static std::int64_t filler(const Operation& operation, Interval range) {
    if (const auto* conv = std::get_if<Conv>(&operation)) return conv->pad_value;
    if (const auto* pool = std::get_if<Pool>(&operation)) return pool->kind == PoolKind::max ? range.low : 0;
    return range.low;
  }

  /// The window of a node within the slab of a step, which holds only rows that it looks at.
  static void set_window(Operation& operation, const Lines& lines, bool has_rows) {
    Window window{{lines.kernel[1]}, {lines.stride[1]}, {lines.dilation[1]}, {0}, {0}};
    if (has_rows) {
      window = {
          {lines.kernel[0], lines.kernel[1]}, {1, lines.stride[1]}, {1, lines.dilation[1]}, {0, 0}, {0, 0}};
    }
    if (auto* conv = std::get_if<Conv>(&operation)) conv->window = window;
    if (auto* pool = std::get_if<Pool>(&operation)) pool->window = window;
  }

  const Network& network_;
  const Ranges& ranges_;
  int most_pixels_;
  std::vector<NodeId> members_;
  std::vector<Lines> lines_;  // of each member
  std::vector<StreamSection> sections_;
};

}  // namespace

std::vector<StreamSection> plan_stream(const Network& network, const Ranges& ranges, int pixels) {
  return Planner(network, ranges, pixels).run();
}

}  // namespace crible::hls
