#include "engine/network/build.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/network/cost.hpp"
#include "engine/network/text.hpp"
#include "tests/unit/network/refusals.hpp"

namespace crible::network {
namespace {

using testing::HasSubstr;

constexpr Type s8{true, 8, 3};

TEST(Builder, InfersShapesAndTypes) {
  Builder b("net");
  const NodeId x = b.input("x", {3, 4}, s8);
  const NodeId d =
      b.add("d", Dense{5, 4, 2, std::vector<std::int64_t>(20, 1), std::vector<std::int64_t>(5, 0)}, {x});
  EXPECT_EQ(b.node(d).shape, (Shape{3, 5}));
  EXPECT_EQ(b.node(d).type, (Type{true, 32, 5}));
  const NodeId m = b.add("m", Multiply{}, {x, x});
  EXPECT_EQ(b.node(m).type, (Type{true, 32, 6}));
  const NodeId a = b.add("a", Reduce{ReduceKind::argmax, 1}, {x});
  EXPECT_EQ(b.node(a).shape, (Shape{3}));
  EXPECT_EQ(b.node(a).type, (Type{false, 2, 0}));
  const NodeId s = b.add("s", Reduce{ReduceKind::sum, 0}, {a});
  EXPECT_EQ(b.node(s).shape, Shape{});
  const NodeId c = b.add("c", Compare{}, {x, x});
  EXPECT_EQ(b.node(c).type, (Type{false, 1, 0}));
}

TEST(Builder, MixedTypesTakeTheSmallestThatHolds) {
  Builder b("net");
  const NodeId x = b.input("x", {2}, {true, 8, 0});
  const NodeId y = b.input("y", {2}, {false, 8, 0});
  EXPECT_EQ(b.node(b.add("same", Concat{0}, {x, x})).type, (Type{true, 8, 0}));
  EXPECT_EQ(b.node(b.add("mixed", Concat{0}, {x, y})).type, (Type{true, 9, 0}));
  EXPECT_EQ(b.node(b.add("relu", Clamp{0, 127}, {x})).type, (Type{true, 8, 0}));
  EXPECT_EQ(b.node(b.add("narrowed", Clamp{0, 15}, {x}, Type{false, 4, 0})).type, (Type{false, 4, 0}));
  EXPECT_THAT(refusal([&] {
                b.add("short", Clamp{0, 16}, {x}, Type{false, 4, 0});
              }),
              HasSubstr("does not hold its range [0, 16]"));
}

TEST(Builder, OutputDefaultsToItsOwnType) {
  Builder b("net");
  const NodeId x = b.input("x", {1}, s8);
  b.output("y", x);
  const Network network = b.finish();
  EXPECT_EQ(std::get<Output>(network.nodes[1].operation).encoding.scale, 0.125);
}

TEST(Builder, NamesAreUnique) {
  Builder b("net");
  b.input("x", {1}, s8);
  EXPECT_EQ(b.unique_name("y"), "y");
  EXPECT_EQ(b.unique_name("x"), "x_2");
  b.input("x_2", {1}, s8);
  EXPECT_EQ(b.unique_name("x"), "x_3");
  EXPECT_THAT(refusal([&] { b.input("x", {1}, s8); }), HasSubstr("name of an earlier node"));
}

TEST(Builder, ARefusedNodeLeavesNoTrace) {
  Builder b("net");
  const NodeId x = b.input("x", {1}, s8);
  EXPECT_THAT(refusal([&] { b.add("y", Concat{3}, {x}); }), HasSubstr("axis 3"));
  b.output("y", x);
  EXPECT_EQ(b.finish().nodes.size(), 2u);
}

TEST(Builder, FinishDemandsEndsAndEmptiesTheBuilder) {
  Builder b("net");
  EXPECT_THAT(refusal([&] { b.finish(); }), HasSubstr("has no input"));
  const NodeId x = b.input("x", {1}, s8);
  EXPECT_THAT(refusal([&] { b.finish(); }), HasSubstr("has no output"));
  b.output("y", x);
  b.finish();
  b.input("x", {1}, s8);  // the name is free again
}

TEST(Builder, AgreesWithVerify) {
  Builder b("net");
  const NodeId x = b.input("x", {4}, s8);
  const NodeId d = b.add("d", Dense{2, 4, 0, {1, 2, 3, 4, -5, -6, -7, -8}, {9, 10}}, {x});
  b.output("y", d);
  const std::vector<Interval> range = b.range(d);
  EXPECT_EQ(verify(b.finish())[1], range);
}

TEST(Cost, CountsProductsAndParameters) {
  Builder b("net");
  const NodeId x = b.input("x", {2, 6, 5}, {true, 8, 0});
  const Conv conv{
      4, 2, {{3, 3}, {1, 1}, {1, 1}, {0, 0}, {0, 0}}, 0, 0, std::vector<std::int64_t>(36, 1), {0, 0, 0, 0}};
  const NodeId c = b.add("c", conv, {x});
  EXPECT_EQ(b.node(c).shape, (Shape{4, 4, 3}));
  b.output("y", c);
  const Network network = b.finish();
  EXPECT_EQ(cost(network).multiply_accumulates, 4u * 4 * 3 * 9);
  EXPECT_EQ(cost(network).parameters, 40u);
}

TEST(Cost, ABodyCountsForEachStep) {
  Builder inner("cell");
  const NodeId step = inner.input("x", {2}, {true, 8, 0});
  inner.input("h", {2}, {true, 32, 0});
  inner.output("next", inner.add("d", Dense{2, 2, 0, {1, 2, 3, 4}, {0, 0}}, {step}));
  Recurrent scan;
  scan.body = std::make_shared<const Network>(inner.finish());
  Builder b("net");
  const NodeId x = b.input("x", {7, 2}, {true, 8, 0});
  const NodeId h = b.constant("h", {2}, {true, 32, 0}, {0, 0});
  b.output("y", b.add("scan", scan, {x, h}));
  const Cost total = cost(b.finish());
  EXPECT_EQ(total.multiply_accumulates, 28u);
  EXPECT_EQ(total.parameters, 6u + 2u);
}

}  // namespace
}  // namespace crible::network
