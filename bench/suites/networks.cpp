#include "bench/suites/networks.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "engine/network/build.hpp"

namespace crible::bench {
namespace {

using namespace network;

class Maker {
 public:
  Maker(const std::string& name, std::uint64_t seed) : random_(seed), builder_(name) {}

  Builder& builder() { return builder_; }

  /// Dense, then half to even to `bits` unsigned bits (relu included), unless it is the last layer.
  NodeId dense(NodeId x, int outputs, int weight_bits, int bits) {
    Dense layer;
    layer.inputs = builder_.node(x).shape.back();
    layer.outputs = outputs;
    layer.weights = weights(static_cast<std::size_t>(layer.inputs * outputs), weight_bits);
    layer.bias = weights(static_cast<std::size_t>(outputs), weight_bits);
    return relu(builder_.add(name(), std::move(layer), {x}), bits);
  }

  NodeId conv(NodeId x, int filters, int weight_bits, int bits) {
    Conv layer;
    layer.filters = filters;
    layer.window = {{3, 3}, {1, 1}, {1, 1}, {1, 1}, {1, 1}};
    const int channels = builder_.node(x).shape[0];
    layer.weights = weights(static_cast<std::size_t>(filters * channels * 9), weight_bits);
    layer.bias = weights(static_cast<std::size_t>(filters), weight_bits);
    return relu(builder_.add(name(), std::move(layer), {x}), bits);
  }

  NodeId pool(NodeId x) {
    return builder_.add(name(), Pool{PoolKind::max, {{2, 2}, {2, 2}, {1, 1}, {0, 0}, {0, 0}}}, {x});
  }

  NodeId relu(NodeId sums, int bits) {
    if (bits == 0) return sums;
    return quantized(sums, Type{false, bits, 0}, 2);
  }

  /// To `type`, its full range being `1 / headroom` of what the sums could reach.
  NodeId quantized(NodeId sums, Type type, int headroom) {
    const Interval range = hull(builder_.range(sums));
    const double reach = static_cast<double>(std::max(std::abs(range.low), range.high)) / (1 << headroom);
    Requantize r;
    r.rounding = Rounding::half_even;
    r.shift = {
        std::max(0, static_cast<int>(std::lround(std::log2(reach / static_cast<double>(highest(type))))))};
    return builder_.add(name(), std::move(r), {sums}, type);
  }

  std::vector<std::int64_t> weights(std::size_t count, int bits) {
    const double top = (1 << (bits - 1)) - 1;
    std::normal_distribution<double> normal(0, top / 3);
    std::vector<std::int64_t> result(count);
    for (std::int64_t& w : result) w = std::lround(std::clamp(normal(random_), -top, top));
    return result;
  }

  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::string name() { return "n" + std::to_string(++names_); }

 private:
  std::mt19937_64 random_;
  Builder builder_;
  int names_ = 0;
};

Network mlp(const std::string& name, Type input, const std::vector<int>& widths, int weight_bits, int bits,
            std::uint64_t seed) {
  Maker maker(name, seed);
  NodeId x = maker.builder().input("x", {widths[0]}, input);
  for (std::size_t i = 1; i < widths.size(); ++i) {
    x = maker.dense(x, widths[i], weight_bits, i + 1 < widths.size() ? bits : 0);
  }
  maker.builder().output("y", x);
  return maker.builder().finish();
}

Network calorimeter() {
  Maker maker("calo_cnn", 3);
  NodeId x = maker.builder().input("x", {1, 18, 14}, {false, 8, 0});
  x = maker.conv(x, 8, 8, 8);
  x = maker.pool(maker.conv(x, 16, 8, 8));
  const int elements = static_cast<int>(element_count(maker.builder().node(x).shape));
  x = maker.builder().add("flat", Reshape{}, {x}, Shape{elements});
  x = maker.dense(maker.dense(x, 32, 8, 8), 1, 8, 0);
  maker.builder().output("y", x);
  return maker.builder().finish();
}

/// A gated recurrent unit with table activations: r, z = sigmoid(W x + U h), n = tanh(W x + r * U h),
/// h' = n + z * (h - n). All values s8.7 but the gates, which are u8.8.
Network gru_body(int inputs, int hidden) {
  Maker maker("gru_body", 5);
  Builder& body = maker.builder();
  const Type state{true, 8, 7};
  const NodeId x = body.input("x", {inputs}, state);
  const NodeId h = body.input("h", {hidden}, state);
  const auto product = [&](NodeId of, int outputs) {
    Dense layer;
    layer.inputs = body.node(of).shape[0];
    layer.outputs = outputs;
    layer.weight_fraction = 6;
    layer.weights = maker.weights(static_cast<std::size_t>(layer.inputs * outputs), 8);
    layer.bias = maker.weights(static_cast<std::size_t>(outputs), 8);
    return body.add(maker.name(), std::move(layer), {of});
  };
  const auto table = [&](NodeId sums, Type type, double (*f)(double)) {
    Requantize to_index;
    to_index.shift = {6};
    to_index.rounding = Rounding::half_even;
    const NodeId index = body.add(maker.name(), std::move(to_index), {sums}, Type{true, 10, 7});
    const Interval range = hull(body.range(index));
    Lookup lookup;
    lookup.first = range.low;
    for (std::int64_t i = range.low; i <= range.high; ++i) {
      const double value = f(static_cast<double>(i) / 128) * std::ldexp(1.0, type.fraction);
      lookup.table.push_back(std::clamp<std::int64_t>(std::lround(value), lowest(type), highest(type)));
    }
    return body.add(maker.name(), std::move(lookup), {index}, type);
  };
  const auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
  const auto tangent = [](double v) { return std::tanh(v); };
  const auto slice = [&](NodeId of, int start) {
    return body.add(maker.name(), Slice{{start}, {1}}, {of}, Shape{hidden});
  };
  const auto to_state = [&](NodeId value, int shift) {
    Requantize r;
    r.shift = {shift};
    r.rounding = Rounding::half_even;
    return body.add(maker.name(), std::move(r), {value}, state);
  };
  const NodeId joined = body.add(maker.name(), Concat{0}, {x, h});
  const NodeId gates = table(product(joined, 2 * hidden), {false, 8, 8}, sigmoid);
  const NodeId recurrent = to_state(product(h, hidden), 6);
  const NodeId gated = body.add(maker.name(), Multiply{}, {slice(gates, 0), recurrent});
  const NodeId fresh = body.add(maker.name(), Add{}, {to_state(product(x, hidden), 6), to_state(gated, 8)});
  Requantize align;
  const NodeId wide = body.add(maker.name(), std::move(align), {fresh}, Type{true, 10, 7});
  const Interval range = hull(body.range(wide));
  Lookup curve;
  curve.first = range.low;
  for (std::int64_t i = range.low; i <= range.high; ++i) {
    curve.table.push_back(
        std::clamp<std::int64_t>(std::lround(tangent(static_cast<double>(i) / 128) * 128), -128, 127));
  }
  const NodeId candidate = body.add(maker.name(), std::move(curve), {wide}, state);
  const NodeId change = body.add(maker.name(), Subtract{}, {h, candidate});
  const NodeId kept = to_state(body.add(maker.name(), Multiply{}, {slice(gates, hidden), change}), 8);
  body.output("h_next", to_state(body.add(maker.name(), Add{}, {candidate, kept}), 0));
  return body.finish();
}

Network gru() {
  constexpr int time_steps = 20, gru_inputs = 6, gru_hidden = 20;
  Maker maker("gru", 6);
  Builder& builder = maker.builder();
  const NodeId x = builder.input("x", {time_steps, gru_inputs}, {true, 8, 7});
  const NodeId zero =
      builder.constant("h0", {gru_hidden}, {true, 8, 7}, std::vector<std::int64_t>(gru_hidden, 0));
  Recurrent recurrent;
  recurrent.body = std::make_shared<const Network>(gru_body(gru_inputs, gru_hidden));
  const NodeId last = builder.add("gru", std::move(recurrent), {x, zero});
  builder.output("y", maker.dense(last, 2, 8, 0));
  return builder.finish();
}

int grow(Maker& maker, Tree& tree, int features, Type type, int depth) {
  if (depth == 0) {
    tree.leaves.push_back(maker.number(-(1 << 20), 1 << 20));
    return ~(static_cast<int>(tree.leaves.size()) - 1);
  }
  const std::size_t at = tree.nodes.size();
  TreeNode node;
  node.feature = maker.number(0, features - 1);
  node.threshold = maker.number(static_cast<int>(lowest(type)), static_cast<int>(highest(type)) - 1);
  tree.nodes.push_back(node);
  const int left = grow(maker, tree, features, type, depth - 1);
  const int right = grow(maker, tree, features, type, depth - 1);
  tree.nodes[at].left = left;
  tree.nodes[at].right = right;
  return static_cast<int>(at);
}

/// Features of `bits`: 8 where the importer has replaced floats by ranks among their thresholds.
Network trees(const std::string& name, int bits) {
  constexpr int tree_count = 100, tree_depth = 4, feature_count = 16;
  Maker maker(name, 7);
  const Type type{false, bits, 0};
  const NodeId x = maker.builder().input("x", {feature_count}, type);
  TreeEnsemble ensemble;
  ensemble.bias = {0};
  for (int i = 0; i < tree_count; ++i) {
    Tree tree;
    grow(maker, tree, feature_count, type, tree_depth);
    ensemble.trees.push_back(std::move(tree));
  }
  maker.builder().output("y", maker.builder().add("trees", std::move(ensemble), {x}));
  return maker.builder().finish();
}

}  // namespace

std::vector<Named> comparison_networks() {
  std::vector<Named> networks;
  networks.push_back({"jet_mlp", mlp("jet_mlp", {true, 16, 10}, {16, 64, 32, 32, 5}, 6, 6, 1)});
  networks.push_back({"jet_mlp_8", mlp("jet_mlp_8", {true, 8, 0}, {16, 64, 32, 32, 5}, 8, 8, 1)});
  networks.push_back({"autoencoder", mlp("autoencoder", {true, 8, 0}, {57, 32, 16, 3, 16, 32, 57}, 8, 8, 2)});
  networks.push_back({"calo_cnn", calorimeter()});
  networks.push_back({"big_mlp", mlp("big_mlp", {true, 8, 0}, {57, 256, 256, 128, 1}, 8, 8, 4)});
  networks.push_back({"gru", gru()});
  networks.push_back({"trees_8", trees("trees_8", 8)});
  networks.push_back({"trees_16", trees("trees_16", 16)});
  return networks;
}

std::vector<network::Network> small_networks(int count) {
  std::vector<network::Network> networks;
  for (int i = 0; i < count; ++i) {
    networks.push_back(mlp("small_" + std::to_string(i), {true, 8, 0}, {16, 32, 16, 4}, 8, 8,
                           1000 + static_cast<std::uint64_t>(i)));
  }
  return networks;
}

}  // namespace crible::bench
