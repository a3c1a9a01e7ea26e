#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/importers/onnx_builder.hpp"

namespace crible::importers {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Numbers = std::vector<std::int64_t>;

std::vector<double> compared_with_half(const std::string& kind) {
  OnnxBuilder model({1, 3});
  model.scalar("c", 0.5F).node(kind, {"x", "c"}, {"y"});
  return model.evaluate("s8.1", {0, 1, 2});  // 0, 0.5, 1
}

TEST(Compare, HoldsAsTheRealNumbersDo) {
  EXPECT_THAT(compared_with_half("Greater"), ElementsAre(0, 0, 1));
  EXPECT_THAT(compared_with_half("GreaterOrEqual"), ElementsAre(0, 1, 1));
  EXPECT_THAT(compared_with_half("Less"), ElementsAre(1, 0, 0));
  EXPECT_THAT(compared_with_half("LessOrEqual"), ElementsAre(1, 1, 0));
  EXPECT_THAT(compared_with_half("Equal"), ElementsAre(0, 1, 0));
}

TEST(Compare, TakesAConstantBetweenTwoSteps) {
  OnnxBuilder model({1, 3});
  model.scalar("c", 0.4F).node("Greater", {"x", "c"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.1", {0, 1, -2}), ElementsAre(0, 1, 0));
}

TEST(Compare, BringsTwoScalesToOne) {
  OnnxBuilder model({1, 4});
  model.scalar("third", 0.75F).node("Mul", {"x", "third"}, {"scaled"});
  model.scalar("one", 1).node("Sub", {"scaled", "one"}, {"shifted"});
  model.node("Less", {"x", "shifted"}, {"y"});  // x < 0.75 x - 1, so x < -4
  EXPECT_THAT(model.evaluate("s8.0", {-5, -4, -3, 5}), ElementsAre(1, 0, 0, 0));
}

TEST(Compare, LogicWorksOnItsResults) {
  const auto combined = [](const std::string& kind) {
    OnnxBuilder model({1, 4});
    model.scalar("low", -1).scalar("high", 1);
    model.node("Greater", {"x", "low"}, {"a"}).node("Less", {"x", "high"}, {"b"});
    model.node(kind, {"a", "b"}, {"y"});
    return model.evaluate("s4.0", {-1, 0, 1, 2});
  };
  EXPECT_THAT(combined("And"), ElementsAre(0, 1, 0, 0));
  EXPECT_THAT(combined("Or"), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(combined("Xor"), ElementsAre(1, 0, 1, 1));
}

TEST(Compare, NotTurnsItRound) {
  OnnxBuilder model({1, 2});
  model.scalar("c", 0).node("Greater", {"x", "c"}, {"a"}).node("Not", {"a"}, {"y"});
  EXPECT_THAT(model.evaluate("s4.0", {0, 1}), ElementsAre(1, 0));
}

TEST(Where, ChoosesBetweenDifferentScales) {
  OnnxBuilder model({1, 3});
  model.scalar("zero", 0).scalar("slope", 0.375F).constant("bias", {3}, {0.5F, 1, 2});
  model.node("Greater", {"x", "zero"}, {"c"}).node("Mul", {"x", "slope"}, {"small"});
  model.node("Add", {"small", "bias"}, {"other"}).node("Where", {"c", "x", "other"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {5, 0, -8}), ElementsAre(5, 1, -1));
}

TEST(Where, BroadcastsItsThreeInputs) {
  OnnxBuilder model({1, 2, 2});
  model.scalar("c", 2).scalar("seven", 7).node("Less", {"x", "c"}, {"low"});
  model.constant("row", {2}, {-1, -2}).node("Where", {"low", "row", "seven"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {0, 1, 2, 1}), ElementsAre(-1, -2, 7, -2));
}

TEST(Where, RefusesAConditionThatIsNoComparison) {
  OnnxBuilder model({1, 2});
  model.node("Where", {"x", "x", "x"}, {"y"});
  EXPECT_THAT(model.refusal("s8.0"), HasSubstr("its condition is not the result of a comparison"));
}

TEST(Where, FoldsInSubgraphsOfShapes) {
  OnnxBuilder model({1, 4});
  model.integers("wanted", ::onnx::TensorProto::INT64, {2}, {-1, 2});
  model.integers("minus", ::onnx::TensorProto::INT64, {}, {-1});
  model.integers("two", ::onnx::TensorProto::INT64, {2}, {2, 9});
  model.node("Equal", {"wanted", "minus"}, {"open"}).node("Where", {"open", "two", "wanted"}, {"shape"});
  model.node("Reshape", {"x", "shape"}, {"y"});
  const ImportResult result = model.import("s8.0");
  const auto& outputs = network::outputs_of(result.network);
  EXPECT_EQ(result.network.nodes[static_cast<std::size_t>(outputs.front())].shape, (network::Shape{2, 2}));
}

TEST(Extreme, OfTwoComputedTensors) {
  for (const bool largest : {true, false}) {
    OnnxBuilder model({1, 3});
    model.scalar("half", 0.5F).node("Mul", {"x", "half"}, {"h"});
    model.node(largest ? "Max" : "Min", {"x", "h"}, {"y"});
    const std::vector<double> expected =
        largest ? std::vector<double>{4, 0, -1} : std::vector<double>{2, 0, -2};
    EXPECT_EQ(model.evaluate("s8.0", {4, 0, -2}), expected);
  }
}

TEST(Extreme, WithAConstantThatDiffersByElement) {
  OnnxBuilder model({1, 3});
  model.constant("c", {3}, {0.5F, -0.5F, 3}).node("Max", {"c", "x"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {0, 0, 4}), ElementsAre(0.5, 0, 4));
}

TEST(Slopes, PReluDiffersByChannel) {
  OnnxBuilder model({1, 2, 2});
  model.constant("slope", {2, 1}, {0.25F, -3}).node("PRelu", {"x", "slope"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {4, -4, 4, -4}), ElementsAre(4, -1, 4, 12));
}

TEST(Slopes, LeakyReluOfAnySlopeIsExact) {
  OnnxBuilder model({1, 3});
  model.node("LeakyRelu", {"x"}, {"y"}).attribute("alpha", 0.3F);
  EXPECT_THAT(model.evaluate("s8.0", {5, 0, -10}), ElementsAre(5, 0, -10 * static_cast<double>(0.3F)));
}

TEST(Slopes, AbsIsExact) {
  OnnxBuilder model({1, 3});
  model.node("Abs", {"x"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.2", {-128, 0, 3}), ElementsAre(32, 0, 0.75));
}

TEST(Layout, TileRepeatsAlongEachAxis) {
  OnnxBuilder model({1, 2});
  model.integers("n", ::onnx::TensorProto::INT64, {2}, {1, 2}).node("Tile", {"x", "n"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {3, 4}), ElementsAre(3, 4, 3, 4));
}

TEST(Layout, TriluKeepsOneSideOfADiagonal) {
  OnnxBuilder model({1, 2, 3});
  model.node("Trilu", {"x"}, {"y"}).attribute("upper", std::int64_t{0});
  EXPECT_THAT(model.evaluate("s8.0", {1, 2, 3, 4, 5, 6}), ElementsAre(1, 0, 0, 4, 5, 0));
}

TEST(ArgExtreme, TakesTheFirstOrTheLastOfEqualElements) {
  const auto index = [](const std::string& kind, std::int64_t last) {
    OnnxBuilder model({1, 5});
    model.node(kind, {"x"}, {"y"}).attribute("axis", std::int64_t{1}).attribute("select_last_index", last);
    return model.evaluate("s8.0", {2, 7, -3, 7, -3}).at(0);
  };
  EXPECT_EQ(index("ArgMax", 0), 1);
  EXPECT_EQ(index("ArgMax", 1), 3);
  EXPECT_EQ(index("ArgMin", 0), 2);
  EXPECT_EQ(index("ArgMin", 1), 4);
}

/// Scale and zero point of the input and of the result, as com.microsoft's operators take them.
OnnxBuilder quantized_model(const std::string& kind) {
  OnnxBuilder model({1, 1, 2, 2}, ::onnx::TensorProto::UINT8);
  model.scalar("in_scale", 0.5F).scalar("out_scale", 0.25F);
  model.integers("in_zero", ::onnx::TensorProto::UINT8, {}, {10});
  model.integers("out_zero", ::onnx::TensorProto::UINT8, {}, {100});
  model.node(kind, {"x", "in_scale", "in_zero", "out_scale", "out_zero"}, {"y"}, "com.microsoft");
  return model;
}

TEST(QLinear, GlobalAveragePoolRoundsOnce) {
  // Reals 0, 0.5, 1, 2: their average 0.875 is 3.5 steps of the result, rounded half to even.
  EXPECT_THAT(quantized_model("QLinearGlobalAveragePool").evaluate("", {10, 11, 12, 14}), ElementsAre(104));
}

TEST(QLinear, AveragePoolTakesItsWindow) {
  OnnxBuilder model = quantized_model("QLinearAveragePool");
  model.attribute("kernel_shape", std::vector<std::int64_t>{1, 2});
  EXPECT_THAT(model.evaluate("", {10, 11, 12, 14}), ElementsAre(101, 106));
}

TEST(QLinear, LeakyReluTakesAnySlope) {
  OnnxBuilder model = quantized_model("QLinearLeakyRelu");
  model.attribute("alpha", 0.1F);
  EXPECT_THAT(model.evaluate("", {10, 0, 20, 5}), ElementsAre(100, 98, 120, 99));
}

TEST(QLinear, RefusesChannelsLastPools) {
  OnnxBuilder model = quantized_model("QLinearGlobalAveragePool");
  model.attribute("channels_last", std::int64_t{1});
  EXPECT_THAT(model.refusal(), HasSubstr("export the model with channels first"));
}

}  // namespace
}  // namespace crible::importers
