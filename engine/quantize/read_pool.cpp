// Windows, pooling and reductions.

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/quantize/reader.hpp"

namespace crible::quantize {

namespace {

constexpr std::int64_t most_extent = 1 << 20;  // of kernels, strides, dilations and paddings, as in a network

std::vector<int> small_numbers(const Node& node, const char* attribute, std::size_t count, int otherwise,
                               std::int64_t least) {
  std::vector<std::int64_t> values = node.op().integers(attribute);
  if (values.empty()) values.assign(count, otherwise);
  if (values.size() != count) throw Error(std::string("its ") + attribute + " do not fit its input");
  for (const std::int64_t value : values) {
    if (value < least || value > most_extent)
      throw Error(std::string("its ") + attribute + " hold " + std::to_string(value) + "; that is no window");
  }
  return {values.begin(), values.end()};
}

void pad_same(network::Window& window, const Tensor& x, bool upper) {
  for (std::size_t i = 0; i < window.kernel.size(); ++i) {
    const auto extent = static_cast<int>(x.shape[i + 2]);
    const int outputs = (extent + window.stride[i] - 1) / window.stride[i];
    const int reach = (window.kernel[i] - 1) * window.dilation[i] + 1;
    const int padding = std::max(0, (outputs - 1) * window.stride[i] + reach - extent);
    window.pad_before[i] = upper ? padding / 2 : padding - padding / 2;
    window.pad_after[i] = padding - window.pad_before[i];
  }
}

/// The extent of the result along one spatial axis. Rounding up becomes padding at the end.
std::int64_t outputs_along(network::Window& window, std::size_t i, std::int64_t extent, bool round_up) {
  const std::int64_t reach = static_cast<std::int64_t>(window.kernel[i] - 1) * window.dilation[i] + 1;
  const std::int64_t room = extent + window.pad_before[i] + window.pad_after[i] - reach;
  if (room < 0) throw Error("its window is larger than its input");
  const std::int64_t rest = room % window.stride[i];
  // A window that would start in the padding at the end is left out, as ONNX demands.
  const std::int64_t next_start = room - rest + window.stride[i];
  if (round_up && rest != 0 && next_start < extent + window.pad_before[i])
    window.pad_after[i] += static_cast<int>(window.stride[i] - rest);
  return (extent + window.pad_before[i] + window.pad_after[i] - reach) / window.stride[i] + 1;
}

const Tensor& image(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  if (x.batch != 0 || x.rank() < 3 || x.rank() > 4)
    throw Error("pooling needs an input [events, channels, one or two axes]");
  return x;
}

void max_pool(const Node& node) {
  const Tensor& x = image(node);
  if (node.has_output(1)) throw Error("it also gives indices, which are not supported");
  Extents shape = x.shape;
  const network::Window window =
      read_window(node, x, node.op().integers("kernel_shape"), node.op().integer("ceil_mode", 0) != 0, shape);
  node.out_step(network::Pool{network::PoolKind::max, window}, {&x}, shape, 0);
}

void average_pool(const Node& node) {
  const Tensor& x = image(node);
  Extents shape = x.shape;
  const bool round_up = node.op().integer("ceil_mode", 0) != 0;
  AveragePool pool;
  pool.window = read_window(node, x, node.op().integers("kernel_shape"), round_up, shape);
  pool.count_padding = node.op().integer("count_include_pad", 0) != 0;
  if (pool.count_padding && round_up)
    throw Error("it counts its padding and rounds its extent up; use one of the two only");
  node.out_step(std::move(pool), {&x}, shape, 0);
}

network::Window whole_image(const Tensor& x) {
  network::Window window;
  for (std::size_t i = 2; i < x.rank(); ++i) window.kernel.push_back(static_cast<int>(x.shape[i]));
  const std::vector<int> ones(window.kernel.size(), 1);
  const std::vector<int> zeros(window.kernel.size(), 0);
  window.stride = window.dilation = ones;
  window.pad_before = window.pad_after = zeros;
  return window;
}

Extents pooled_shape(const Tensor& x) {
  Extents shape = x.shape;
  std::fill(shape.begin() + 2, shape.end(), 1);
  return shape;
}

void global_average_pool(const Node& node) {
  const Tensor& x = image(node);
  node.out_step(AveragePool{whole_image(x), false}, {&x}, pooled_shape(x), 0);
}

void global_max_pool(const Node& node) {
  const Tensor& x = image(node);
  node.out_step(network::Pool{network::PoolKind::max, whole_image(x)}, {&x}, pooled_shape(x), 0);
}

std::vector<std::int64_t> reduced_axes(const Node& node, const Tensor& x) {
  std::vector<std::int64_t> axes = node.op().integers("axes");
  if (node.has(1)) axes = whole_numbers(node.constant(1, "axes"));
  if (axes.empty() && node.op().integer("noop_with_empty_axes", 0) == 0) {
    for (std::size_t i = 0; i < x.rank(); ++i) {
      if (static_cast<int>(i) != x.batch) axes.push_back(static_cast<std::int64_t>(i));
    }
  }
  for (std::int64_t& axis : axes) axis = static_cast<std::int64_t>(axis_in(axis, x.rank()));
  std::sort(axes.rbegin(), axes.rend());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  return axes;
}

/// One step for each axis, the last first; kept axes come back with a reshape.
void reduce(const Node& node, network::ReduceKind kind, bool mean) {
  const Tensor& x = node.computed(0, "input");
  Tensor result = x;
  const bool keep = node.op().integer("keepdims", 1) != 0;
  for (const std::int64_t axis : reduced_axes(node, x)) {
    const int place = event_axis(result, axis);
    const double factor =
        mean ? 1.0 / static_cast<double>(result.shape[static_cast<std::size_t>(axis)]) : 1.0;
    result.shape.erase(result.shape.begin() + axis);
    if (result.batch > axis) --result.batch;
    result.step =
        node.reader().add(node.op().name, Reduce{kind, place, factor}, {result.step}, event_shape(result));
    if (!keep) continue;
    result.shape.insert(result.shape.begin() + axis, 1);
    if (result.batch >= axis) ++result.batch;
    result.step = node.reader().add(node.op().name, network::Reshape{}, {result.step}, event_shape(result));
  }
  node.out(result);
}

}  // namespace

network::Window read_window(const Node& node, const Tensor& x, const Extents& kernel, bool round_up,
                            Extents& shape) {
  const std::size_t axes = x.rank() - 2;
  if (kernel.size() != axes) throw Error("its kernel does not fit its input");
  network::Window window;
  for (const std::int64_t extent : kernel) {
    if (extent < 1 || extent > most_extent) throw Error("its kernel is no window");
    window.kernel.push_back(static_cast<int>(extent));
  }
  window.stride = small_numbers(node, "strides", axes, 1, 1);
  window.dilation = small_numbers(node, "dilations", axes, 1, 1);
  const std::vector<int> pads = small_numbers(node, "pads", 2 * axes, 0, 0);
  window.pad_before.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  window.pad_after.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
  const std::string same = node.op().text("auto_pad", "NOTSET");
  if (same == "SAME_UPPER" || same == "SAME_LOWER") pad_same(window, x, same == "SAME_UPPER");
  std::int64_t taps = 1;
  for (std::size_t i = 0; i < axes; ++i) {
    shape[i + 2] = outputs_along(window, i, x.shape[i + 2], round_up);
    taps *= kernel[i];
  }
  constexpr std::int64_t most_operations = std::int64_t{1} << 31;
  if (taps > most_operations / static_cast<std::int64_t>(importers::element_count(shape)))
    throw Error("its windows need more than 2^31 operations for one event; no trigger network does");
  return window;
}

std::vector<NodeEntry> pool_nodes() {
  using network::ReduceKind;
  return {
      {"MaxPool", max_pool},
      {"AveragePool", average_pool},
      {"GlobalAveragePool", global_average_pool},
      {"GlobalMaxPool", global_max_pool},
      {"ReduceSum", [](const Node& node) { reduce(node, ReduceKind::sum, false); }},
      {"ReduceMean", [](const Node& node) { reduce(node, ReduceKind::sum, true); }},
      {"ReduceMax", [](const Node& node) { reduce(node, ReduceKind::max, false); }},
      {"ReduceMin", [](const Node& node) { reduce(node, ReduceKind::min, false); }},
  };
}

}  // namespace crible::quantize
