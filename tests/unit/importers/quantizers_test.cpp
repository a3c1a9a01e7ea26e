// What QONNX and ONNX quantizers mean, trap by trap.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/network/verify.hpp"
#include "tests/unit/importers/onnx_builder.hpp"

namespace crible::importers {
namespace {

using onnx::TensorProto;
using testing::ElementsAre;
using testing::HasSubstr;

/// x in quarters: -1.75, -1.5, -0.5, 0.5, 1.5, 1.75
const std::vector<std::int64_t> quarters{-7, -6, -2, 2, 6, 7};

std::vector<double> quantized(const std::string& rounding) {
  OnnxBuilder model({1, 6});
  model.quant("x", "y", 1, 0, 4, true, false, rounding);
  return model.evaluate("s8.2", quarters);
}

TEST(Quant, RoundingModesAreThoseOfQonnx) {
  EXPECT_THAT(quantized("ROUND"), ElementsAre(-2, -2, 0, 0, 2, 2));
  EXPECT_THAT(quantized("FLOOR"), ElementsAre(-2, -2, -1, 0, 1, 1));
  EXPECT_THAT(quantized("CEIL"), ElementsAre(-1, -1, 0, 1, 2, 2));
  EXPECT_THAT(quantized("UP"), ElementsAre(-2, -2, -1, 1, 2, 2));
  EXPECT_THAT(quantized("DOWN"), ElementsAre(-1, -1, 0, 0, 1, 1));
  EXPECT_THAT(quantized("HALF_UP"), ElementsAre(-2, -2, -1, 1, 2, 2));
  EXPECT_THAT(quantized("HALF_DOWN"), ElementsAre(-2, -1, 0, 0, 1, 2));
  EXPECT_THAT(quantized("half_up"), ElementsAre(-2, -2, -1, 1, 2, 2));
}

TEST(Quant, ARealScaleRoundsLikeAPowerOfTwo) {
  OnnxBuilder model({1, 4});
  model.quant("x", "y", 3, 0, 4, true);
  // 1.5 steps of 3 is 4.5: ties are exact although the scale is no power of two.
  EXPECT_THAT(model.evaluate("s8.1", {9, 3, -9, 10}), ElementsAre(6, 0, -6, 6));
}

TEST(Quant, NarrowLeavesOutOneEnd) {
  OnnxBuilder is_signed({1, 2});
  is_signed.quant("x", "y", 1, 0, 4, true, true);
  EXPECT_THAT(is_signed.evaluate("s8.0", {-100, 100}), ElementsAre(-7, 7));
  OnnxBuilder is_unsigned({1, 2});
  is_unsigned.quant("x", "y", 1, 0, 4, false, true);
  EXPECT_THAT(is_unsigned.evaluate("s8.0", {-100, 100}), ElementsAre(0, 14));
}

TEST(Quant, OneSignedBitIsBipolar) {
  OnnxBuilder model({1, 3});
  model.quant("x", "y", 0.5, 0, 1, true);
  EXPECT_THAT(model.evaluate("s8.2", {-1, 0, 5}), ElementsAre(-0.5, 0.5, 0.5));
  EXPECT_THAT(model.import("s8.2").report.notes, testing::Contains(HasSubstr("bipolar")));
}

TEST(Quant, ItsZeroPointIsAddedBeforeRoundingThatOfOnnxAfterwards) {
  // 2.5 with an odd zero point: QONNX rounds 3.5 to 4, ONNX rounds 2.5 to 2 and adds 1.
  OnnxBuilder qonnx({1, 2});
  qonnx.quant("x", "y", 1, 1, 4, true);
  EXPECT_THAT(qonnx.evaluate("s8.1", {5, 3}), ElementsAre(3, 1));
  OnnxBuilder standard({1, 2});
  standard.scalar("s", 1).integers("z", TensorProto::INT8, {}, {1});
  standard.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"y"});
  EXPECT_THAT(standard.evaluate("s8.1", {5, 3}), ElementsAre(2, 2));
}

TEST(Quant, AFractionalZeroPointIsExact) {
  OnnxBuilder model({1, 3});
  model.quant("x", "y", 1, 0.25, 4, true, false, "FLOOR");
  EXPECT_THAT(model.evaluate("s8.2", {2, 3, -1}), ElementsAre(-0.25, 0.75, -0.25));
}

TEST(Quant, IsFoundInEveryDomainThatExportersUse) {
  for (const char* domain : {"qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas", ""}) {
    OnnxBuilder model({1, 1});  // none of these domains is in opset_import
    model.quant("x", "y", 1, 0, 4, true, false, "ROUND", domain);
    EXPECT_THAT(model.evaluate("s8.0", {100}), ElementsAre(7)) << domain;
  }
  OnnxBuilder int_quant({1, 1});
  int_quant.quant("x", "y", 1, 0, 4, true);
  int_quant.model().mutable_graph()->mutable_node(0)->set_op_type("IntQuant");
  EXPECT_THAT(int_quant.evaluate("s8.0", {100}), ElementsAre(7));
}

TEST(Quant, BecomesTheInputWhereTheModelLeavesTheTypeOpen) {
  OnnxBuilder model({-1, 2});
  model.quant("x", "q", 0.25, 0, 6, true).quant("q", "y", 1, 0, 3, true);
  const auto network = model.import().network;
  EXPECT_EQ(network.nodes[0].type, (network::Type{true, 6, 2}));
  EXPECT_EQ(std::get<network::Input>(network.nodes[0].operation).encoding.scale, 0.25);
  EXPECT_EQ(network.nodes.size(), 3U);
}

TEST(Quant, AnAffineChangeBeforeTheFirstQuantizerIsPartOfTheEncoding) {
  OnnxBuilder model({1, 2});
  model.scalar("two", 2).scalar("one", 1);
  model.node("Mul", {"x", "two"}, {"m"}).node("Sub", {"m", "one"}, {"s"}).quant("s", "y", 1, 0, 3, true);
  const auto network = model.import().network;
  const auto& encoding = std::get<network::Input>(network.nodes[0].operation).encoding;
  EXPECT_EQ(encoding.scale, 0.5);
  EXPECT_EQ(encoding.offset, 0.5);
  EXPECT_EQ(network.nodes.size(), 2U);
}

TEST(Quant, PerChannelActivationsKeepTheirOwnSteps) {
  OnnxBuilder model({1, 2});
  model.constant("s", {1, 2}, {0.5, 3}).scalar("z", 0).scalar("b", 4);
  model.node("Quant", {"x", "s", "z", "b"}, {"q"}, "onnx.brevitas");
  model.constant("w", {2, 1}, {1, 1}).node("MatMul", {"q", "w"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.1", {3, 9}), ElementsAre(1.5 + 6));
}

TEST(BipolarQuant, GivesPlusAtZero) {
  OnnxBuilder model({1, 3});
  model.scalar("s", 0.25).node("BipolarQuant", {"x", "s"}, {"q"}, "qonnx.custom_op.general");
  model.constant("w", {3, 1}, {1, 2, -4}).node("MatMul", {"q", "w"}, {"y"});
  EXPECT_THAT(model.evaluate("s4.0", {-1, 0, 7}), ElementsAre(0.25 * (-1 + 2 - 4)));
}

TEST(Trunc, VersionOneKeepsTheScaleVersionTwoHasItsOwn) {
  OnnxBuilder one({1, 2});
  one.scalar("s", 0.5).scalar("z", 0).scalar("in", 8).scalar("out", 6);
  one.quant("x", "q", 0.5, 0, 8, true);
  one.node("Trunc", {"q", "s", "z", "in", "out"}, {"y"}, "qonnx.custom_op.general");
  EXPECT_THAT(one.evaluate("s8.1", {23, -23}), ElementsAre(2.5, -3));
  OnnxBuilder two({1, 3});
  two.scalar("s", 0.5).scalar("z", 0).scalar("in", 8).scalar("so", 2).scalar("zo", 0).scalar("out", 4);
  two.quant("x", "q", 0.5, 0, 8, true);
  two.node("Trunc", {"q", "s", "z", "in", "so", "zo", "out"}, {"y"}, "qonnx.custom_op.general");
  two.attribute("rounding_mode", "ROUND");
  EXPECT_THAT(two.evaluate("s8.1", {22, 26, 127}), ElementsAre(12, 12, 14));
}

TEST(MultiThreshold, CountsAndFlipsWithANegativeScale) {
  OnnxBuilder model({1, 2});
  model.constant("t", {1, 3}, {-1, 0.3F, 2}).scalar("minus", -1);
  model.node("Mul", {"x", "minus"}, {"m"});
  model.node("MultiThreshold", {"m", "t"}, {"y"}, "finn.custom_op.general");
  model.attribute("out_scale", 0.5F).attribute("out_bias", -1.0F).attribute("out_dtype", "UINT2");
  EXPECT_THAT(model.evaluate("s8.0", {-2, 1}), ElementsAre(0.5, -0.5));
}

TEST(QuantizeLinear, WithTheSameScaleAgainAddsNoNode) {
  OnnxBuilder model({1, 1, 4});
  model.scalar("s", 0.3F).integers("z", TensorProto::INT8, {}, {-7});
  model.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"d"});
  model.node("MaxPool", {"d"}, {"p"}).attribute("kernel_shape", std::vector<std::int64_t>{2});
  model.node("QuantizeLinear", {"p", "s", "z"}, {"r"}).node("DequantizeLinear", {"r", "s", "z"}, {"y"});
  EXPECT_EQ(model.import().network.nodes.size(), 3U);  // input, pool, output
}

TEST(QuantizeLinear, SaturatesAndKeepsItsElementType) {
  OnnxBuilder model({1, 3});
  model.scalar("s", 0.3F).integers("z", TensorProto::UINT8, {}, {100});
  model.node("QuantizeLinear", {"x", "s", "z"}, {"y"});
  // 0.3F is a little more than 0.3: 0.75 is below two and a half steps.
  EXPECT_THAT(model.evaluate("s12.2", {3, 2000, -2000}), ElementsAre(102, 255, 0));
}

TEST(Quantizers, RefuseWhatHasNoMeaning) {
  const auto with = [](float scale, float bits) {
    OnnxBuilder model({1, 2});
    return model.quant("x", "y", scale, 0, bits, true).refusal("s8.0");
  };
  EXPECT_THAT(with(0, 4), HasSubstr("node 'Quant_y' (Quant): its scale is not positive"));
  EXPECT_THAT(with(-1, 4), HasSubstr("its scale is not positive"));
  EXPECT_THAT(with(std::numeric_limits<float>::quiet_NaN(), 4), HasSubstr("infinite or not a number"));
  EXPECT_THAT(with(std::numeric_limits<float>::infinity(), 4), HasSubstr("infinite or not a number"));
  EXPECT_THAT(with(1, 3.5), HasSubstr("its bit width is not a whole number from 1 to 32"));
  EXPECT_THAT(with(1, 64), HasSubstr("its bit width is not a whole number from 1 to 32"));
  OnnxBuilder rounding({1, 2});
  rounding.quant("x", "y", 1, 0, 4, true, false, "STOCHASTIC");
  EXPECT_THAT(rounding.refusal("s8.0"), HasSubstr("its rounding mode 'STOCHASTIC' is not one of ROUND"));
  OnnxBuilder dynamic({1, 2});
  dynamic.node("DynamicQuantizeLinear", {"x"}, {"y", "s", "z"});
  EXPECT_THAT(dynamic.refusal("s8.0"), HasSubstr("computes its scale from the data"));
  OnnxBuilder off_grid({1, 1});
  off_grid.scalar("s", 0.3F).scalar("z", 0).scalar("in", 8).scalar("out", 6);
  off_grid.node("Trunc", {"x", "s", "z", "in", "out"}, {"y"}, "qonnx.custom_op.general");
  EXPECT_THAT(off_grid.refusal("s8.0"), HasSubstr("its input is not a whole number of its scale"));
}

}  // namespace
}  // namespace crible::importers
