#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "engine/reference/reference.hpp"

/// Every operation against numbers worked out by hand from SEMANTICS.md.
namespace crible::reference {
namespace {

using namespace network;

constexpr Type s8{true, 8, 0};
constexpr Type s16{true, 16, 0};

/// An input tensor with its type.
struct Given {
  Shape shape;
  Tensor values;
  Type type = s8;
};

Tensor run(const std::vector<Given>& inputs, const Operation& operation, std::optional<Type> type = {},
           std::optional<Shape> shape = {}) {
  Builder b("net");
  std::vector<NodeId> ids;
  std::vector<Tensor> tensors;
  for (const Given& input : inputs) {
    ids.push_back(b.input(b.unique_name("x"), input.shape, input.type));
    tensors.push_back(input.values);
  }
  const NodeId y = type    ? b.add("y", operation, ids, *type)
                   : shape ? b.add("y", operation, ids, *shape)
                           : b.add("y", operation, ids);
  b.output("out", y);
  return evaluate(b.finish(), tensors)[0];
}

TEST(Dense, ContractsTheLastAxis) {
  const Dense op{3, 2, 0, {1, 2, 3, 4, -1, 0}, {10, 20, 30}};
  EXPECT_EQ(run({{{2, 2}, {5, 6, -7, 8}}}, op), (Tensor{27, 59, 25, 19, 31, 37}));
}

TEST(Conv, OneAxisWithStrideDilationAndPadding) {
  // Taps at -1 + 2i and 1 + 2i of 1 2 3 4 5 with 9 outside.
  const Conv op{1, 1, {{2}, {2}, {2}, {1}, {1}}, 9, 0, {10, 1}, {100}};
  EXPECT_EQ(run({{{1, 5}, {1, 2, 3, 4, 5}}}, op), (Tensor{100 + 90 + 2, 100 + 20 + 4, 100 + 40 + 9}));
}

TEST(Conv, TwoAxesAreACorrelationNotAConvolution) {
  const Conv op{1, 1, {{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 0, 0, {1, 10, 100, 1000}, {0}};
  EXPECT_EQ(run({{{1, 2, 3}, {1, 2, 3, 4, 5, 6}}}, op), (Tensor{5421, 6532}));
}

TEST(Conv, GroupsReadTheirOwnChannels) {
  const Conv op{4, 2, {{1}, {1}, {1}, {0}, {0}}, 0, 0, {1, 10, 2, 20, 3, 30, 4, 40}, {0, 0, 0, 0}};
  EXPECT_EQ(run({{{4, 1}, {1, 2, 3, 4}}}, op), (Tensor{21, 42, 129, 172}));
}

TEST(Conv, SeveralChannelsAndFilters) {
  const Conv op{2, 1, {{2}, {1}, {1}, {0}, {0}}, 0, 0, {1, 2, 3, 4, -1, 0, 0, 1}, {5, 6}};
  EXPECT_EQ(run({{{2, 3}, {1, 2, 3, 4, 5, 6}}}, op),
            (Tensor{5 + 1 + 4 + 12 + 20, 5 + 2 + 6 + 15 + 24, 6 - 1 + 5, 6 - 2 + 6}));
}

TEST(Pool, MaxLeavesThePaddingOut) {
  const Pool op{PoolKind::max, {{3}, {2}, {1}, {1}, {1}}};
  EXPECT_EQ(run({{{1, 4}, {-5, -6, -7, -8}}}, op), (Tensor{-5, -6}));
}

TEST(Pool, SumCountsPaddingAsZero) {
  const Pool op{PoolKind::sum, {{2, 2}, {1, 2}, {1, 1}, {1, 0}, {0, 0}}};
  EXPECT_EQ(run({{{1, 2, 2}, {1, 2, 3, 4}}}, op), (Tensor{3, 10}));
}

TEST(Elementwise, Broadcasts) {
  const Given a{{2, 1}, {10, 20}};
  const Given b{{3}, {1, 2, 3}};
  EXPECT_EQ(run({a, b}, Add{}), (Tensor{11, 12, 13, 21, 22, 23}));
  EXPECT_EQ(run({a, b}, Subtract{}), (Tensor{9, 8, 7, 19, 18, 17}));
  EXPECT_EQ(run({b, a}, Subtract{}), (Tensor{-9, -8, -7, -19, -18, -17}));
  EXPECT_EQ(run({a, b}, Multiply{}), (Tensor{10, 20, 30, 20, 40, 60}));
}

TEST(Elementwise, CompareAndSelect) {
  const Given a{{3}, {1, 2, 3}};
  const Given b{{3}, {2, 2, 2}};
  EXPECT_EQ(run({a, b}, Compare{Comparison::less}), (Tensor{1, 0, 0}));
  EXPECT_EQ(run({a, b}, Compare{Comparison::less_equal}), (Tensor{1, 1, 0}));
  EXPECT_EQ(run({a, b}, Compare{Comparison::greater}), (Tensor{0, 0, 1}));
  EXPECT_EQ(run({a, b}, Compare{Comparison::greater_equal}), (Tensor{0, 1, 1}));
  EXPECT_EQ(run({a, b}, Compare{Comparison::equal}), (Tensor{0, 1, 0}));
  EXPECT_EQ(run({a, b}, Compare{Comparison::not_equal}), (Tensor{1, 0, 1}));
  EXPECT_EQ(run({{{3}, {1, 0, 1}, {false, 1, 0}}, a, {{1}, {-9}}}, Select{}), (Tensor{1, -9, 3}));
}

TEST(Elementwise, ClampAndLeakyRelu) {
  const Given x{{5}, {-128, -3, 0, 3, 127}};
  EXPECT_EQ(run({x}, Clamp{-2, 5}), (Tensor{-2, -2, 0, 3, 5}));
  EXPECT_EQ(run({x}, LeakyRelu{2}), (Tensor{-128, -3, 0, 12, 508}));
}

TEST(Requantize, TheTableOfSemantics) {
  const Given quarters{{6}, {-10, -6, -1, 1, 6, 10}};
  const std::vector<Tensor> wanted{
      {-3, -2, -1, 0, 1, 2}, {-2, -1, 0, 1, 2, 3}, {-2, -1, 0, 0, 1, 2},
      {-3, -2, -1, 1, 2, 3}, {-2, -1, 0, 0, 2, 3}, {-3, -2, 0, 0, 1, 2},
      {-2, -2, 0, 0, 2, 2},  {-3, -2, 0, 0, 2, 3}, {-2, -1, 0, 0, 1, 2},
  };
  for (std::size_t mode = 0; mode < wanted.size(); ++mode) {
    Requantize op;
    op.shift = {2};
    op.rounding = static_cast<Rounding>(mode);
    EXPECT_EQ(run({quarters}, op, s8), wanted[mode]) << mode;
  }
}

TEST(Requantize, Overflows) {
  const Given x{{6}, {-128, -9, -8, 7, 8, 127}};
  Requantize op;
  op.overflow = Overflow::saturate;
  EXPECT_EQ(run({x}, op, Type{true, 4, 0}), (Tensor{-8, -8, -8, 7, 7, 7}));
  EXPECT_EQ(run({x}, op, Type{false, 3, 0}), (Tensor{0, 0, 0, 7, 7, 7}));
  op.overflow = Overflow::saturate_symmetric;
  EXPECT_EQ(run({x}, op, Type{true, 4, 0}), (Tensor{-7, -7, -7, 7, 7, 7}));
  EXPECT_EQ(run({x}, op, Type{true, 1, 0}), (Tensor{0, 0, 0, 0, 0, 0}));
  op.overflow = Overflow::wrap;
  EXPECT_EQ(run({x}, op, Type{true, 4, 0}), (Tensor{0, 7, -8, 7, -8, -1}));
  EXPECT_EQ(run({x}, op, Type{false, 3, 0}), (Tensor{0, 7, 0, 7, 0, 7}));
}

TEST(Requantize, ListsSpreadOverChannelsAndElements) {
  const Given x{{2, 3}, {1, 1, 1, 1, 1, 1}};
  Requantize op;
  op.axis = 0;
  op.multiplier = {3, 5};
  op.zero_point = {0, 1, 2, 3, 4, 5};
  EXPECT_EQ(run({x}, op, s8), (Tensor{3, 4, 5, 8, 9, 10}));
  op.axis = 1;
  op.multiplier = {3, 5, 7};
  EXPECT_EQ(run({x}, op, s8), (Tensor{3, 6, 9, 6, 9, 12}));
}

TEST(Threshold, CountsWhatIsPassed) {
  const Threshold op{3, {-2, 0, 0, 1, 2, 3}, {10, -1}, {1, -1}, 0};
  EXPECT_EQ(run({{{2, 4}, {-3, -2, -1, 0, 0, 1, 2, 100}}}, op, s8), (Tensor{10, 11, 11, 13, -1, -2, -3, -4}));
}

TEST(Lookup, ReadsRowsFromFirst) {
  Lookup op{-2, 2, {10, 11, 12, 13, 20, 21, 22, 23}, 1};
  EXPECT_EQ(run({{{2, 2}, {-2, 1, 0, -1}, {true, 2, 0}}}, op, s8), (Tensor{10, 23, 12, 21}));
}

TEST(Layout, Moves) {
  const Given x{{2, 3}, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(run({x}, Transpose{{1, 0}}), (Tensor{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(run({{{2, 1, 3}, {1, 2, 3, 4, 5, 6}}}, Transpose{{2, 0, 1}}), (Tensor{1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(run({x}, Slice{{1, 2}, {-1, -2}}, {}, Shape{2, 2}), (Tensor{6, 4, 3, 1}));
  EXPECT_EQ(run({x}, Pad{{1, 0}, {0, 1}, 9}), (Tensor{9, 9, 9, 9, 1, 2, 3, 9, 4, 5, 6, 9}));
  EXPECT_EQ(run({x}, Resize{{1, 2}}), (Tensor{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}));
  EXPECT_EQ(run({x}, Reshape{}, {}, Shape{6}), x.values);
  EXPECT_EQ(run({x, {{2, 1}, {7, 8}}}, Concat{1}), (Tensor{1, 2, 3, 7, 4, 5, 6, 8}));
  EXPECT_EQ(run({x, {{1, 3}, {7, 8, 9}}}, Concat{0}), (Tensor{1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Lanes, Reduce) {
  const Given x{{2, 3}, {3, -4, 3, -1, -1, -2}};
  EXPECT_EQ(run({x}, Reduce{ReduceKind::sum, 1}), (Tensor{2, -4}));
  EXPECT_EQ(run({x}, Reduce{ReduceKind::sum, 0}), (Tensor{2, -5, 1}));
  EXPECT_EQ(run({x}, Reduce{ReduceKind::max, 1}), (Tensor{3, -1}));
  EXPECT_EQ(run({x}, Reduce{ReduceKind::min, 1}), (Tensor{-4, -2}));
  EXPECT_EQ(run({x}, Reduce{ReduceKind::argmax, 1}), (Tensor{0, 0}));
  EXPECT_EQ(run({x}, Reduce{ReduceKind::argmax, 0}), (Tensor{0, 1, 0}));
  EXPECT_EQ(run({x}, Reduce{ReduceKind::sum_of_squares, 1}), (Tensor{34, 6}));
}

TEST(Lanes, SortIsStableBothWays) {
  const Given x{{4}, {2, 1, 2, 1}};
  EXPECT_EQ(run({x}, Sort{0, false, SortResult::values}), (Tensor{1, 1, 2, 2}));
  EXPECT_EQ(run({x}, Sort{0, true, SortResult::values}), (Tensor{2, 2, 1, 1}));
  EXPECT_EQ(run({x}, Sort{0, false, SortResult::indices}), (Tensor{1, 3, 0, 2}));
  EXPECT_EQ(run({x}, Sort{0, true, SortResult::indices}), (Tensor{0, 2, 1, 3}));
}

TEST(Lanes, SortByAKeyOfOneOrManyLanes) {
  const Given x{{3, 2}, {1, 2, 3, 4, 5, 6}};
  EXPECT_EQ(run({x, {{3, 1}, {7, 9, 8}}}, Sort{0, true, SortResult::values}), (Tensor{3, 4, 5, 6, 1, 2}));
  EXPECT_EQ(run({x, {{3, 2}, {7, 1, 9, 2, 8, 3}}}, Sort{0, true, SortResult::values}),
            (Tensor{3, 6, 5, 4, 1, 2}));
  EXPECT_EQ(run({x, {{3, 1}, {7, 9, 8}}}, Sort{0, true, SortResult::indices}), (Tensor{1, 1, 2, 2, 0, 0}));
}

TEST(TreeEnsemble, WalksThresholdsCategoriesAndMissing) {
  TreeEnsemble op;
  op.outputs = 2;
  op.bias = {100, 200};
  op.missing = -1;
  op.trees = {{0, {{0, 5, 1, ~2, true, {}}, {1, 0, ~0, ~1, false, {3, 4}}}, {1, 2, 4}}, {1, {}, {7}}};
  const auto at = [&](std::int64_t a, std::int64_t b) { return run({{{2}, {a, b}}}, op); };
  EXPECT_EQ(at(5, 3), (Tensor{101, 207}));
  EXPECT_EQ(at(5, 5), (Tensor{102, 207}));
  EXPECT_EQ(at(6, 3), (Tensor{104, 207}));
  EXPECT_EQ(at(-1, 4), (Tensor{101, 207})) << "missing goes left at the first split";
  EXPECT_EQ(at(0, -1), (Tensor{102, 207})) << "missing goes right at the second";
}

/// State a' = x - a, state b' = a.
Recurrent two_states(int emit, bool sequence, bool reverse) {
  Builder body("body");
  const NodeId x = body.input("x", {1}, s8);
  const NodeId a = body.input("a", {1}, s16);
  body.input("b", {1}, s16);
  body.output("new_a", body.add("cut", Requantize{}, {body.add("d", Subtract{}, {x, a})}, s16));
  body.output("new_b", a);
  Recurrent op;
  op.body = std::make_shared<const Network>(body.finish());
  op.emit = emit;
  op.sequence = sequence;
  op.reverse = reverse;
  return op;
}

TEST(Recurrent, CarriesStates) {
  const std::vector<Given> inputs{{{3, 1}, {1, 2, 4}}, {{1}, {10}, s16}, {{1}, {50}, s16}};
  EXPECT_EQ(run(inputs, two_states(0, true, false)), (Tensor{-9, 11, -7}));
  EXPECT_EQ(run(inputs, two_states(1, true, false)), (Tensor{10, -9, 11}));
  EXPECT_EQ(run(inputs, two_states(0, false, false)), (Tensor{-7}));
  EXPECT_EQ(run(inputs, two_states(0, true, true)), (Tensor{-7, 8, -6}));
  EXPECT_EQ(run(inputs, two_states(0, false, true)), (Tensor{-7}));
}

TEST(Evaluate, RefusesWrongInputs) {
  Builder b("net");
  b.output("y", b.input("x", {2}, s8));
  const Network network = b.finish();
  EXPECT_THROW(evaluate(network, {}), Error);
  EXPECT_THROW(evaluate(network, {{1}}), Error);
  EXPECT_THROW(evaluate(network, {{1, 128}}), Error);
  EXPECT_EQ(evaluate(network, {{1, 127}})[0], (Tensor{1, 127}));
}

TEST(Evaluate, SeveralInputsAndOutputsKeepTheirOrder) {
  Builder b("net");
  const NodeId x = b.input("x", {1}, s8);
  const NodeId y = b.input("y", {1}, s8);
  b.output("first", y);
  b.output("second", x);
  EXPECT_EQ(evaluate(b.finish(), {{1}, {2}}), (std::vector<Tensor>{{2}, {1}}));
}

}  // namespace
}  // namespace crible::reference
