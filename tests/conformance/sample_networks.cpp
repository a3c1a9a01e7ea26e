#include "tests/conformance/sample_networks.hpp"

#include <functional>

#include "engine/network/build.hpp"

namespace crible::conformance {

using namespace network;

namespace {

/// Repeatable weights within [-most, most].
std::vector<std::int64_t> weights(std::size_t count, int most, std::uint32_t seed) {
  std::vector<std::int64_t> list;
  for (std::size_t i = 0; i < count; ++i) {
    seed = seed * 1664525u + 1013904223u;
    list.push_back(static_cast<std::int64_t>((seed >> 8) % (2u * static_cast<unsigned>(most) + 1u)) - most);
  }
  return list;
}

Requantize shift_by(int shift, Rounding rounding = Rounding::half_even,
                    Overflow overflow = Overflow::saturate) {
  Requantize op;
  op.shift = {shift};
  op.rounding = rounding;
  op.overflow = overflow;
  return op;
}

Dense make_dense(int inputs, int outputs, int most, std::uint32_t seed) {
  Dense op;
  op.inputs = inputs;
  op.outputs = outputs;
  op.weight_fraction = 6;
  op.weights = weights(static_cast<std::size_t>(inputs) * static_cast<std::size_t>(outputs), most, seed);
  op.bias = weights(static_cast<std::size_t>(outputs), 500, seed + 1);
  return op;
}

struct ConvShape {
  int channels, filters, groups;
  Window window;
};

Conv make_conv(const ConvShape& of, int most, std::uint32_t seed) {
  Conv op;
  op.filters = of.filters;
  op.groups = of.groups;
  op.window = of.window;
  std::size_t count =
      static_cast<std::size_t>(of.filters) * static_cast<std::size_t>(of.channels / of.groups);
  for (const int kernel : of.window.kernel) count *= static_cast<std::size_t>(kernel);
  op.weights = weights(count, most, seed);
  op.bias = weights(static_cast<std::size_t>(of.filters), 300, seed + 1);
  return op;
}

constexpr Type s8{true, 8, 4};
constexpr Type u8{false, 8, 4};
constexpr Type s16{true, 16, 4};
constexpr Type s32{true, 32, 4};

/// One network: inputs, then what `fill` adds; each node that it returns is an output.
using Fill = std::function<std::vector<NodeId>(Builder&)>;

Network make(const char* name, const Fill& fill) {
  Builder builder(name);
  for (const NodeId id : fill(builder)) builder.output(builder.unique_name("out"), id);
  return builder.finish();
}

/// A network with one input and one operation.
Network single(const char* name, Shape shape, Type type, Operation operation) {
  return make(name, [&](Builder& b) {
    const NodeId x = b.input("x", shape, type);
    return std::vector{b.add("y", operation, {x})};
  });
}

Network single(const char* name, Shape shape, Type type, Operation operation, Type result) {
  return make(name, [&](Builder& b) {
    const NodeId x = b.input("x", shape, type);
    return std::vector{b.add("y", operation, {x}, result)};
  });
}

Network single(const char* name, Shape shape, Type type, Operation operation, Shape result) {
  return make(name, [&](Builder& b) {
    const NodeId x = b.input("x", shape, type);
    return std::vector{b.add("y", operation, {x}, result)};
  });
}

void add_sums(std::vector<Network>& list) {
  list.push_back(single("dense_s8", {17}, s8, make_dense(17, 9, 127, 1)));
  list.push_back(single("dense_u8", {16}, u8, make_dense(16, 32, 127, 2)));
  list.push_back(single("dense_s16", {33}, s16, make_dense(33, 5, 1000, 3)));
  list.push_back(single("dense_s32_to_64_bits", {8}, s32, make_dense(8, 4, 1 << 27, 4)));
  list.push_back(single("dense_over_rows", {3, 5, 7}, s8, make_dense(7, 6, 63, 5)));
  list.push_back(single("dense_one_by_one", {1}, {true, 1, 0}, make_dense(1, 1, 1, 6)));
  // Pairs of byte products beyond 16 bits: kernels that saturate them would differ here.
  Dense corner = make_dense(64, 8, 127, 7);
  for (std::int64_t& weight : corner.weights) weight = weight < 0 ? -128 : 127;
  list.push_back(single("dense_pairs_beyond_16_bits", {64}, u8, corner));
  // The sum at the very ends of 32 bits.
  Dense edge;
  edge.inputs = 2;
  edge.outputs = 2;
  edge.weights = {1 << 15, 1 << 15, -(1 << 15), -(1 << 15)};
  edge.bias = {65535, -1};
  list.push_back(single("dense_to_the_ends_of_32_bits", {2}, s16, edge));
  list.push_back(single("conv_2d", {3, 9, 7}, s8,
                        make_conv({3, 8, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}, 127, 8)));
  list.push_back(single("conv_2d_strided_dilated", {2, 11, 9}, u8,
                        make_conv({2, 3, 1, {{3, 2}, {2, 3}, {2, 1}, {2, 0}, {1, 1}}}, 127, 9)));
  list.push_back(single("conv_1d", {4, 13}, s8, make_conv({4, 6, 1, {{5}, {2}, {1}, {2}, {1}}}, 63, 10)));
  list.push_back(single("conv_groups", {4, 5, 5}, s8,
                        make_conv({4, 6, 2, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}, 127, 11)));
  list.push_back(single("conv_depthwise", {8, 6, 6}, s8,
                        make_conv({8, 8, 8, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}, 127, 12)));
  list.push_back(single("conv_pointwise", {16, 4, 4}, u8,
                        make_conv({16, 8, 1, {{1, 1}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}}, 127, 13)));
  Conv padded = make_conv({1, 2, 1, {{3, 3}, {1, 1}, {1, 1}, {2, 1}, {0, 2}}}, 127, 14);
  padded.pad_value = -37;
  list.push_back(single("conv_pad_value", {1, 6, 5}, s8, padded));
  list.push_back(
      single("pool_max", {3, 8, 8}, s8, Pool{PoolKind::max, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}}));
  list.push_back(single("pool_max_padded", {2, 7, 5}, s8,
                        Pool{PoolKind::max, {{3, 3}, {2, 1}, {1, 1}, {1, 1}, {1, 1}}}));
  list.push_back(single("pool_sum_padded", {2, 9}, s16, Pool{PoolKind::sum, {{3}, {2}, {2}, {2}, {1}}}));
}

void add_elementwise(std::vector<Network>& list) {
  for (const bool same_shape : {true, false}) {
    const auto two = [&](const char* name, Operation operation) {
      list.push_back(make(name, [&](Builder& b) {
        const NodeId x = b.input("x", {4, 5}, s8);
        const NodeId y = b.input("y", same_shape ? Shape{4, 5} : Shape{5}, s16);
        return std::vector{b.add("z", operation, {x, y}), b.add("w", operation, {y, x})};
      }));
    };
    two(same_shape ? "add" : "add_broadcast", Add{});
    two(same_shape ? "subtract" : "subtract_broadcast", Subtract{});
    two(same_shape ? "multiply" : "multiply_broadcast", Multiply{});
  }
  list.push_back(make("multiply_both_ways", [](Builder& b) {
    const NodeId x = b.input("x", {4, 1}, s32);
    const NodeId y = b.input("y", {3}, s32);
    return std::vector{b.add("z", Multiply{}, {x, y}), b.add("square", Multiply{}, {x, x})};
  }));
  list.push_back(make("compare_and_select", [](Builder& b) {
    const NodeId x = b.input("x", {6}, s8);
    const NodeId y = b.input("y", {6}, {true, 12, 4});
    std::vector<NodeId> results;
    for (int i = 0; i < 6; ++i) {
      const NodeId bit = b.add("bit" + std::to_string(i), Compare{static_cast<Comparison>(i)}, {x, y});
      results.push_back(bit);
      results.push_back(b.add("choice" + std::to_string(i), Select{}, {bit, x, y}));
    }
    return results;
  }));
  list.push_back(single("clamp", {20}, s8, Clamp{-7, 31}));
  list.push_back(single("relu", {20}, s8, Clamp{0, 127}));
  list.push_back(single("leaky_relu", {20}, s8, LeakyRelu{3}));
  list.push_back(single("leaky_relu_to_64_bits", {5}, s32, LeakyRelu{30}));
}

void add_quantizers(std::vector<Network>& list) {
  list.push_back(single("requantize_tensor", {2, 3, 4}, s16, shift_by(5), s8));
  Requantize channel = shift_by(0, Rounding::half_away);
  channel.axis = 1;
  channel.multiplier = {3, -5, 1 << 20};
  channel.offset = {0, 100, -7};
  channel.shift = {4, 6, 25};
  channel.zero_point = {1, -2, 3};
  list.push_back(single("requantize_channel", {2, 3, 4}, s16, channel, s8));
  Requantize element = shift_by(3, Rounding::floor, Overflow::wrap);
  element.multiplier = weights(24, 2000, 20);
  list.push_back(single("requantize_element", {2, 3, 4}, s16, element, Type{false, 5, 0}));
  Requantize wide = shift_by(60, Rounding::half_down);
  wide.multiplier = {(std::int64_t{1} << 31) - 1};
  wide.offset = {(std::int64_t{1} << 61)};
  list.push_back(single("requantize_62_bits", {8}, {true, 31, 0}, wide, s8));
  list.push_back(single("requantize_negative_halves", {8}, s8, shift_by(1, Rounding::half_even), s8));
  Threshold threshold;
  threshold.steps = 3;
  threshold.axis = 0;
  threshold.thresholds = {-5, 0, 9, -100, 2, 2, 0, 1, 2, -128, 127, 127};
  threshold.base = {0, 3, -1, 5};
  threshold.sign = {1, -1, 1, -1};
  list.push_back(single("threshold_channel", {4, 6}, s8, threshold, Type{true, 5, 0}));
  Threshold many;
  many.steps = 255;
  for (int i = 0; i < 255; ++i) many.thresholds.push_back(i * 250 - 32000);
  many.base = {-128};
  many.sign = {1};
  list.push_back(single("threshold_255_steps", {10}, s16, many, s8));
  Lookup lookup;
  lookup.first = -128;
  lookup.table = weights(256, 30000, 21);
  list.push_back(single("lookup", {12}, s8, lookup, s16));
  Lookup rows = lookup;
  rows.rows = 3;
  rows.axis = 1;
  rows.first = -130;
  rows.table = weights(3 * 260, 100, 22);
  list.push_back(single("lookup_rows", {2, 3}, s8, rows, s8));
}

void add_layout(std::vector<Network>& list) {
  list.push_back(make("concat_types", [](Builder& b) {
    const NodeId x = b.input("x", {2, 3}, s8);
    const NodeId y = b.input("y", {2, 2}, u8);
    const NodeId z = b.constant("z", {2, 1}, s16, {-300, 300});
    return std::vector{b.add("all", Concat{1}, {x, y, z, x})};
  }));
  list.push_back(single("reshape", {2, 3, 4}, s8, Reshape{}, Shape{4, 6}));
  list.push_back(single("transpose", {2, 3, 4}, s16, Transpose{{2, 0, 1}}));
  list.push_back(single("slice_backwards", {5, 7}, s8, Slice{{4, 1}, {-2, 2}}, Shape{3, 3}));
  list.push_back(single("pad", {2, 3}, u8, Pad{{1, 0}, {0, 2}, 200}));
  list.push_back(single("resize", {2, 3, 2}, s8, Resize{{1, 2, 3}}));
  list.push_back(make("depth_to_space", [](Builder& b) {
    NodeId x = b.input("x", {8, 3, 2}, s8);
    x = b.add("blocks", Reshape{}, {x}, Shape{2, 2, 2, 3, 2});
    x = b.add("moved", Transpose{{0, 3, 1, 4, 2}}, {x});
    return std::vector{b.add("image", Reshape{}, {x}, Shape{2, 6, 4})};
  }));
}

void add_lanes(std::vector<Network>& list) {
  list.push_back(make("reduce", [](Builder& b) {
    const NodeId x = b.input("x", {3, 5, 2}, s8);
    std::vector<NodeId> results;
    for (int kind = 0; kind < 5; ++kind) {
      for (int axis = 0; axis < 3; ++axis) {
        results.push_back(b.add("r" + std::to_string(kind) + std::to_string(axis),
                                Reduce{static_cast<ReduceKind>(kind), axis}, {x}));
      }
    }
    return results;
  }));
  list.push_back(single("reduce_to_a_single_value", {9}, s8, Reduce{ReduceKind::sum_of_squares, 0}));
  list.push_back(make("sort", [](Builder& b) {
    const NodeId x = b.input("x", {6, 3}, {true, 3, 0});
    const NodeId key = b.input("key", {6, 1}, {true, 3, 0});
    std::vector<NodeId> results;
    for (const bool descending : {false, true}) {
      for (const SortResult result : {SortResult::values, SortResult::indices}) {
        const std::string name = "s" + std::to_string(results.size());
        results.push_back(b.add(name, Sort{0, descending, result}, {x}));
        results.push_back(b.add(name + "k", Sort{0, descending, result}, {x, key}));
      }
    }
    results.push_back(b.add("top2", Slice{{0, 0}, {1, 1}}, {results[5]}, Shape{2, 3}));
    return results;
  }));
  list.push_back(make("sort_key_stretched_along_one_axis", [](Builder& b) {
    const NodeId x = b.input("x", {5, 2, 3}, {true, 6, 0});
    const NodeId key = b.input("key", {5, 1, 3}, {true, 6, 0});
    return std::vector{b.add("first", Sort{0, true, SortResult::values}, {x, key}),
                       b.add("second", Sort{0, false, SortResult::indices}, {x, key})};
  }));
}

/// h' = requantize(table[dense(x) + dense(h)]): a simple recurrent cell with a table for its activation.
Network make_cell(int features, int states) {
  Builder b("cell");
  const NodeId x = b.input("x", {features}, s8);
  const NodeId h = b.input("h", {states}, {true, 8, 7});
  Dense from_x = make_dense(features, states, 60, 30);
  Dense from_h = make_dense(states, states, 60, 31);
  from_h.weight_fraction = 3;
  const NodeId sum = b.add("sum", Add{}, {b.add("from_x", from_x, {x}), b.add("from_h", from_h, {h})});
  const NodeId index = b.add("index", shift_by(6), {sum}, Type{true, 9, 4});
  Lookup tanh;
  tanh.first = -256;
  for (int i = -256; i < 256; ++i) tanh.table.push_back(127 * i / (24 + (i < 0 ? -i : i)));
  b.output("next", b.add("tanh", tanh, {index}, Type{true, 8, 7}));
  return b.finish();
}

void add_models(std::vector<Network>& list) {
  for (const bool sequence : {false, true}) {
    for (const bool reverse : {false, true}) {
      list.push_back(
          make(sequence ? (reverse ? "scan_back_all" : "scan_all") : (reverse ? "scan_back" : "scan"),
               [&](Builder& b) {
                 const NodeId x = b.input("x", {5, 3}, s8);
                 const NodeId h = b.constant("h0", {4}, {true, 8, 7}, {0, 1, -128, 127});
                 Recurrent op;
                 op.body = std::make_shared<const Network>(make_cell(3, 4));
                 op.sequence = sequence;
                 op.reverse = reverse;
                 return std::vector{b.add("scan", op, {x, h})};
               }));
    }
  }
  TreeEnsemble ensemble;
  ensemble.outputs = 2;
  ensemble.bias = {10, -10};
  ensemble.missing = -128;
  ensemble.trees.push_back(
      {0,
       {{0, 5, 1, 2, true, {}}, {1, -20, ~0, ~1, false, {}}, {2, 0, ~2, ~3, false, {-3, 0, 3, 100}}},
       {1, 2, 4, 8}});
  ensemble.trees.push_back({1, {{1, 0, ~0, ~1, true, {}}}, {-100000, 100000}});
  ensemble.trees.push_back({1, {}, {7}});
  list.push_back(single("tree_ensemble", {3}, s8, ensemble));
  list.push_back(make("constant_alone", [](Builder& b) {
    b.input("x", {1}, s8);
    return std::vector{b.constant("c", {3}, {true, 64, 0}, {1, -1, std::int64_t{1} << 50})};
  }));
}

}  // namespace

std::vector<Network> operation_samples() {
  std::vector<Network> list;
  add_sums(list);
  add_elementwise(list);
  add_quantizers(list);
  add_layout(list);
  add_lanes(list);
  add_models(list);
  return list;
}

Network sample_mlp() {
  return make("mlp", [](Builder& b) {
    NodeId x = b.input("x", {16}, s8);
    x = b.add("q1", shift_by(6), {b.add("d1", make_dense(16, 64, 31, 40), {x})}, Type{false, 6, 4});
    x = b.add("q2", shift_by(6), {b.add("d2", make_dense(64, 32, 31, 41), {x})}, Type{false, 6, 4});
    return std::vector{b.add("d3", make_dense(32, 5, 31, 42), {x})};
  });
}

Network sample_cnn() {
  return make("cnn", [](Builder& b) {
    NodeId x = b.input("x", {1, 10, 8}, u8);
    x = b.add("c1", make_conv({1, 8, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}, 127, 50), {x});
    x = b.add("q1", shift_by(9), {x}, u8);
    x = b.add("p1", Pool{PoolKind::max, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}}, {x});
    x = b.add("c2", make_conv({8, 4, 1, {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}}}, 127, 51), {x});
    x = b.add("q2", shift_by(9), {x}, u8);
    x = b.add("flat", Reshape{}, {x}, Shape{4 * 5 * 4});
    return std::vector{b.add("d", make_dense(80, 3, 127, 52), {x})};
  });
}

Network sample_trees() {
  TreeEnsemble ensemble;
  ensemble.bias = {0};
  std::uint32_t state = 60;
  const auto next = [&](unsigned below) {
    return static_cast<int>(((state = state * 1664525u + 1013904223u) >> 8) % below);
  };
  for (int t = 0; t < 40; ++t) {
    Tree tree;
    for (int n = 0; n < 7; ++n) {
      TreeNode node{next(16), next(256) - 128, 2 * n + 1, 2 * n + 2, false, {}};
      if (n >= 3) node.left = ~(2 * (n - 3));
      if (n >= 3) node.right = ~(2 * (n - 3) + 1);
      tree.nodes.push_back(node);
    }
    for (int leaf = 0; leaf < 8; ++leaf) tree.leaves.push_back(next(4001) - 2000);
    ensemble.trees.push_back(tree);
  }
  return single("trees", {16}, s8, ensemble);
}

Network sample_recurrent() {
  return make("recurrent", [](Builder& b) {
    const NodeId x = b.input("x", {6, 4}, s8);
    const NodeId h = b.constant("h0", {8}, {true, 8, 7}, std::vector<std::int64_t>(8, 0));
    Recurrent op;
    op.body = std::make_shared<const Network>(make_cell(4, 8));
    const NodeId last = b.add("scan", op, {x, h});
    return std::vector{b.add("d", make_dense(8, 1, 127, 61), {last})};
  });
}

}  // namespace crible::conformance
