// Operators around the quantizers: exact values, and the sentence of every refusal.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/importers/onnx_builder.hpp"

namespace crible::importers {
namespace {

using onnx::TensorProto;
using testing::ElementsAre;
using testing::HasSubstr;

TEST(Graph, GemmTransposesAndScalesItsParts) {
  OnnxBuilder model({1, 2});
  model.constant("w", {1, 2}, {3, -5}).constant("c", {1}, {7});
  model.node("Gemm", {"x", "w", "c"}, {"y"}).attribute("transB", std::int64_t{1});
  model.attribute("alpha", 0.5F).attribute("beta", 2.0F);
  EXPECT_THAT(model.evaluate("s8.0", {4, 1}), ElementsAre(0.5 * (12 - 5) + 14));
}

TEST(Graph, AConstantMatrixOnTheLeftWorksOnTheRows) {
  OnnxBuilder model({1, 2, 3});
  model.constant("a", {1, 2}, {1, -1}).node("MatMul", {"a", "x"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {1, 2, 3, 10, 20, 30}), ElementsAre(-9, -18, -27));
}

TEST(Graph, TwoComputedMatricesAreMultiplied) {
  OnnxBuilder model({1, 2, 2});
  model.node("Transpose", {"x"}, {"t"}).attribute("perm", std::vector<std::int64_t>{0, 2, 1});
  model.node("MatMul", {"x", "t"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {1, 2, 3, 4}), ElementsAre(5, 11, 11, 25));
}

TEST(Graph, PaddingOfAConvolutionIsTheZeroPoint) {
  OnnxBuilder model({1, 1, 3});
  model.scalar("s", 0.5F).integers("z", TensorProto::INT8, {}, {-3}).constant("w", {1, 1, 3}, {1, 1, 1});
  model.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"d"});
  model.node("Conv", {"d", "w"}, {"y"}).attribute("auto_pad", "SAME_UPPER");
  EXPECT_THAT(model.evaluate("s8.1", {2, 4, 6}), ElementsAre(3, 6, 5));
}

TEST(Graph, BatchNormWithNegativeAndZeroGammaFoldsIntoTheQuantizer) {
  OnnxBuilder model({1, 3});
  model.constant("w", {3, 3}, {1, 0, 0, 0, 1, 0, 0, 0, 1}).node("MatMul", {"x", "w"}, {"m"});
  model.constant("gamma", {3}, {2, -2, 0}).constant("beta", {3}, {0, 1, 3}).constant("mean", {3}, {1, 1, 1});
  model.constant("var", {3}, {4, 4, 4});
  model.node("BatchNormalization", {"m", "gamma", "beta", "mean", "var"}, {"b"}).attribute("epsilon", 0.0F);
  model.quant("b", "y", 1, 0, 4, true);
  EXPECT_THAT(model.evaluate("s8.0", {5, 5, 5}), ElementsAre(4, -3, 3));
  EXPECT_THAT(model.evaluate("s8.0", {-5, -5, -5}), ElementsAre(-6, 7, 3));
}

TEST(Graph, ReluBeforeMaxPoolAndQuantizerIsExact) {
  OnnxBuilder model({1, 1, 4});
  model.node("Relu", {"x"}, {"r"}).node("MaxPool", {"r"}, {"p"});
  model.attribute("kernel_shape", std::vector<std::int64_t>{2})
      .attribute("strides", std::vector<std::int64_t>{2});
  model.quant("p", "y", 1, 0, 4, true);
  EXPECT_THAT(model.evaluate("s8.0", {-9, -3, 2, 1}), ElementsAre(0, 2));
}

TEST(Graph, AveragePoolCountsItsPaddingAsTold) {
  for (const std::int64_t include : {0, 1}) {
    OnnxBuilder model({1, 1, 3});
    model.node("AveragePool", {"x"}, {"p"}).attribute("count_include_pad", include);
    model.attribute("kernel_shape", std::vector<std::int64_t>{2})
        .attribute("pads", std::vector<std::int64_t>{1, 0});
    model.quant("p", "y", 0.5, 0, 6, true);
    EXPECT_THAT(model.evaluate("s8.0", {4, 6, 9}), ElementsAre(include ? 2 : 4, 5, 7.5));
  }
}

TEST(Graph, SumsOfDifferentStepsAreExact) {
  OnnxBuilder model({1, 2});
  model.quant("x", "a", 0.3F, 0, 4, true).quant("x", "b", 0.7F, 0, 4, true).node("Add", {"a", "b"}, {"y"});
  const double expected = 7 * static_cast<double>(0.3F) + 4 * static_cast<double>(0.7F);
  EXPECT_DOUBLE_EQ(model.evaluate("s8.0", {3, 3}).front(), expected);
}

TEST(Graph, ConcatKeepsTheStepsOfItsParts) {
  OnnxBuilder model({1, 1});
  model.quant("x", "a", 0.3F, 0, 4, true).quant("x", "b", 0.7F, 0, 4, true);
  model.node("Concat", {"a", "b"}, {"c"}).attribute("axis", std::int64_t{1});
  model.quant("c", "y", 1, 0, 4, true);
  EXPECT_THAT(model.evaluate("s8.0", {3}), ElementsAre(2, 3));
}

TEST(Graph, ShapeArithmeticOfExportersIsFolded) {
  OnnxBuilder model({-1, 2, 3});
  model.integers("zero", TensorProto::INT64, {}, {0}).integers("open", TensorProto::INT64, {1}, {-1});
  model.integers("axis", TensorProto::INT64, {1}, {0});
  model.node("Shape", {"x"}, {"s"})
      .node("Gather", {"s", "zero"}, {"n"})
      .node("Unsqueeze", {"n", "axis"}, {"u"});
  model.node("Concat", {"u", "open"}, {"to"}).attribute("axis", std::int64_t{0});
  model.node("Reshape", {"x", "to"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {1, 2, 3, 4, 5, 6}), ElementsAre(1, 2, 3, 4, 5, 6));
}

TEST(Graph, SlicesBackwardsAndSplits) {
  OnnxBuilder model({1, 4});
  model.integers("start", TensorProto::INT64, {1}, {-1}).integers("axis", TensorProto::INT64, {1}, {1});
  model.integers("end", TensorProto::INT64, {1}, {std::numeric_limits<std::int64_t>::min()});
  model.integers("step", TensorProto::INT64, {1}, {-1});
  model.node("Slice", {"x", "start", "end", "axis", "step"}, {"r"});
  model.node("Split", {"r"}, {"a", "b"}).attribute("axis", std::int64_t{1});
  model.node("Sub", {"a", "b"}, {"y"});
  EXPECT_THAT(model.evaluate("s8.0", {1, 2, 4, 8}), ElementsAre(8 - 2, 4 - 1));
}

TEST(Graph, DepthToSpaceKnowsBothOrders) {
  for (const char* mode : {"DCR", "CRD"}) {
    OnnxBuilder model({1, 8, 1, 1});
    model.node("DepthToSpace", {"x"}, {"y"}).attribute("blocksize", std::int64_t{2}).attribute("mode", mode);
    const auto y = model.evaluate("s8.0", {0, 1, 2, 3, 4, 5, 6, 7});
    if (std::string(mode) == "CRD") {
      EXPECT_THAT(y, ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
    } else {
      EXPECT_THAT(y, ElementsAre(0, 2, 4, 6, 1, 3, 5, 7));
    }
  }
}

TEST(Graph, TheFinalSoftmaxIsLeftOutAndReported) {
  OnnxBuilder model({1, 2});
  model.quant("x", "q", 1, 0, 4, true).node("Softmax", {"q"}, {"y"});
  EXPECT_THAT(model.import().report.notes, testing::Contains(HasSubstr("the final Softmax is left out")));
  model.output("class").node("ArgMax", {"y"}, {"class"}).attribute("axis", std::int64_t{1});
  EXPECT_EQ(model.import().report.outputs, (std::vector<std::string>{"y", "class"}));
}

TEST(Graph, OperatorsThatNothingUsesAreIgnored) {
  OnnxBuilder model({1, 2});
  model.node("Erf", {"x"}, {"unused"}).quant("x", "y", 1, 0, 4, true);
  EXPECT_EQ(model.refusal(), "accepted");
}

TEST(Graph, OutputsKeepTheModelsNames) {
  OnnxBuilder model({1, 2});
  model.constant("w", {2, 1}, {1, 1}).node("MatMul", {"x", "w"}, {"y"});
  model.model().mutable_graph()->mutable_node(0)->clear_name();
  const auto network = model.import("s8.0").network;
  EXPECT_EQ(network.nodes[static_cast<std::size_t>(network::outputs_of(network)[0])].name, "y");
}

TEST(Integers, MatMulIntegerSubtractsBothZeroPoints) {
  OnnxBuilder model({1, 2}, TensorProto::UINT8);
  model.integers("w", TensorProto::INT8, {2, 1}, {5, -7}).integers("zx", TensorProto::UINT8, {}, {10});
  model.integers("zw", TensorProto::INT8, {}, {1}).node("MatMulInteger", {"x", "w", "zx", "zw"}, {"y"});
  EXPECT_THAT(model.evaluate("", {12, 11}), ElementsAre(2 * 4 + 1 * -8));
}

struct Refusal {
  const char* what;
  OnnxBuilder model;
  const char* sentence;
};

std::vector<Refusal> refusals() {
  using Axes = std::vector<std::int64_t>;
  const auto unary = [](const char* kind) {
    OnnxBuilder model({1, 4});
    model.node(kind, {"x"}, {"y"});
    return model;
  };
  std::vector<Refusal> all;
  all.push_back({"unknown operator", unary("Erf"), "node 'Erf_y' (Erf): crible does not know this operator"});
  OnnxBuilder domain({1, 4});
  domain.node("Magic", {"x"}, {"y"}, "my.domain");
  all.push_back({"unknown domain", domain, "of domain 'my.domain'"});
  for (const char* loop : {"Scan", "Loop"}) {
    all.push_back({loop, unary(loop), "it runs a body of its own again and again; export the cell with"});
  }
  all.push_back({"branch", unary("If"), "one of two bodies for each event; export only the branch"});
  OnnxBuilder undefined({1, 4});
  undefined.node("Add", {"x", "nobody"}, {"y"});
  all.push_back({"undefined tensor", undefined, "it reads 'nobody', which nothing before it produces"});
  OnnxBuilder cycle({1, 4});
  cycle.node("Add", {"x", "b"}, {"a"}).node("Add", {"a", "x"}, {"b"}).node("Add", {"b", "x"}, {"y"});
  all.push_back({"cycle", cycle, "which nothing before it produces"});
  OnnxBuilder floats({1, 2});
  floats.constant("w", {2, 1}, {1e-20F, 1}).node("MatMul", {"x", "w"}, {"y"});
  all.push_back({"float weights", floats, "its weights are floats without a common step of 32 bits"});
  OnnxBuilder infinite({1, 2});
  infinite.constant("w", {2, 1}, {std::numeric_limits<float>::infinity(), 1})
      .node("MatMul", {"x", "w"}, {"y"});
  all.push_back({"infinite weight", infinite, "infinite or not a number"});
  OnnxBuilder softmax({1, 2});
  softmax.node("Softmax", {"x"}, {"s"}).quant("s", "y", 1, 0, 4, true);
  all.push_back({"softmax inside", softmax, "it follows a Softmax, which has no exact integer form"});
  OnnxBuilder training({1, 2});
  training.constant("p", {2}, {1, 1}).node("BatchNormalization", {"x", "p", "p", "p", "p"}, {"y"});
  training.attribute("training_mode", std::int64_t{1});
  all.push_back({"training mode", training, "it is in training mode"});
  OnnxBuilder linear({1, 1, 2, 2});
  linear.constant("s", {4}, {1, 1, 2, 2}).node("Resize", {"x", "", "s"}, {"y"}).attribute("mode", "linear");
  all.push_back({"interpolation", linear, "only nearest neighbour is exact"});
  OnnxBuilder reflect({1, 4});
  reflect.integers("p", TensorProto::INT64, {4}, {0, 1, 0, 1})
      .node("Pad", {"x", "p"}, {"y"})
      .attribute("mode", "reflect");
  all.push_back({"reflection", reflect, "pads with copies"});
  OnnxBuilder window({1, 1, 2, 2});
  window.node("MaxPool", {"x"}, {"y"}).attribute("kernel_shape", Axes{3, 3});
  all.push_back({"window", window, "its window is larger than its padded input"});
  OnnxBuilder huge({1, 1, 2, 2});
  huge.node("MaxPool", {"x"}, {"y"}).attribute("kernel_shape", Axes{1, 1}).attribute("strides", Axes{0, -1});
  all.push_back({"strides", huge, "out of range"});
  OnnxBuilder reshape({1, 4});
  reshape.integers("to", TensorProto::INT64, {2}, {3, -1}).node("Reshape", {"x", "to"}, {"y"});
  all.push_back({"reshape", reshape, "does not divide its input"});
  OnnxBuilder negative({1, 4});
  negative.integers("to", TensorProto::INT64, {2}, {-2, 2}).node("Reshape", {"x", "to"}, {"y"});
  all.push_back({"negative shape", negative, "its shape has a negative extent"});
  OnnxBuilder giant({1, 4});
  giant.integers("to", TensorProto::INT64, {2}, {std::int64_t{1} << 40, 4})
      .node("ConstantOfShape", {"to"}, {"c"});
  giant.node("Add", {"x", "c"}, {"y"});
  all.push_back({"giant", giant, "is larger than crible accepts"});
  OnnxBuilder axis({1, 4});
  axis.node("Concat", {"x", "x"}, {"y"}).attribute("axis", std::int64_t{7});
  all.push_back({"axis", axis, "its axis 7 is outside a tensor of 2 axes"});
  OnnxBuilder transposed({1, 1, 2, 2});
  transposed.constant("w", {1, 1, 2, 2}, {1, 1, 1, 1}).node("ConvTranspose", {"x", "w"}, {"y"});
  all.push_back({"transposed convolution", transposed, "transposed convolutions are not supported"});
  OnnxBuilder external({1, 2});
  external.scalar("c", 1).node("Add", {"x", "c"}, {"y"});
  external.model().mutable_graph()->mutable_initializer(0)->set_data_location(TensorProto::EXTERNAL);
  all.push_back({"external data", external, "constant 'c' keeps its data in another file"});
  OnnxBuilder cut({1, 2});
  cut.constant("c", {5}, {1, 2}).node("Add", {"x", "c"}, {"y"});
  all.push_back({"cut constant", cut, "has 2 bytes or values where its shape needs 5"});
  OnnxBuilder text({1, 2});
  text.integers("c", TensorProto::STRING, {}, {}).node("Add", {"x", "c"}, {"y"});
  all.push_back({"strings", text, "has element type 8"});
  OnnxBuilder loop({1, 2});
  loop.node("If", {"x"}, {"y"});
  loop.model().mutable_graph()->mutable_node(0)->add_attribute()->mutable_g();
  all.push_back({"control flow", loop, "holds a graph (control flow)"});
  OnnxBuilder tower({1, 1});
  tower.constant("c0", {1}, {1.1F});
  for (int i = 0; i < 30; ++i)
    tower.node("Mul", {"c" + std::to_string(i), "c" + std::to_string(i)}, {"c" + std::to_string(i + 1)});
  tower.node("Mul", {"x", "c30"}, {"y"});
  all.push_back({"tower of squares", tower, "needs more than 65536 bits"});
  OnnxBuilder shapeless({1, 1});
  shapeless.node("Identity", {"x"}, {"y"});
  shapeless.model().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  all.push_back({"no shape", shapeless, "input 'x' has no shape"});
  OnnxBuilder open({1, -1});
  open.node("Identity", {"x"}, {"y"});
  all.push_back({"open extent", open, "input 'x' has an open extent besides the events"});
  return all;
}

TEST(Refusals, SayWhatWhereAndWhatToDo) {
  for (const Refusal& refusal : refusals()) {
    const std::string sentence = refusal.model.refusal("s8.0");
    EXPECT_THAT(sentence, HasSubstr(refusal.sentence)) << refusal.what;
    EXPECT_THAT(sentence, testing::StartsWith("model.onnx: ")) << refusal.what;
  }
}

TEST(Refusals, AnOpenInputAsksForItsType) {
  OnnxBuilder open({1, 2});
  open.constant("w", {2, 1}, {1, 1}).node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(open.refusal(),
              HasSubstr("input 'x' is used by node 'MatMul_y' (MatMul) without a quantizer; give its "
                        "type with --input-type x=s16.10"));
  OnnxBuilder two({1, 2});
  two.quant("x", "a", 1, 0, 4, true).quant("x", "b", 2, 0, 4, true).node("Add", {"a", "b"}, {"y"});
  EXPECT_THAT(two.refusal(), HasSubstr("input 'x' meets two different quantizers; give its type"));
  ImportOptions options;
  options.input_types["z"].type = {true, 8, 0};
  EXPECT_EQ(two.refusal("s8.0"), "accepted");
}

}  // namespace
}  // namespace crible::importers
