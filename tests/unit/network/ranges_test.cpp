#include <gtest/gtest.h>

#include "engine/network/build.hpp"

namespace crible::network {
namespace {

constexpr Type s8{true, 8, 0};
constexpr Type u8{false, 8, 0};

/// A builder with input "x" of one type, to look at the range of what is added.
struct Case {
  Builder builder{"net"};
  NodeId x;

  Case(Shape shape, Type type) : x(builder.input("x", std::move(shape), type)) {}

  NodeId clamp(std::int64_t low, std::int64_t high) {
    return x = builder.add(builder.unique_name("c"), Clamp{low, high}, {x});
  }
  std::vector<Interval> range(const Operation& operation) {
    return builder.range(builder.add(builder.unique_name("y"), operation, {x}));
  }
  std::vector<Interval> range(const Operation& operation, Type type) {
    return builder.range(builder.add(builder.unique_name("y"), operation, {x}, type));
  }
};

using Intervals = std::vector<Interval>;

TEST(Ranges, DenseIsExactPerOutput) {
  Case c({2}, s8);
  EXPECT_EQ(c.range(Dense{2, 2, 0, {3, -2, 0, 1}, {10, -1}}),
            (Intervals{{10 - 384 - 254, 10 + 381 + 256}, {-129, 126}}));
}

TEST(Ranges, DenseKnowsItsRowsApart) {
  Builder b("net");
  const NodeId x = b.input("x", {1, 2}, u8);
  const NodeId zero = b.constant("zero", {2, 2}, u8, {0, 0, 1, 2});
  const NodeId both = b.add("both", Concat{0}, {x, zero, x});
  EXPECT_EQ(b.range(b.add("d", Dense{1, 2, 0, {1, 1}, {0}}, {both})),
            (Intervals{{0, 510}, {0, 0}, {3, 3}, {0, 510}}));
}

TEST(Ranges, AccumulatorWidthFollowsTheProof) {
  Case c({2}, s8);
  const NodeId narrow = c.builder.add("n", Dense{1, 2, 0, {1 << 23, 1 << 22}, {0}}, {c.x});
  EXPECT_EQ(c.builder.node(narrow).type, (Type{true, 32, 0}));
  const NodeId wide = c.builder.add("w", Dense{1, 2, 0, {1 << 23, 1 << 23}, {1}}, {c.x});
  EXPECT_EQ(c.builder.node(wide).type, (Type{true, 32, 0}));
  const NodeId wider = c.builder.add("v", Dense{1, 2, 0, {1 << 23, 1 << 23}, {-1}}, {c.x});
  EXPECT_EQ(c.builder.node(wider).type, (Type{true, 64, 0}));
}

TEST(Ranges, ConvolutionBordersSeeThePadding) {
  Case c({1, 4}, u8);
  Conv conv{1, 1, {{3}, {1}, {1}, {1}, {1}}, 7, 0, {1, 1, 1}, {0}};
  EXPECT_EQ(c.range(conv), (Intervals{{7, 517}, {0, 765}, {0, 765}, {7, 517}}));
}

TEST(Ranges, ConvolutionOverUnequalRowsAndColumns) {
  Builder b("net");
  const NodeId x = b.input("x", {1, 2, 3}, u8);
  const NodeId k = b.constant("k", {1, 1, 3}, u8, {5, 6, 7});
  const NodeId all = b.add("all", Concat{1}, {x, k});  // rows: any, any, known
  const Conv conv{1, 1, {{2, 2}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 0, 0, {1, -1, 2, 0}, {0}};
  EXPECT_EQ(b.range(b.add("c", conv, {all})),
            (Intervals{{-255, 765}, {-255, 765}, {10 - 255, 10 + 255}, {12 - 255, 12 + 255}}));
}

TEST(Ranges, Pools) {
  Case c({1, 3}, s8);
  const Window window{{2}, {1}, {1}, {1}, {0}};
  EXPECT_EQ(c.range(Pool{PoolKind::sum, window}), (Intervals{{-128, 127}, {-256, 254}, {-256, 254}}));
  EXPECT_EQ(c.range(Pool{PoolKind::max, window}), (Intervals{{-128, 127}, {-128, 127}, {-128, 127}}));
}

TEST(Ranges, ProductsTakeTheCorners) {
  Case c({1}, s8);
  const NodeId y = c.builder.input("y", {1}, u8);
  const NodeId product = c.builder.add("p", Multiply{}, {c.x, y});
  EXPECT_EQ(c.builder.range(product), (Intervals{{-128 * 255, 127 * 255}}));
}

TEST(Ranges, Squares) {
  Case c({1}, s8);
  const NodeId square = c.builder.add("s", Multiply{}, {c.x, c.x});
  EXPECT_EQ(c.builder.range(square), (Intervals{{0, 16384}}));
  Case pair({2}, s8);
  EXPECT_EQ(pair.range(Reduce{ReduceKind::sum_of_squares, 0}), (Intervals{{0, 32768}}));
  pair.clamp(-9, -3);
  EXPECT_EQ(pair.range(Reduce{ReduceKind::sum_of_squares, 0}), (Intervals{{18, 162}}));
  const NodeId away = pair.builder.add("away", Multiply{}, {pair.x, pair.x});
  EXPECT_EQ(pair.builder.range(away), (Intervals{{9, 81}, {9, 81}}));
}

Requantize shift_by(int shift, Overflow overflow) {
  Requantize op;
  op.shift = {shift};
  op.overflow = overflow;
  return op;
}

TEST(Ranges, RequantizeMapsTheEnds) {
  Case c({1}, s8);
  EXPECT_EQ(c.range(shift_by(2, Overflow::saturate), s8), (Intervals{{-32, 31}}));
  EXPECT_EQ(c.range(shift_by(0, Overflow::saturate), {true, 4, 0}), (Intervals{{-8, 7}}));
  EXPECT_EQ(c.range(shift_by(0, Overflow::saturate_symmetric), {true, 4, 0}), (Intervals{{-7, 7}}));
  Requantize negative = shift_by(1, Overflow::saturate);
  negative.multiplier = {-3};
  EXPECT_EQ(c.range(negative, {true, 16, 0}), (Intervals{{-191, 192}}));
}

TEST(Ranges, WrappingMovesAWholePeriodOrTakesTheType) {
  Case c({1}, s8);
  EXPECT_EQ(c.range(shift_by(0, Overflow::wrap), {true, 4, 0}), (Intervals{{-8, 7}}));
  c.clamp(17, 20);
  EXPECT_EQ(c.range(shift_by(0, Overflow::wrap), {true, 4, 0}), (Intervals{{1, 4}}));
  EXPECT_EQ(c.range(shift_by(0, Overflow::wrap), {false, 4, 0}), (Intervals{{1, 4}}));
  EXPECT_EQ(c.range(shift_by(0, Overflow::wrap), {true, 2, 0}), (Intervals{{-2, 1}}));
  Case negative({1}, s8);
  negative.clamp(-20, -17);
  EXPECT_EQ(negative.range(shift_by(0, Overflow::wrap), {true, 4, 0}), (Intervals{{-4, -1}}));
  EXPECT_EQ(negative.range(shift_by(0, Overflow::wrap), {false, 4, 0}), (Intervals{{12, 15}}));
}

TEST(Ranges, CountsTruthAndPlaces) {
  Case c({3}, s8);
  EXPECT_EQ(c.range(Threshold{2, {0, 1000}, {5}, {-1}, 0}, s8)[0], (Interval{4, 5}));
  Builder b("net");
  const NodeId x = b.input("x", {1}, s8);
  const NodeId low = b.constant("low", {1}, {true, 9, 0}, {-129});
  const NodeId mid = b.constant("mid", {1}, {true, 9, 0}, {127});
  EXPECT_EQ(b.range(b.add("g", Compare{Comparison::greater}, {x, low}))[0], (Interval{1, 1}));
  EXPECT_EQ(b.range(b.add("l", Compare{Comparison::less}, {x, mid}))[0], (Interval{0, 1}));
  EXPECT_EQ(b.range(b.add("h", Compare{Comparison::greater}, {x, mid}))[0], (Interval{0, 0}));
  EXPECT_EQ(b.range(b.add("e", Compare{Comparison::equal}, {x, low}))[0], (Interval{0, 0}));
  EXPECT_EQ(b.range(b.add("n", Compare{Comparison::not_equal}, {mid, mid}))[0], (Interval{0, 0}));
}

TEST(Ranges, SortedPlacesAreBoundedByRank) {
  Builder b("net");
  const NodeId x = b.input("x", {1}, s8);
  const NodeId k = b.constant("k", {2}, s8, {5, -5});
  const NodeId all = b.add("all", Concat{0}, {x, k});
  EXPECT_EQ(b.range(b.add("s", Sort{0, false, SortResult::values}, {all})),
            (Intervals{{-128, -5}, {-5, 5}, {5, 127}}));
  EXPECT_EQ(b.range(b.add("a", Reduce{ReduceKind::argmax, 0}, {all})), (Intervals{{0, 1}}));
}

}  // namespace
}  // namespace crible::network
