// Operators that only move elements. On constants they work out the shapes that exporters compute.

#include <algorithm>
#include <functional>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/quantize/reader.hpp"

namespace crible::quantize {

namespace {

using importers::element_count;

std::int64_t product(const Extents& shape, std::size_t count) {
  return std::accumulate(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(count), std::int64_t{1},
                         std::multiplies<>());
}

/// The axis of events in a new shape: the first of extent 1 that lies as far from the front, counted in
/// elements, as it did.
int batch_in(const Tensor& x, const Extents& shape) {
  if (x.batch < 0) return -1;
  const std::int64_t before = product(x.shape, static_cast<std::size_t>(x.batch));
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1 && product(shape, i) == before) return static_cast<int>(i);
  }
  throw Error("it joins the axis of events with another; keep that axis by itself");
}

/// The same elements in another shape.
void out_reshaped(const Node& node, const Tensor& x, Extents shape, int batch) {
  Tensor result = x;
  result.shape = std::move(shape);
  result.batch = batch;
  if (!x.is_constant() && event_shape(result) != event_shape(x))
    result.step = node.reader().add(node.op().name, network::Reshape{}, {x.step}, event_shape(result));
  node.out(result);
}

void out_reshaped(const Node& node, const Tensor& x, const Extents& shape) {
  if (element_count(shape) != element_count(x.shape))
    throw Error("it gives " + importers::to_string(x.shape) + " the shape " + importers::to_string(shape) +
                ", which has another number of elements (are events mixed?)");
  out_reshaped(node, x, shape, batch_in(x, shape));
}

void reshape(const Node& node) {
  const Tensor& x = node.in(0);
  Extents shape = whole_numbers(node.constant(1, "shape"));
  std::int64_t known = 1;
  int open = -1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0 && node.op().integer("allowzero", 0) == 0) {
      if (i >= x.rank()) throw Error("its shape copies an axis that its input does not have");
      shape[i] = x.shape[i];
    }
    if (shape[i] == -1 && open < 0) {
      open = static_cast<int>(i);
    } else if (shape[i] < 1 || __builtin_mul_overflow(known, shape[i], &known)) {
      throw Error("its shape " + importers::to_string(shape) + " is not one");
    }
  }
  if (open >= 0)
    shape[static_cast<std::size_t>(open)] = static_cast<std::int64_t>(element_count(x.shape)) / known;
  out_reshaped(node, x, shape);
}

void flatten(const Node& node) {
  const Tensor& x = node.in(0);
  const auto rank = static_cast<std::int64_t>(x.rank());
  std::int64_t axis = node.op().integer("axis", 1);
  if (axis < 0) axis += rank;
  if (axis < 0 || axis > rank) throw Error("its axis is outside its input");
  const std::int64_t before = product(x.shape, static_cast<std::size_t>(axis));
  if (before == 0) throw Error("its input has no elements");
  out_reshaped(node, x, {before, static_cast<std::int64_t>(element_count(x.shape)) / before});
}

std::vector<std::int64_t> axes_of(const Node& node) {
  return node.has(1) ? whole_numbers(node.constant(1, "axes")) : node.op().integers("axes");
}

void squeeze(const Node& node) {
  const Tensor& x = node.in(0);
  std::vector<bool> gone(x.rank(), false);
  for (const std::int64_t axis : axes_of(node)) gone[axis_in(axis, x.rank())] = true;
  if (axes_of(node).empty()) {
    for (std::size_t i = 0; i < x.rank(); ++i) gone[i] = x.shape[i] == 1 && static_cast<int>(i) != x.batch;
  }
  Extents shape;
  int batch = -1;
  for (std::size_t i = 0; i < x.rank(); ++i) {
    if (static_cast<int>(i) == x.batch) {
      if (gone[i]) throw Error("it removes the axis of events");
      batch = static_cast<int>(shape.size());
    }
    if (!gone[i]) shape.push_back(x.shape[i]);
    if (gone[i] && x.shape[i] != 1) throw Error("it removes an axis of more than one element");
  }
  out_reshaped(node, x, shape, batch);
}

void unsqueeze(const Node& node) {
  const Tensor& x = node.in(0);
  const std::vector<std::int64_t> axes = axes_of(node);
  const std::size_t rank = x.rank() + axes.size();
  std::vector<bool> is_new(rank, false);
  for (const std::int64_t axis : axes) is_new[axis_in(axis, rank)] = true;
  Extents shape;
  int batch = -1;
  std::size_t from = 0;
  for (std::size_t i = 0; i < rank; ++i) {
    if (is_new[i] || from >= x.rank()) {
      shape.push_back(1);
      continue;
    }
    if (static_cast<int>(from) == x.batch) batch = static_cast<int>(i);
    shape.push_back(x.shape[from++]);
  }
  out_reshaped(node, x, shape, batch);
}

void transpose(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  std::vector<std::int64_t> order = node.op().integers("perm");
  if (order.empty()) {
    order.resize(x.rank());
    std::iota(order.rbegin(), order.rend(), 0);
  }
  if (order.size() != x.rank()) throw Error("its permutation does not fit its input");
  Tensor result = x;
  network::Transpose layer;
  std::vector<bool> seen(x.rank(), false);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const std::size_t from = axis_in(order[i], x.rank());
    if (seen[from]) throw Error("its permutation names an axis twice");
    seen[from] = true;
    result.shape[i] = x.shape[from];
    if (static_cast<int>(from) == x.batch)
      result.batch = static_cast<int>(i);
    else
      layer.permutation.push_back(event_axis(x, static_cast<std::int64_t>(from)));
  }
  if (!std::is_sorted(layer.permutation.begin(), layer.permutation.end()))
    result.step = node.reader().add(node.op().name, layer, {x.step}, event_shape(result));
  node.out(result);
}

void concat(const Node& node) {
  std::vector<const Tensor*> parts;
  for (std::size_t i = 0; i < node.op().inputs.size(); ++i) parts.push_back(&node.in(i));
  if (parts.empty()) throw Error("it has no inputs");
  const bool constant =
      std::all_of(parts.begin(), parts.end(), [](auto part) { return part->is_constant(); });
  const std::size_t axis = axis_in(node.op().integer("axis", 0), parts[0]->rank());
  if (constant) {
    if (parts[0]->rank() != 1)
      throw Error("it joins constants of several axes; fold constants before (onnxsim)");
    std::vector<double> values;
    for (const Tensor* part : parts) values.insert(values.end(), part->values.begin(), part->values.end());
    return node.out(constant_tensor({static_cast<std::int64_t>(values.size())}, std::move(values)));
  }
  Extents shape = parts[0]->shape;
  shape[axis] = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const Tensor& part = node.computed(i, "input");
    if (part.rank() != shape.size() || part.batch != parts[0]->batch)
      throw Error("its inputs differ in their axes");
    for (std::size_t a = 0; a < shape.size(); ++a) {
      if (a != axis && part.shape[a] != shape[a]) throw Error("its inputs differ in more than its axis");
    }
    shape[axis] += part.shape[axis];
  }
  node.out_step(network::Concat{event_axis(*parts[0], static_cast<std::int64_t>(axis))}, parts, shape,
                parts[0]->batch);
}

/// start, end, axis, step for each axis of x, as numpy reads them.
struct Part {
  std::int64_t start = 0;
  std::int64_t step = 1;
  std::int64_t extent = 0;
};

Part part_of(std::int64_t extent, std::int64_t start, std::int64_t end, std::int64_t step) {
  if (step == 0) throw Error("its step is 0");
  const auto place = [&](std::int64_t index, std::int64_t low, std::int64_t high) {
    return std::clamp(index < 0 ? index + extent : index, low, high);
  };
  const bool forward = step > 0;
  start = forward ? place(start, 0, extent) : place(start, -1, extent - 1);
  end = forward ? place(end, 0, extent) : place(std::max(end, -extent - 1), -1, extent - 1);
  const std::int64_t span = forward ? end - start : start - end;
  const std::int64_t size = forward ? step : -step;
  return {start, step, span <= 0 ? 0 : (span + size - 1) / size};
}

void out_slice(const Node& node, const Tensor& x, const std::vector<Part>& parts, std::size_t index = 0) {
  Extents shape;
  network::Slice layer;
  bool whole = true;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].extent < 1) throw Error("it takes nothing from its input");
    shape.push_back(parts[i].extent);
    if (static_cast<int>(i) == x.batch) continue;
    layer.start.push_back(static_cast<int>(parts[i].start));
    layer.step.push_back(static_cast<int>(std::clamp<std::int64_t>(parts[i].step, -(1 << 30), 1 << 30)));
    whole = whole && parts[i].extent == x.shape[i] && parts[i].step == 1;
  }
  if (whole) return node.out(x, index);
  node.out_step(layer, {&x}, shape, x.batch, index);
}

std::vector<Part> whole_parts(const Tensor& x) {
  std::vector<Part> parts;
  for (const std::int64_t extent : x.shape) parts.push_back({0, 1, extent});
  return parts;
}

void slice(const Node& node) {
  const Tensor& x = node.in(0);
  std::vector<std::int64_t> starts = node.op().integers("starts");
  std::vector<std::int64_t> ends = node.op().integers("ends");
  std::vector<std::int64_t> axes = node.op().integers("axes");
  std::vector<std::int64_t> steps;
  if (node.has(1)) starts = whole_numbers(node.constant(1, "start"));
  if (node.has(2)) ends = whole_numbers(node.constant(2, "end"));
  if (node.has(3)) axes = whole_numbers(node.constant(3, "axes"));
  if (node.has(4)) steps = whole_numbers(node.constant(4, "step"));
  if (axes.empty()) {
    axes.resize(starts.size());
    std::iota(axes.begin(), axes.end(), 0);
  }
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    throw Error("its starts, ends, axes and steps differ in number");
  std::vector<Part> parts = whole_parts(x);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axis_in(axes[i], x.rank());
    parts[axis] = part_of(x.shape[axis], starts[i], ends[i], steps[i]);
  }
  if (!x.is_constant()) return out_slice(node, x, parts);
  if (x.rank() != 1) throw Error("it cuts a constant of several axes; fold constants before (onnxsim)");
  std::vector<double> values;
  for (std::int64_t i = 0; i < parts[0].extent; ++i)
    values.push_back(x.values[static_cast<std::size_t>(parts[0].start + i * parts[0].step)]);
  node.out(constant_tensor({parts[0].extent}, std::move(values)));
}

void split(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  const std::size_t axis = axis_in(node.op().integer("axis", 0), x.rank());
  event_axis(x, static_cast<std::int64_t>(axis));
  std::vector<std::int64_t> sizes = node.op().integers("split");
  if (node.has(1)) sizes = whole_numbers(node.constant(1, "split"));
  const auto count = static_cast<std::int64_t>(node.op().outputs.size());
  if (sizes.empty()) sizes.assign(static_cast<std::size_t>(count), (x.shape[axis] + count - 1) / count);
  std::int64_t start = 0;
  const Tensor input = x;
  for (std::size_t i = 0; i < node.op().outputs.size() && i < sizes.size(); ++i) {
    if (sizes[i] < 1 || sizes[i] > input.shape[axis]) throw Error("its parts do not fit its input");
    std::vector<Part> parts = whole_parts(input);
    parts[axis] = {start, 1, std::min(sizes[i], input.shape[axis] - start)};
    if (node.has_output(i)) out_slice(node, input, parts, i);
    start += sizes[i];
  }
}

/// One element along an axis: how exporters take the last step of a sequence.
void gather(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  const Tensor& indices = node.constant(1, "indices");
  const std::size_t axis = axis_in(node.op().integer("axis", 0), x.rank());
  event_axis(x, static_cast<std::int64_t>(axis));
  if (indices.values.size() != 1) throw Error("it gathers several elements; use Slice or Split");
  std::int64_t at = whole_numbers(indices)[0];
  if (at < 0) at += x.shape[axis];
  if (at < 0 || at >= x.shape[axis]) throw Error("it gathers outside its input");
  std::vector<Part> parts = whole_parts(x);
  parts[axis] = {at, 1, 1};
  const Tensor input = x;
  out_slice(node, input, parts);
  if (!indices.shape.empty()) return;
  const Tensor part = node.reader().tensor(node.op().outputs[0]);
  Extents shape = part.shape;
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(axis));
  out_reshaped(node, part, shape, part.batch > static_cast<int>(axis) ? part.batch - 1 : part.batch);
}

}  // namespace

std::vector<NodeEntry> layout_nodes() {
  return {
      {"Reshape", reshape, true},
      {"Flatten", flatten, true},
      {"Squeeze", squeeze, true},
      {"Unsqueeze", unsqueeze, true},
      {"Transpose", transpose, true},
      {"Concat", concat},
      {"Slice", slice},
      {"Split", split},
      {"Gather", gather},
  };
}

}  // namespace crible::quantize
