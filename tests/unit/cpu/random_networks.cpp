#include "tests/unit/cpu/random_networks.hpp"

#include <algorithm>
#include <random>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"

namespace crible::test {
namespace {

using namespace network;

class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed), builder_("random_" + std::to_string(seed)) {}

  Network make() {
    values_.push_back(builder_.input("x", random_shape(), random_type(16)));
    if (chance(4)) values_.push_back(builder_.input("z", random_shape(), random_type(32)));
    const int wanted = number(2, 8);
    for (int tries = 0; static_cast<int>(values_.size()) < wanted && tries < 100; ++tries) {
      try {
        add_node();
      } catch (const Error&) {  // not a network, e.g. a sum that may overflow: try another node
      }
    }
    builder_.output("y", values_.back());
    if (values_.size() > 2 && chance(3)) builder_.output("y2", values_[values_.size() / 2]);
    return builder_.finish();
  }

 private:
  int number(int low, int high) { return std::uniform_int_distribution<int>(low, high)(random_); }
  std::int64_t number_64(std::int64_t low, std::int64_t high) {
    return std::uniform_int_distribution<std::int64_t>(low, high)(random_);
  }
  bool chance(int one_in) { return number(1, one_in) == 1; }

  Shape random_shape() {
    switch (number(0, 3)) {
      case 0:
        return {number(1, 40)};
      case 1:
        return {number(1, 6), number(1, 9)};
      case 2:
        return {number(1, 9), number(1, 7), number(1, 7)};
      default:
        return {4, 6, 6};
    }
  }
  Type random_type(int widest) {
    const int width = chance(2) ? number(1, std::min(8, widest)) : number(1, widest);
    return {chance(2), width, number(-2, 6)};
  }
  std::vector<std::int64_t> numbers(std::size_t count, std::int64_t low, std::int64_t high) {
    std::vector<std::int64_t> result(count);
    for (std::int64_t& x : result) x = chance(6) ? 0 : number_64(low, high);
    return result;
  }
  std::vector<std::int64_t> weights(std::size_t count) {
    const int bits = number(1, 4) == 1 ? number(8, 18) : number(1, 8);
    return numbers(count, -(std::int64_t{1} << (bits - 1)), (std::int64_t{1} << (bits - 1)) - 1);
  }
  const Node& node(NodeId id) const { return builder_.node(id); }
  NodeId any() {
    return values_[static_cast<std::size_t>(
        number(chance(3) ? 0 : static_cast<int>(values_.size()) - 1, static_cast<int>(values_.size()) - 1))];
  }
  std::string name() { return "n" + std::to_string(++names_); }
  template <class... Arguments>
  void keep(Operation operation, std::vector<NodeId> inputs, Arguments... arguments) {
    values_.push_back(builder_.add(name(), std::move(operation), std::move(inputs), arguments...));
  }

  Window window(const Shape& shape, bool padded) {
    Window w;
    for (std::size_t axis = 1; axis < shape.size(); ++axis) {
      w.kernel.push_back(number(1, 3));
      w.stride.push_back(number(1, 2));
      w.dilation.push_back(number(1, 2));
      w.pad_before.push_back(padded ? number(0, 1) : 0);
      w.pad_after.push_back(padded ? number(0, 1) : 0);
    }
    return w;
  }

  void add_node() {
    const NodeId x = any();
    const Shape shape = node(x).shape;
    if (shape.empty()) return keep(Clamp{number(-20, 0), number(1, 300)}, {x});
    switch (number(0, 27)) {
      case 0:
      case 1:
      case 2:
        return add_dense(x, shape);
      case 3:
      case 4:
      case 5:
        return add_conv(x, shape);
      case 6:
      case 7:
      case 8:
      case 9:
        return add_requantize(x, shape);
      case 10:
        return add_threshold(x, shape);
      case 11:
        return add_lookup(x, shape);
      case 12:
        return add_pool(x, shape);
      case 13:
        return keep(Reshape{}, {x}, Shape{static_cast<int>(element_count(shape))});
      case 14:
        return add_layout(x, shape);
      case 15:
        return keep(
            Reduce{static_cast<ReduceKind>(number(0, 4)), number(0, static_cast<int>(shape.size()) - 1)},
            {x});
      case 16:
        return keep(Sort{number(0, static_cast<int>(shape.size()) - 1), chance(2),
                         chance(2) ? SortResult::values : SortResult::indices},
                    {x});
      case 17:
        return keep(Clamp{number(-20, 0), number(1, 300)}, {x});
      case 18:
        return keep(LeakyRelu{number(1, 4)}, {x});
      case 19:
        return add_trees(x, shape);
      case 20:
      case 21:
        return add_binary(x);
      case 22:
        return add_select(x);
      case 23:
        return add_recurrent(x, shape);
      case 24:
        return keep(Concat{number(0, static_cast<int>(shape.size()) - 1)}, {x, x});
      default:
        return add_dense(x, shape);
    }
  }

  void add_dense(NodeId x, const Shape& shape) {
    Dense dense;
    dense.inputs = shape.back();
    dense.outputs = number(1, 40);
    dense.weights = weights(static_cast<std::size_t>(dense.inputs * dense.outputs));
    dense.bias = numbers(static_cast<std::size_t>(dense.outputs), -1000, 1000);
    keep(std::move(dense), {x});
    if (!chance(4)) add_requantize(values_.back(), node(values_.back()).shape);
  }

  void add_conv(NodeId x, const Shape& shape) {
    if (shape.size() < 2) return;
    Conv conv;
    conv.groups = shape[0] % 2 == 0 && chance(3) ? 2 : chance(6) ? shape[0] : 1;
    conv.filters = conv.groups * number(1, 9);
    conv.window = window(shape, true);
    conv.pad_value =
        chance(2) ? 0 : std::clamp<std::int64_t>(number(-3, 3), lowest(node(x).type), highest(node(x).type));
    conv.weights = weights(static_cast<std::size_t>(conv.filters * shape[0] / conv.groups) *
                           element_count(conv.window.kernel));
    conv.bias = numbers(static_cast<std::size_t>(conv.filters), -1000, 1000);
    keep(std::move(conv), {x});
    if (!chance(4)) add_requantize(values_.back(), node(values_.back()).shape);
  }

  void add_requantize(NodeId x, const Shape& shape) {
    const Interval range = hull(builder_.range(x));
    int bits = 1;
    while (bits < 40 && (range.high >> bits) > 0) ++bits;
    Requantize r;
    r.rounding = chance(2) ? Rounding::half_even : static_cast<Rounding>(number(0, 8));
    r.overflow = static_cast<Overflow>(chance(2) ? 1 : number(0, 2));
    r.axis = number(0, static_cast<int>(shape.size()) - 1);
    const std::size_t per = chance(2)   ? 1
                            : chance(6) ? element_count(shape)
                                        : static_cast<std::size_t>(shape[static_cast<std::size_t>(r.axis)]);
    const Type type = random_type(chance(3) ? 32 : 8);
    const int shift = std::max(0, bits - type.width + number(-1, 2));
    if (chance(2)) {
      r.shift.assign(per, shift);
      for (int& s : r.shift) s = std::clamp(s + (chance(3) ? number(-1, 1) : 0), 0, 40);
    } else {
      r.multiplier = numbers(per, -3, (std::int64_t{1} << 20) - 1);
      r.shift = {shift + 20};
    }
    if (chance(2)) r.offset = numbers(chance(2) ? 1 : per, -1000, 1000);
    if (chance(3)) r.zero_point = numbers(1, -10, 10);
    keep(std::move(r), {x}, type);
    if (chance(4)) keep(Clamp{0, number(1, 200)}, {values_.back()});
  }

  void add_threshold(NodeId x, const Shape& shape) {
    const Interval range = hull(builder_.range(x));
    Threshold t;
    t.axis = number(0, static_cast<int>(shape.size()) - 1);
    const int rows = chance(2) ? 1 : shape[static_cast<std::size_t>(t.axis)];
    t.steps = number(1, 20);
    for (int row = 0; row < rows; ++row) {
      auto steps = numbers(static_cast<std::size_t>(t.steps), range.low, range.high);
      std::sort(steps.begin(), steps.end());
      t.thresholds.insert(t.thresholds.end(), steps.begin(), steps.end());
      t.base.push_back(number(-5, 5));
      t.sign.push_back(chance(4) ? -1 : 1);
    }
    keep(std::move(t), {x}, Type{true, 7, 0});
  }

  void add_lookup(NodeId x, const Shape& shape) {
    const Interval range = hull(builder_.range(x));
    if (range.high - range.low > 5000) return;
    Lookup l;
    l.axis = number(0, static_cast<int>(shape.size()) - 1);
    l.rows = chance(2) ? 1 : shape[static_cast<std::size_t>(l.axis)];
    l.first = range.low;
    l.table = numbers(static_cast<std::size_t>(l.rows) * static_cast<std::size_t>(range.high - range.low + 1),
                      -120, 120);
    keep(std::move(l), {x}, Type{true, 8, 3});
  }

  void add_pool(NodeId x, const Shape& shape) {
    if (shape.size() < 2) return;
    keep(Pool{chance(3) ? PoolKind::sum : PoolKind::max, window(shape, true)}, {x});
  }

  void add_layout(NodeId x, const Shape& shape) {
    const std::size_t rank = shape.size();
    switch (number(0, 3)) {
      case 0: {
        Transpose t;
        for (std::size_t i = 0; i < rank; ++i) t.permutation.push_back(static_cast<int>(i));
        std::shuffle(t.permutation.begin(), t.permutation.end(), random_);
        return keep(std::move(t), {x});
      }
      case 1: {
        Slice s{std::vector<int>(rank, 0), std::vector<int>(rank, 1)};
        Shape out = shape;
        const auto axis = static_cast<std::size_t>(number(0, static_cast<int>(rank) - 1));
        s.start[axis] = number(0, shape[axis] - 1);
        out[axis] = number(1, shape[axis] - s.start[axis]);
        return keep(std::move(s), {x}, out);
      }
      case 2: {
        Pad p{std::vector<int>(rank, 0), std::vector<int>(rank, 1), 0};
        p.before[0] = 1;
        return keep(std::move(p), {x});
      }
      default: {
        if (element_count(shape) > 200) return;
        Resize r{std::vector<int>(rank, 1)};
        r.factor.back() = 2;
        return keep(std::move(r), {x});
      }
    }
  }

  void add_binary(NodeId x) {
    const NodeId other = any();
    switch (number(0, 3)) {
      case 0:
        return keep(Add{}, {x, other});
      case 1:
        return keep(Subtract{}, {x, other});
      case 2:
        return keep(Multiply{}, {x, other});
      default:
        return keep(Compare{static_cast<Comparison>(number(0, 5))}, {x, other});
    }
  }

  void add_select(NodeId x) {
    const Shape shape = node(x).shape;
    const NodeId zero = builder_.constant(name(), {1}, node(x).type, {1 & highest(node(x).type)});
    const NodeId condition = builder_.add(name(), Compare{Comparison::greater}, {x, zero});
    keep(Select{}, {condition, x, zero});
  }

  void add_trees(NodeId x, const Shape& shape) {
    if (shape.size() != 1) return;
    const Interval range = hull(builder_.range(x));
    TreeEnsemble ensemble;
    ensemble.outputs = number(1, 3);
    ensemble.bias = numbers(static_cast<std::size_t>(ensemble.outputs), -50, 50);
    if (chance(3)) ensemble.missing = range.low;
    const int depth = number(0, 4);
    const int leaf_bits = number(4, 40);
    for (int t = number(1, 20); t > 0; --t)
      ensemble.trees.push_back(tree(ensemble, shape[0], depth, range, leaf_bits));
    keep(std::move(ensemble), {x});
  }

  Tree tree(const TreeEnsemble& ensemble, int features, int depth, Interval range, int leaf_bits) {
    Tree t;
    t.output = number(0, ensemble.outputs - 1);
    if (depth > 0) grow(t, features, depth, range, leaf_bits);
    if (depth == 0) t.leaves.push_back(number(-9, 9));
    return t;
  }
  int grow(Tree& t, int features, int depth, Interval range, int leaf_bits) {
    if (depth == 0 || (!t.nodes.empty() && chance(8))) {
      t.leaves.push_back(number_64(-(std::int64_t{1} << leaf_bits), std::int64_t{1} << leaf_bits));
      return ~(static_cast<int>(t.leaves.size()) - 1);
    }
    const std::size_t at = t.nodes.size();
    TreeNode inner;
    inner.feature = number(0, features - 1);
    inner.threshold = number_64(range.low, range.high);
    inner.missing_left = chance(2);
    if (chance(12)) inner.categories = {range.low, std::max(range.low + 1, range.high)};
    t.nodes.push_back(inner);
    const int left = grow(t, features, depth - 1, range, leaf_bits);
    const int right = grow(t, features, depth - 1, range, leaf_bits);
    t.nodes[at].left = left;
    t.nodes[at].right = right;
    return static_cast<int>(at);
  }

  /// state' = clip(W x + U state): a simple RNN.
  void add_recurrent(NodeId x, const Shape& shape) {
    if (shape.size() != 2) return;
    const Type state{true, 6, node(x).type.fraction};
    const int hidden = number(1, 6);
    Builder body("body");
    const NodeId slice = body.input("x", {shape[1]}, node(x).type);
    const NodeId before = body.input("h", {hidden}, state);
    const NodeId joined = body.add("joined", Concat{0}, {slice, before});
    Dense dense;
    dense.inputs = shape[1] + hidden;
    dense.outputs = hidden;
    dense.weights = numbers(static_cast<std::size_t>(dense.inputs * hidden), -7, 7);
    dense.bias = numbers(static_cast<std::size_t>(hidden), -9, 9);
    const NodeId sums = body.add("sums", std::move(dense), {joined});
    Requantize r;
    r.shift = {3};
    r.rounding = Rounding::half_even;
    body.output("h_next", body.add("h1", std::move(r), {sums}, state));
    Recurrent recurrent;
    recurrent.body = std::make_shared<const Network>(body.finish());
    recurrent.sequence = chance(2);
    recurrent.reverse = chance(2);
    const NodeId zero = builder_.constant(name(), {hidden}, state,
                                          std::vector<std::int64_t>(static_cast<std::size_t>(hidden), 0));
    keep(std::move(recurrent), {x, zero});
  }

  std::mt19937_64 random_;
  Builder builder_;
  std::vector<NodeId> values_;
  int names_ = 0;
};

}  // namespace

Network random_network(std::uint64_t seed) {
  return Maker(seed).make();
}

}  // namespace crible::test
