#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <span>

#include "engine/network/build.hpp"
#include "tests/unit/cpu/executor.hpp"

// Loops around bodies, elementwise nodes joined to chains, and the rows that both use.
namespace crible::test {
namespace {

using namespace network;

const Type byte_state{true, 8, 0};
const Type wide_state{false, 32, 0};  // rows of 64 bits

class Body {
 public:
  explicit Body(const std::string& name) : builder_(name), random_(5) {}

  Builder& builder() { return builder_; }
  NodeId add(Operation operation, std::vector<NodeId> inputs) {
    return builder_.add(name(), std::move(operation), std::move(inputs));
  }
  NodeId cut(NodeId x, int from, int count) {
    return builder_.add(name(), Slice{{from}, {1}}, {x}, Shape{count});
  }
  NodeId dense(NodeId x, int outputs) {
    Dense layer;
    layer.inputs = builder_.node(x).shape[0];
    layer.outputs = outputs;
    std::uniform_int_distribution<std::int64_t> weights(-60, 60);
    for (int i = 0; i < layer.inputs * outputs; ++i) layer.weights.push_back(weights(random_));
    layer.bias.assign(static_cast<std::size_t>(outputs), 3);
    return add(std::move(layer), {x});
  }
  NodeId quantized(NodeId x, int shift, Type type, Rounding rounding = Rounding::half_even) {
    Requantize r;
    r.shift = {shift};
    r.rounding = rounding;
    return builder_.add(name(), std::move(r), {x}, type);
  }
  /// A table over an 8-bit value that falls and rises, so that no two entries are alike by chance.
  NodeId table(NodeId x) {
    Lookup lookup;
    lookup.first = -128;
    for (std::int64_t i = -128; i < 128; ++i) lookup.table.push_back((i * i + 31 * i) % 128);
    return builder_.add(name(), std::move(lookup), {x}, byte_state);
  }

 private:
  std::string name() { return "n" + std::to_string(++names_); }

  Builder builder_;
  std::mt19937_64 random_;
  int names_ = 0;
};

/// A gated unit of `hidden` values: slices of one table's result, rearranged operands, values read twice.
Network gated_body(int inputs, int hidden) {
  Body body("gated");
  const NodeId x = body.builder().input("x", {inputs}, byte_state);
  const NodeId h = body.builder().input("h", {hidden}, byte_state);
  const NodeId joined = body.add(Concat{0}, {x, h});
  const NodeId gates = body.table(body.quantized(body.dense(joined, 2 * hidden), 7, byte_state));
  const NodeId fresh = body.quantized(body.dense(h, hidden), 6, byte_state, Rounding::half_away);
  const NodeId gated = body.add(Multiply{}, {body.cut(gates, 0, hidden), fresh});
  const NodeId candidate = body.table(body.quantized(gated, 7, byte_state, Rounding::toward_zero));
  const NodeId square = body.add(Multiply{}, {candidate, candidate});
  const NodeId change = body.add(Subtract{}, {h, body.quantized(square, 7, byte_state, Rounding::floor)});
  const NodeId kept = body.add(Multiply{}, {body.cut(gates, hidden, hidden), change});
  const NodeId sum = body.add(Add{}, {candidate, body.quantized(kept, 8, byte_state)});
  body.builder().output("next", body.quantized(sum, 0, byte_state));
  return body.builder().finish();
}

void expect_scan(const Network& body, int steps, const Shape& slice, const std::vector<Node>& states,
                 int emit) {
  for (const bool sequence : {false, true}) {
    for (const bool reverse : {false, true}) {
      SCOPED_TRACE(body.name + (sequence ? ", sequence" : "") + (reverse ? ", reverse" : ""));
      Builder builder("scan");
      Shape shape{steps};
      shape.insert(shape.end(), slice.begin(), slice.end());
      std::vector<NodeId> inputs{builder.input("x", shape, byte_state)};
      for (std::size_t i = 0; i < states.size(); ++i) {
        std::vector<std::int64_t> first(element_count(states[i].shape));
        for (std::size_t j = 0; j < first.size(); ++j) first[j] = static_cast<std::int64_t>(j % 7);
        inputs.push_back(builder.constant("s" + std::to_string(i), states[i].shape, states[i].type, first));
      }
      Recurrent recurrent{std::make_shared<const Network>(body), emit, sequence, reverse};
      const NodeId scanned = builder.add("scan", std::move(recurrent), inputs);
      builder.output("y", scanned);
      builder.output("x_again", inputs[0]);  // still there after the loop
      const Network network = builder.finish();
      expect_equal_to_reference(network, make_events(network, 40, 9), {1, 33, 40});
    }
  }
}

Node state(const Shape& shape, Type type) {
  Node node;
  node.shape = shape;
  node.type = type;
  return node;
}

/// Widths below, at and above vectors and blocks of every instruction set.
TEST(Recurrent, GatedUnitsOfManyWidths) {
  for (const int hidden : {1, 4, 7, 20, 33, 130}) {
    expect_scan(gated_body(6, hidden), 5, {6}, {state({hidden}, byte_state)}, 0);
  }
}

/// Products of the slice alone, of the states alone and of both, with and without a requantize behind them,
/// in several roundings; sums and differences that are multiplied; a requantize that changes nothing.
Network mixed_body(int inputs, int hidden) {
  Body body("mixed");
  const NodeId x = body.builder().input("x", {inputs}, byte_state);
  const NodeId h = body.builder().input("h", {hidden}, byte_state);
  const NodeId c = body.builder().input("c", {hidden}, byte_state);
  const Type wide{true, 10, 0};
  const NodeId of_x = body.quantized(body.dense(x, hidden), 5, wide);
  const NodeId of_x_up = body.quantized(body.dense(x, hidden), 6, byte_state, Rounding::half_away);
  const NodeId raw = body.add(Add{}, {body.dense(x, hidden), body.dense(h, hidden)});
  const NodeId both = body.quantized(body.dense(body.add(Concat{0}, {h, x, c}), hidden), 7, wide);
  const NodeId down = body.quantized(body.dense(c, hidden), 6, wide, Rounding::floor);
  const NodeId alike = body.quantized(both, 0, {true, 16, 0});
  const NodeId product = body.add(Multiply{}, {of_x_up, body.add(Subtract{}, {alike, of_x})});
  const NodeId other = body.add(Multiply{}, {body.add(Add{}, {down, h}), of_x_up});
  const NodeId sum =
      body.add(Add{}, {body.quantized(product, 7, byte_state), body.quantized(other, 8, byte_state)});
  body.builder().output("h_next", body.table(body.quantized(sum, 0, byte_state)));
  const NodeId read_twice = body.add(Add{}, {sum, body.quantized(raw, 8, byte_state, Rounding::half_up)});
  body.builder().output("c_next", body.quantized(read_twice, 0, byte_state));
  return body.builder().finish();
}

TEST(Recurrent, ProductsOfSlicesAndStates) {
  for (const int inputs : {1, 6}) {
    for (const int hidden : {3, 16, 21}) {
      expect_scan(mixed_body(inputs, hidden), 4, {inputs},
                  {state({hidden}, byte_state), state({hidden}, byte_state)}, 0);
    }
  }
}

/// Each new state is another's old one: none may be written before all are read.
TEST(Recurrent, StatesThatMoveOn) {
  Body body("delay");
  const NodeId x = body.builder().input("x", {3}, byte_state);
  const NodeId a = body.builder().input("a", {3}, byte_state);
  (void)body.builder().input("b", {3}, byte_state);
  body.builder().output("a_next", x);
  body.builder().output("b_next", a);
  expect_scan(body.builder().finish(), 6, {3}, {state({3}, byte_state), state({3}, byte_state)}, 1);

  Body swap("swap");
  const NodeId y = swap.builder().input("x", {3}, byte_state);
  const NodeId c = swap.builder().input("a", {3}, byte_state);
  const NodeId d = swap.builder().input("b", {3}, byte_state);
  swap.builder().output("a_next", d);
  swap.builder().output("b_next", swap.quantized(swap.add(Add{}, {c, y}), 0, byte_state));
  expect_scan(swap.builder().finish(), 6, {3}, {state({3}, byte_state), state({3}, byte_state)}, 0);
}

TEST(Recurrent, StatesOf64Bits) {
  Body body("sum");
  const NodeId x = body.builder().input("x", {5}, byte_state);
  const NodeId sum = body.builder().input("sum", {5}, wide_state);
  const NodeId more = body.add(Add{}, {sum, x});
  Requantize held;
  held.shift = {0};
  body.builder().output("next", body.builder().add("held", std::move(held), {more}, wide_state));
  expect_scan(body.builder().finish(), 4, {5}, {state({5}, wide_state)}, 0);
}

/// A loop in a loop: the inner one starts anew in every iteration of the outer one.
TEST(Recurrent, LoopsInLoops) {
  Body body("rows");
  const NodeId x = body.builder().input("x", {4, 6}, byte_state);
  const NodeId h = body.builder().input("h", {9}, byte_state);
  Recurrent inner{std::make_shared<const Network>(gated_body(6, 9)), 0, false, true};
  const NodeId row = body.add(std::move(inner), {x, h});
  body.builder().output("next", body.table(body.quantized(body.add(Add{}, {row, h}), 1, byte_state)));
  expect_scan(body.builder().finish(), 3, {4, 6}, {state({9}, byte_state)}, 0);
}

/// Programs take turns on the same rows: nothing of one may reach the other.
TEST(Programs, TakeTurns) {
  const auto make = [](int hidden) {
    Builder builder("turns");
    const NodeId x = builder.input("x", {2, 6}, byte_state);
    const NodeId h = builder.constant("h", {hidden}, byte_state,
                                      std::vector<std::int64_t>(static_cast<std::size_t>(hidden), 1));
    Recurrent recurrent{std::make_shared<const Network>(gated_body(6, hidden)), 0, false, false};
    builder.output("y", builder.add("scan", std::move(recurrent), {x, h}));
    return builder.finish();
  };
  for (const std::string& device : usable_devices()) {
    const auto one = backends::find("cpu").compile(make(8), {device, 40, 2});
    const auto other = backends::find("cpu").compile(make(20), {device, 40, 1});
    std::vector<std::byte> wanted;
    for (int turn = 0; turn < 3; ++turn) {
      for (const std::size_t events : {std::size_t{1}, std::size_t{40}}) {
        ASSERT_EQ(one->run(1, events), backends::Status::ok);
        ASSERT_EQ(other->run(0, events), backends::Status::ok);
      }
      const std::span<std::byte> output = one->slots()[1].outputs[0];
      if (turn == 0) wanted.assign(output.begin(), output.end());
      EXPECT_TRUE(std::equal(output.begin(), output.end(), wanted.begin())) << device;
    }
  }
}

TreeEnsemble full_trees(int count, int depth, std::int64_t low, std::int64_t high) {
  std::mt19937_64 random(3);
  std::uniform_int_distribution<std::int64_t> threshold(low, high);
  TreeEnsemble ensemble;
  ensemble.outputs = 2;
  ensemble.bias = {5, -7};
  for (int t = 0; t < count; ++t) {
    Tree tree;
    tree.output = t % 2;
    const int inner = (1 << depth) - 1;
    for (int i = 0; i < inner; ++i) {
      TreeNode node;
      node.feature = i % 3;
      node.threshold = threshold(random);
      node.missing_left = i % 2 == 0;
      node.left = 2 * i + 1 < inner ? 2 * i + 1 : ~(2 * i + 1 - inner);
      node.right = 2 * i + 2 < inner ? 2 * i + 2 : ~(2 * i + 2 - inner);
      tree.nodes.push_back(node);
    }
    for (int leaf = 0; leaf <= inner; ++leaf) tree.leaves.push_back(1000 * t + leaf * leaf);
    ensemble.trees.push_back(std::move(tree));
  }
  return ensemble;
}

/// Thresholds that need 8, 16 and 32 bits, fewer and more trees than a vector has lanes, missing values.
TEST(Trees, OfEveryWidthAndDepth) {
  for (const int bits : {8, 16, 31}) {
    const std::int64_t top = (std::int64_t{1} << (bits - 1)) - 1;
    for (const int depth : {0, 1, 4, 5}) {
      for (const bool has_missing : {false, true}) {
        SCOPED_TRACE(std::to_string(bits) + " bits, depth " + std::to_string(depth));
        TreeEnsemble ensemble = full_trees(70, depth, -top, top);
        if (has_missing) ensemble.missing = 0;
        Builder builder("trees");
        const NodeId x = builder.input("x", {3}, {true, bits, 0});
        builder.output("y", builder.add("trees", std::move(ensemble), {x}));
        const Network network = builder.finish();
        std::vector<Event> events = make_events(network, 40, 11);
        for (std::size_t i = 4; i < 12; ++i) events[i][0][i % 3] = 0;
        expect_equal_to_reference(network, events, {1, 33, 40});
      }
    }
  }
}

}  // namespace
}  // namespace crible::test
