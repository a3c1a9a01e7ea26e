#include <algorithm>
#include <bit>

#include "engine/network/build.hpp"
#include "hls/parts.hpp"
#include "hls/reuse.hpp"

namespace crible::hls {

using namespace network;

namespace {

int divided_up(int value, int by) {
  return (value + by - 1) / by;
}

const Node& operand_of(const Network& network, const Node& node) {
  return network.nodes[static_cast<std::size_t>(node.inputs.front())];
}

/// The type of a step's window: what the node's input can really be.
Type window_type(const Network& network, const Ranges& ranges, const Node& node) {
  const Interval range = hull(ranges[static_cast<std::size_t>(node.inputs.front())]);
  return smallest_type(range, operand_of(network, node).type.fraction);
}

/// 0, 1, 2, ... up to `used`, then fillers up to `count`.
std::vector<int> in_order(int used, int count) {
  std::vector<int> places;
  for (int i = 0; i < count; ++i) places.push_back(i < used ? i : -1);
  return places;
}

/// Rows of a matrix, some in each step.
void plan_rows(const Node& node, const Dense& dense, int rows, Type type, SharedNode& shared) {
  const int in_step = divided_up(rows, shared.steps);
  shared.steps = divided_up(rows, in_step);
  Builder builder(node.name + " step");
  const NodeId x = builder.input("rows", {in_step, dense.inputs}, type);
  const NodeId sums = builder.add(builder.unique_name(node.name), dense, {x});
  builder.output(builder.unique_name("sums"), sums);
  shared.step = builder.finish();
  shared.advance = in_step * dense.inputs;
  shared.row = in_order(rows * dense.inputs, shared.steps * shared.advance);
  shared.window = in_order(shared.advance, shared.advance);
  for (int row = 0; row < rows; ++row) {
    for (int o = 0; o < dense.outputs; ++o)
      shared.results.push_back({row / in_step, row % in_step * dense.outputs + o});
  }
}

/// weights[outputs][inputs] as one table over the steps for each multiplier [output][input of a step].
Lookup weight_tables(const Dense& dense, int in_step, int steps, int entries) {
  Lookup lookup;
  lookup.rows = dense.outputs * in_step;
  for (int o = 0; o < dense.outputs; ++o) {
    for (int k = 0; k < in_step; ++k) {
      for (int step = 0; step < entries; ++step) {
        const int input = step * in_step + k;
        const bool there = step < steps && input < dense.inputs;
        lookup.table.push_back(there ? dense.weights[static_cast<std::size_t>(o * dense.inputs + input)] : 0);
      }
    }
  }
  return lookup;
}

/// Inputs of a vector, some in each step.
void plan_sums(const Node& node, const Dense& dense, Type type, SharedNode& shared) {
  const int in_step = divided_up(dense.inputs, shared.steps);
  shared.steps = divided_up(dense.inputs, in_step);
  const int count_bits = count_bits_of(shared.steps);
  const int multipliers = dense.outputs * in_step;
  Builder builder(node.name + " step");
  const NodeId x = builder.input("part", {in_step}, type);
  const NodeId step = builder.input("step", {1}, {false, count_bits, 0});
  const NodeId steps = builder.add("steps", Resize{{multipliers}}, {step});
  const Lookup tables = weight_tables(dense, in_step, shared.steps, 1 << count_bits);
  const auto [low, high] = std::minmax_element(tables.table.begin(), tables.table.end());
  const Type weight_type = smallest_type({*low, *high}, dense.weight_fraction);
  const NodeId list = builder.add("weight_list", tables, {steps}, weight_type);
  const NodeId weights = builder.add("weights", Reshape{}, {list}, Shape{dense.outputs, in_step});
  const NodeId products = builder.add("products", Multiply{}, {weights, x});
  const NodeId sums = builder.add(builder.unique_name(node.name), Reduce{ReduceKind::sum, 1}, {products});
  builder.output(builder.unique_name("sums"), sums);
  shared.step = builder.finish();
  shared.advance = in_step;
  shared.row = in_order(dense.inputs, shared.steps * in_step);
  shared.window = in_order(in_step, in_step);
  shared.bias = dense.bias;
}

/// Rows of the image (positions, for one axis), some in each step. The image lies row after row, padding
/// above and below included, so that a step's window is one piece.
void plan_image(const Node& node, const Conv& conv, const Shape& in, Type type, SharedNode& shared) {
  const bool flat = in.size() == 2;
  const int channels = in[0];
  const int rows = in[1];
  const int columns = flat ? 1 : in[2];
  const int result_rows = node.shape[1];
  const int result_columns = flat ? 1 : node.shape[2];
  const int in_step = divided_up(result_rows, shared.steps);
  shared.steps = divided_up(result_rows, in_step);
  const Window& window = conv.window;
  const int reach = (window.kernel[0] - 1) * window.dilation[0] + 1;
  const int slab = (in_step - 1) * window.stride[0] + reach;

  Conv part = conv;
  part.window.pad_before[0] = part.window.pad_after[0] = 0;
  Builder builder(node.name + " step");
  Shape shape = in;
  shape[1] = slab;
  const NodeId x = builder.input("rows", shape, type);
  const NodeId sums = builder.add(builder.unique_name(node.name), part, {x});
  builder.output(builder.unique_name("sums"), sums);
  shared.step = builder.finish();

  shared.filler = conv.pad_value;
  shared.advance = in_step * window.stride[0] * channels * columns;
  const int all_rows = (shared.steps - 1) * in_step * window.stride[0] + slab;
  for (int row = -window.pad_before[0]; row < all_rows - window.pad_before[0]; ++row) {
    for (int c = 0; c < channels; ++c) {
      for (int w = 0; w < columns; ++w)
        shared.row.push_back(row >= 0 && row < rows ? (c * rows + row) * columns + w : -1);
    }
  }
  for (int c = 0; c < channels; ++c) {
    for (int row = 0; row < slab; ++row) {
      for (int w = 0; w < columns; ++w) shared.window.push_back((row * channels + c) * columns + w);
    }
  }
  for (int f = 0; f < conv.filters; ++f) {
    for (int i = 0; i < result_rows; ++i) {
      for (int j = 0; j < result_columns; ++j)
        shared.results.push_back({i / in_step, (f * in_step + i % in_step) * result_columns + j});
    }
  }
}

}  // namespace

std::vector<SharedNode> plan_reuse(const Network& network, const Ranges& ranges, int reuse) {
  std::vector<SharedNode> plan;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    const auto* dense = std::get_if<Dense>(&node.operation);
    const auto* conv = std::get_if<Conv>(&node.operation);
    if (dense == nullptr && conv == nullptr) continue;
    const bool narrow = smallest_type(hull(ranges[i]), 0).width <= 32;
    if (!narrow || !everything_passes(network, static_cast<NodeId>(i))) continue;
    SharedNode shared;
    shared.node = static_cast<NodeId>(i);
    shared.steps = reuse;
    const Shape& in = operand_of(network, node).shape;
    const Type type = window_type(network, ranges, node);
    if (conv != nullptr) {
      plan_image(node, *conv, in, type, shared);
    } else if (const auto rows = static_cast<int>(element_count(in)) / dense->inputs; rows > 1) {
      plan_rows(node, *dense, rows, type, shared);
    } else {
      plan_sums(node, *dense, type, shared);
    }
    if (shared.steps > 1) plan.push_back(std::move(shared));
  }
  return plan;
}

}  // namespace crible::hls
