#include "engine/network/join.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "engine/reference/reference.hpp"

namespace crible::network {
namespace {

using reference::Tensor;
using testing::HasSubstr;

constexpr Type s8{true, 8, 0};

/// y = a * x + m, cut to s8.
Network affine(std::int64_t factor) {
  Builder b("affine");
  const NodeId x = b.input("x", {2}, s8);
  const NodeId m = b.input("m", {1}, s8);
  Requantize scale;
  scale.multiplier = {factor};
  const NodeId scaled = b.add("scaled", scale, {x}, Type{true, 16, 0});
  b.output("y", b.add("cut", Requantize{}, {b.add("sum", Add{}, {scaled, m})}, s8));
  return b.finish();
}

std::string refusal(const std::vector<Part>& parts) {
  try {
    join("joint", parts);
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was refused";
}

TEST(Join, OneAfterAnother) {
  const Network joint = join("joint", {{"a", affine(2), {{"m", "", {5}}}, {"y"}},
                                       {"b", affine(3), {{"x", "a/y", {}}, {"m", "", {-1}}}, {}}});
  EXPECT_EQ(inputs_of(joint).size(), 1u);
  EXPECT_EQ(outputs_of(joint).size(), 1u);
  EXPECT_EQ(reference::evaluate(joint, {{1, 10}}), (std::vector<Tensor>{{20, 74}}));
}

TEST(Join, OneNetworkScannedOverHypothesesOnTheSameInput) {
  const Network joint = join("joint", {{"m1", affine(1), {{"m", "", {1}}}, {}},
                                       {"m2", affine(1), {{"x", "m1/x", {}}, {"m", "", {2}}}, {}},
                                       {"m3", affine(1), {{"x", "m1/x", {}}, {"m", "", {3}}}, {}}});
  EXPECT_EQ(inputs_of(joint).size(), 1u);
  EXPECT_EQ(reference::evaluate(joint, {{7, -7}}), (std::vector<Tensor>{{8, -6}, {9, -5}, {10, -4}}));
}

TEST(Join, RefusesWithPartAndNode) {
  const Part first{"a", affine(2), {}, {}};
  EXPECT_THAT(refusal({first, first}), HasSubstr("part 'a' (network 'affine') has a second node 'a/x'"));
  EXPECT_THAT(refusal({first, {"b", affine(1), {{"z", "a/y", {}}}, {}}}), HasSubstr("no input 'z'"));
  EXPECT_THAT(refusal({first, {"b", affine(1), {{"x", "a/z", {}}}, {}}}), HasSubstr("fed from 'a/z'"));
  EXPECT_THAT(refusal({first, {"b", affine(1), {{"m", "a/y", {}}}, {}}}), HasSubstr("both must be equal"));
  EXPECT_THAT(refusal({{"a", affine(2), {}, {"z"}}}), HasSubstr("no output 'z' to hide"));
  EXPECT_THAT(refusal({{"a", affine(2), {{"m", "", {1, 2}}}, {}}}),
              HasSubstr("node 'a/m' (constant) has 2 values"));
  EXPECT_THAT(refusal({{"a", affine(2), {{"m", "", {300}}}, {}}}), HasSubstr("outside its type"));
  EXPECT_THAT(refusal({{"a", affine(2), {}, {"y"}}}), HasSubstr("no output"));
  EXPECT_THAT(refusal({}), HasSubstr("no input"));
}

}  // namespace
}  // namespace crible::network
