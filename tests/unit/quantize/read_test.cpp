// What the reader takes and what it refuses, sentence by sentence.

#include "engine/quantize/read.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "engine/base/error.hpp"
#include "tests/unit/importers/onnx_builder.hpp"

namespace crible::quantize {
namespace {

using importers::OnnxBuilder;
using testing::HasSubstr;

std::string refusal(const OnnxBuilder& model) {
  try {
    parse_program(model.bytes(), "m.onnx");
  } catch (const Error& error) {
    return error.what();
  }
  return "accepted";
}

OnnxBuilder& texts(OnnxBuilder& model, const std::string& name, const std::vector<std::string>& values) {
  auto& nodes = *model.model().mutable_graph()->mutable_node();
  auto* attribute = nodes[nodes.size() - 1].add_attribute();
  attribute->set_name(name);
  for (const std::string& value : values) attribute->add_strings(value);
  return model;
}

/// A GRU of two states over three values; what `change` does to it makes the test.
OnnxBuilder gru(const std::string& kind = "GRU", std::vector<std::int64_t> input = {5, -1, 3}) {
  const std::int64_t gates = kind == "GRU" ? 3 : kind == "LSTM" ? 4 : 1;
  OnnxBuilder model(std::move(input));
  if (model.model().graph().input(0).type().tensor_type().shape().dim(1).has_dim_param()) {
    // The reader counts events along the first axis of an input; exporters transpose.
    auto* shape = model.model()
                      .mutable_graph()
                      ->mutable_input(0)
                      ->mutable_type()
                      ->mutable_tensor_type()
                      ->mutable_shape();
    shape->mutable_dim(0)->set_dim_param("N");
    shape->mutable_dim(1)->set_dim_value(5);
    model.node("Transpose", {"x"}, {"t"}).attribute("perm", std::vector<std::int64_t>{1, 0, 2});
  }
  model.constant("w", {1, 2 * gates, 3}, std::vector<float>(static_cast<std::size_t>(6 * gates), 0.5F));
  model.constant("r", {1, 2 * gates, 2}, std::vector<float>(static_cast<std::size_t>(4 * gates), 0.5F));
  model.node(kind, {"t", "w", "r"}, {"", "y"}).attribute("hidden_size", std::int64_t{2});
  return model;
}

TEST(Read, AQuantizedModelIsOneForImport) {
  OnnxBuilder model({-1, 4});
  model.quant("x", "y", 0.5F, 0, 8, true);
  EXPECT_EQ(
      refusal(model),
      "m.onnx: node 'Quant_y' (Quant): it quantizes, so that this is no float model any more; use `crible "
      "import`, which is exact");
  OnnxBuilder qdq({-1, 4});
  qdq.scalar("s", 1).node("QuantizeLinear", {"x", "s"}, {"y"});
  EXPECT_THAT(refusal(qdq), HasSubstr("(QuantizeLinear): it quantizes"));
}

TEST(Read, UnknownOperatorsAreNamed) {
  OnnxBuilder model({-1, 4});
  model.node("Erf", {"x"}, {"y"});
  EXPECT_EQ(
      refusal(model),
      "m.onnx: node 'Erf_y' (Erf): crible quantize does not know this operator; replace it by operators that "
      "docs/quantize.md lists");
  OnnxBuilder foreign({-1, 4});
  foreign.node("Relu", {"x"}, {"y"}, "com.somebody");
  EXPECT_THAT(refusal(foreign), HasSubstr("does not know this operator of domain 'com.somebody'"));
}

TEST(Read, NotAModel) {
  try {
    parse_program("no model", "m.onnx");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("m.onnx: not an ONNX model"));
  }
}

TEST(Read, InputsNeedFixedShapes) {
  OnnxBuilder model({-1, -1});
  model.node("Relu", {"x"}, {"y"});
  EXPECT_EQ(refusal(model),
            "m.onnx: input 'x' has an open extent besides the events; export the model with a fixed shape");
  OnnxBuilder large({-1, 4096, 4096});
  large.node("Relu", {"x"}, {"y"});
  EXPECT_THAT(refusal(large), HasSubstr("is larger than a network may be (2^22 elements)"));
  OnnxBuilder none({-1, 4});
  none.model().mutable_graph()->mutable_input(0)->mutable_type()->mutable_tensor_type()->clear_shape();
  none.node("Relu", {"x"}, {"y"});
  EXPECT_THAT(refusal(none), HasSubstr("input 'x' has no shape; export the model with one"));
  OnnxBuilder no_input({-1, 4});
  no_input.model().mutable_graph()->clear_input();
  EXPECT_THAT(refusal(no_input), HasSubstr("it has no input"));
}

TEST(Read, OutputsMustDependOnTheInput) {
  OnnxBuilder model({-1, 4});
  model.scalar("y", 1);
  EXPECT_THAT(refusal(model), HasSubstr("output 'y' does not depend on the model's input"));
  OnnxBuilder none({-1, 4});
  none.model().mutable_graph()->clear_output();
  EXPECT_THAT(refusal(none), HasSubstr("it has no output"));
  OnnxBuilder lost({-1, 4});
  lost.node("Relu", {"nothing"}, {"y"});
  EXPECT_THAT(refusal(lost), HasSubstr("it reads 'nothing', which nothing before it produces"));
}

TEST(Read, AFinalFunctionIsLeftOutAndSaid) {
  OnnxBuilder softmax({-1, 4});
  softmax.node("Softmax", {"x"}, {"y"});
  EXPECT_THAT(parse_program(softmax.bytes(), "m").notes,
              testing::ElementsAre("output 'y': the final Softmax is left out; the output is its argument"));
  OnnxBuilder sigmoid({-1, 4});
  sigmoid.node("Sigmoid", {"x"}, {"y"});
  EXPECT_THAT(parse_program(sigmoid.bytes(), "m").notes,
              testing::ElementsAre("output 'y': the final Sigmoid is left out; the output is its argument"));
  OnnxBuilder inside({-1, 4});
  inside.node("Softmax", {"x"}, {"s"}).node("Relu", {"s"}, {"y"});
  EXPECT_THAT(refusal(inside),
              HasSubstr("it follows a Softmax, which an integer network has only at its end; remove "
                        "it, or end the model before it"));
}

TEST(Read, SlopesArePowersOfTwo) {
  OnnxBuilder model({-1, 4});
  model.node("LeakyRelu", {"x"}, {"y"}).attribute("alpha", 0.01F);
  EXPECT_THAT(
      refusal(model),
      HasSubstr(
          "its slope 0.010000 is not 1/2, 1/4, 1/8, ...; train the model with one of these, such as 0.125"));
}

TEST(Read, ProductsNeedAConstantOnTheRight) {
  OnnxBuilder left({-1, 4});
  left.constant("w", {2, 1}, {1, 2}).node("MatMul", {"w", "x"}, {"y"});
  EXPECT_THAT(refusal(left), HasSubstr("its left factor is the constant; transpose the product"));
  OnnxBuilder two({-1, 4, 4});
  two.node("MatMul", {"x", "x"}, {"y"});
  EXPECT_THAT(refusal(two), HasSubstr("it multiplies two computed tensors (attention)"));
  OnnxBuilder shape({-1, 4});
  shape.constant("w", {3, 2}, {1, 2, 3, 4, 5, 6}).node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(refusal(shape), HasSubstr("its input has 4 columns and its weight 3 rows"));
  OnnxBuilder cube({-1, 4});
  cube.constant("w", {1, 4, 1}, {1, 2, 3, 4}).node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(refusal(cube), HasSubstr("its weight has shape [1,4,1]; a matrix is needed"));
  OnnxBuilder infinite({-1, 1});
  infinite.constant("w", {1, 1}, {1e38F * 10}).node("MatMul", {"x", "w"}, {"y"});
  EXPECT_THAT(refusal(infinite), HasSubstr("its weight holds an infinity or NaN; train the model again"));
  OnnxBuilder trans({-1, 4});
  trans.constant("w", {1, 1}, {1}).node("Gemm", {"x", "w"}, {"y"}).attribute("transA", std::int64_t{1});
  EXPECT_THAT(refusal(trans), HasSubstr("it transposes its input; export it without transA"));
  OnnxBuilder bias({-1, 1});
  bias.constant("w", {1, 2}, {1, 1}).constant("b", {3}, {1, 1, 1}).node("Gemm", {"x", "w", "b"}, {"y"});
  EXPECT_THAT(refusal(bias), HasSubstr("its bias does not have one value for each output"));
  OnnxBuilder computed({-1, 4});
  computed.node("Gemm", {"x", "x"}, {"y"});
  EXPECT_THAT(refusal(computed),
              HasSubstr("its weight is computed from the model's input; it must be a constant"));
}

TEST(Read, ConvolutionsAndPoolsNeedAnImage) {
  OnnxBuilder flat({-1, 4});
  flat.constant("w", {1, 4, 1}, {1, 1, 1, 1}).node("Conv", {"x", "w"}, {"y"});
  EXPECT_THAT(refusal(flat), HasSubstr("a convolution needs an input [events, channels, one or two axes]"));
  OnnxBuilder channels({-1, 3, 5});
  channels.constant("w", {1, 4, 1}, {1, 1, 1, 1}).node("Conv", {"x", "w"}, {"y"});
  EXPECT_THAT(refusal(channels), HasSubstr("its weight does not fit the channels of its input"));
  OnnxBuilder bias({-1, 1, 5});
  bias.constant("w", {1, 1, 1}, {1}).constant("b", {2}, {1, 1}).node("Conv", {"x", "w", "b"}, {"y"});
  EXPECT_THAT(refusal(bias), HasSubstr("its bias does not have one value for each filter"));
  OnnxBuilder wide({-1, 1, 5});
  wide.constant("w", {1, 1, 9}, std::vector<float>(9, 1)).node("Conv", {"x", "w"}, {"y"});
  EXPECT_THAT(refusal(wide), HasSubstr("its window is larger than its input"));
  OnnxBuilder stride({-1, 1, 5});
  stride.node("MaxPool", {"x"}, {"y"})
      .attribute("kernel_shape", std::vector<std::int64_t>{2})
      .attribute("strides", std::vector<std::int64_t>{0});
  EXPECT_THAT(refusal(stride), HasSubstr("its strides hold 0; that is no window"));
  OnnxBuilder kernel({-1, 1, 5});
  kernel.node("MaxPool", {"x"}, {"y"}).attribute("kernel_shape", std::vector<std::int64_t>{0});
  EXPECT_THAT(refusal(kernel), HasSubstr("its kernel is no window"));
  OnnxBuilder axes({-1, 1, 5});
  axes.node("MaxPool", {"x"}, {"y"}).attribute("kernel_shape", std::vector<std::int64_t>{2, 2});
  EXPECT_THAT(refusal(axes), HasSubstr("its kernel does not fit its input"));
  OnnxBuilder pool({-1, 4});
  pool.node("GlobalAveragePool", {"x"}, {"y"});
  EXPECT_THAT(refusal(pool), HasSubstr("pooling needs an input [events, channels, one or two axes]"));
  OnnxBuilder indices({-1, 1, 5});
  indices.node("MaxPool", {"x"}, {"y", "i"}).attribute("kernel_shape", std::vector<std::int64_t>{2});
  EXPECT_THAT(refusal(indices), HasSubstr("it also gives indices, which are not supported"));
  OnnxBuilder endless({-1, 1, 5, 5});
  endless.node("MaxPool", {"x"}, {"y"})
      .attribute("kernel_shape", std::vector<std::int64_t>{60000, 60000})
      .attribute("pads", std::vector<std::int64_t>{30000, 30000, 30000, 30000});
  EXPECT_THAT(refusal(endless), HasSubstr("its windows need more than 2^31 operations for one event"));
  OnnxBuilder up({-1, 1, 5});
  up.node("AveragePool", {"x"}, {"y"})
      .attribute("kernel_shape", std::vector<std::int64_t>{2})
      .attribute("count_include_pad", std::int64_t{1})
      .attribute("ceil_mode", std::int64_t{1});
  EXPECT_THAT(refusal(up),
              HasSubstr("it counts its padding and rounds its extent up; use one of the two only"));
}

TEST(Read, ElementwiseOperatorsKeepTheShape) {
  OnnxBuilder larger({-1, 1});
  larger.constant("c", {1, 3}, {1, 2, 3}).node("Add", {"x", "c"}, {"y"});
  EXPECT_THAT(refusal(larger), HasSubstr("its constant [1,3] is larger than its input [1,1]"));
  OnnxBuilder zero({-1, 1});
  zero.scalar("c", 0).node("Div", {"x", "c"}, {"y"});
  EXPECT_THAT(refusal(zero), HasSubstr("its constants give an infinity or NaN; train the model again"));
  OnnxBuilder by({-1, 1});
  by.scalar("c", 1).node("Div", {"c", "x"}, {"y"});
  EXPECT_THAT(refusal(by), HasSubstr("its dividend is a constant; fold constants before (onnxsim)"));
  OnnxBuilder limits({-1, 1});
  limits.node("Clip", {"x"}, {"y"}).attribute("min", 2.0F).attribute("max", 1.0F);
  EXPECT_THAT(refusal(limits), HasSubstr("its lower limit is above its upper limit"));
  OnnxBuilder norm({-1, 2});
  norm.constant("c", {2}, {1, 1})
      .constant("v", {2}, {-1, 1})
      .node("BatchNormalization", {"x", "c", "c", "c", "v"}, {"y"});
  EXPECT_THAT(refusal(norm), HasSubstr("its variance plus epsilon is not positive"));
  OnnxBuilder training({-1, 2});
  training.constant("c", {2}, {1, 1})
      .node("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y"})
      .attribute("training_mode", std::int64_t{1});
  EXPECT_THAT(refusal(training), HasSubstr("it is in training mode; export the model for inference"));
  OnnxBuilder gamma({-1, 2});
  gamma.constant("c", {3}, {1, 1, 1}).node("BatchNormalization", {"x", "c", "c", "c", "c"}, {"y"});
  EXPECT_THAT(refusal(gamma), HasSubstr("its scale does not have one value for each channel"));
  OnnxBuilder events({-1, 2});
  events.node("Transpose", {"x"}, {"t"}).node("Add", {"x", "t"}, {"y"});
  EXPECT_THAT(refusal(events), HasSubstr("its two inputs disagree on the axis of events"));
}

TEST(Read, EventsStayApart) {
  OnnxBuilder mixed({-1, 4});
  mixed.integers("s", ::onnx::TensorProto::INT64, {2}, {2, 2}).node("Reshape", {"x", "s"}, {"y"});
  EXPECT_THAT(refusal(mixed),
              HasSubstr("it joins the axis of events with another; keep that axis by itself"));
  OnnxBuilder count({-1, 4});
  count.integers("s", ::onnx::TensorProto::INT64, {2}, {1, 8}).node("Reshape", {"x", "s"}, {"y"});
  EXPECT_THAT(refusal(count), HasSubstr("another number of elements (are events mixed?)"));
  OnnxBuilder mean({-1, 4});
  mean.node("ReduceMean", {"x"}, {"y"}).attribute("axes", std::vector<std::int64_t>{0});
  EXPECT_THAT(refusal(mean), HasSubstr("it works along the axis of events; an event is decided by itself"));
  OnnxBuilder squeezed({-1, 4});
  squeezed.integers("a", ::onnx::TensorProto::INT64, {1}, {0}).node("Squeeze", {"x", "a"}, {"y"});
  EXPECT_THAT(refusal(squeezed), HasSubstr("it removes the axis of events"));
  OnnxBuilder outside({-1, 4});
  outside.node("ReduceMean", {"x"}, {"y"}).attribute("axes", std::vector<std::int64_t>{2});
  EXPECT_THAT(refusal(outside), HasSubstr("its axis 2 is outside a tensor of 2 axes"));
}

TEST(Read, LayoutsMustFit) {
  OnnxBuilder parts({-1, 4});
  parts.node("Split", {"x"}, {"y", "z"})
      .attribute("axis", std::int64_t{1})
      .attribute("split", std::vector<std::int64_t>{9, 1});
  EXPECT_THAT(refusal(parts), HasSubstr("its parts do not fit its input"));
  OnnxBuilder empty({-1, 4});
  empty.constant("c", {0, 4}, {}).node("Flatten", {"c"}, {"y"});
  EXPECT_THAT(refusal(empty), HasSubstr("its input has no elements"));
  OnnxBuilder cast({-1, 4});
  cast.node("Cast", {"x"}, {"y"}).attribute("to", std::int64_t{::onnx::TensorProto::INT32});
  EXPECT_THAT(refusal(cast),
              HasSubstr("it casts a computed tensor to integers; leave the rounding to crible quantize"));
  OnnxBuilder twice({-1, 4});
  twice.node("Transpose", {"x"}, {"y"}).attribute("perm", std::vector<std::int64_t>{0, 0});
  EXPECT_THAT(refusal(twice), HasSubstr("its permutation names an axis twice"));
  OnnxBuilder short_one({-1, 4});
  short_one.node("Transpose", {"x"}, {"y"}).attribute("perm", std::vector<std::int64_t>{0});
  EXPECT_THAT(refusal(short_one), HasSubstr("its permutation does not fit its input"));
  OnnxBuilder several({-1, 4});
  several.integers("i", ::onnx::TensorProto::INT64, {2}, {0, 1})
      .node("Gather", {"x", "i"}, {"y"})
      .attribute("axis", std::int64_t{1});
  EXPECT_THAT(refusal(several), HasSubstr("it gathers several elements; use Slice or Split"));
  OnnxBuilder outside({-1, 4});
  outside.integers("i", ::onnx::TensorProto::INT64, {}, {4})
      .node("Gather", {"x", "i"}, {"y"})
      .attribute("axis", std::int64_t{1});
  EXPECT_THAT(refusal(outside), HasSubstr("it gathers outside its input"));
  OnnxBuilder nothing({-1, 4});
  nothing.integers("a", ::onnx::TensorProto::INT64, {1}, {3})
      .integers("b", ::onnx::TensorProto::INT64, {1}, {2})
      .integers("c", ::onnx::TensorProto::INT64, {1}, {1})
      .node("Slice", {"x", "a", "b", "c"}, {"y"});
  EXPECT_THAT(refusal(nothing), HasSubstr("it takes nothing from its input"));
  OnnxBuilder joined({-1, 4});
  joined.node("Unsqueeze", {"x"}, {"u"})
      .attribute("axes", std::vector<std::int64_t>{2})
      .node("Concat", {"x", "u"}, {"y"})
      .attribute("axis", std::int64_t{1});
  EXPECT_THAT(refusal(joined), HasSubstr("its inputs differ in their axes"));
  OnnxBuilder shape({-1, 4});
  shape.integers("s", ::onnx::TensorProto::INT64, {2}, {1, -7}).node("Reshape", {"x", "s"}, {"y"});
  EXPECT_THAT(refusal(shape), HasSubstr("its shape [1,-7] is not one"));
}

TEST(Read, SlicesAndLimitsMustBeGivenWhole) {
  const auto sliced = [](const std::vector<std::int64_t>& starts, const std::vector<std::int64_t>& steps) {
    OnnxBuilder model({-1, 4});
    const auto list = [&](const std::string& name, const std::vector<std::int64_t>& values) {
      model.integers(name, ::onnx::TensorProto::INT64, {static_cast<std::int64_t>(values.size())}, values);
    };
    list("a", starts);
    list("b", {3});
    list("c", {1});
    list("d", steps);
    model.node("Slice", {"x", "a", "b", "c", "d"}, {"y"});
    return refusal(model);
  };
  EXPECT_EQ(sliced({1}, {1}), "accepted");
  EXPECT_THAT(sliced({1}, {0}), HasSubstr("its step is 0"));
  EXPECT_THAT(sliced({1, 2}, {1}), HasSubstr("its starts, ends, axes and steps differ in number"));
  OnnxBuilder limits({-1, 4});
  limits.constant("low", {2}, {0, 1}).node("Clip", {"x", "low"}, {"y"});
  EXPECT_THAT(refusal(limits), HasSubstr("its limits are not single values"));
}

TEST(Read, ShapesMustBeThoseOfTheirInputs) {
  const auto reshaped = [](const std::vector<std::int64_t>& shape) {
    OnnxBuilder model({-1, 4});
    model.integers("s", ::onnx::TensorProto::INT64, {static_cast<std::int64_t>(shape.size())}, shape);
    return refusal(model.node("Reshape", {"x", "s"}, {"y"}));
  };
  EXPECT_EQ(reshaped({0, 4}), "accepted");
  EXPECT_THAT(reshaped({-1, 4, 0}), HasSubstr("its shape copies an axis that its input does not have"));
  OnnxBuilder squeezed({-1, 4});
  squeezed.integers("a", ::onnx::TensorProto::INT64, {1}, {1}).node("Squeeze", {"x", "a"}, {"y"});
  EXPECT_THAT(refusal(squeezed), HasSubstr("it removes an axis of more than one element"));
  OnnxBuilder nan({-1, 4});
  nan.constant("s", {2}, {-1, std::numeric_limits<float>::quiet_NaN()}).node("Reshape", {"x", "s"}, {"y"});
  EXPECT_THAT(refusal(nan), HasSubstr("its shape holds an infinity or NaN"));
  OnnxBuilder text({-1, 4});
  text.node("Constant", {}, {"c"})
      .attribute("value_string", std::string("four"))
      .node("Add", {"x", "c"}, {"y"});
  EXPECT_THAT(refusal(text), HasSubstr("its value is of a kind that crible does not read (sparse or text)"));
}

TEST(Read, CellsAreTheUsualOnes) {
  EXPECT_EQ(refusal(gru()), "accepted");
  EXPECT_EQ(refusal(gru("LSTM")), "accepted");
  EXPECT_EQ(refusal(gru("RNN")), "accepted");
  const auto with = [](OnnxBuilder model, auto change) {
    change(model);
    return refusal(model);
  };
  EXPECT_THAT(with(gru(), [](auto& m) { m.attribute("clip", 3.0F); }),
              HasSubstr("it clips its gates; train the model without clip"));
  EXPECT_THAT(with(gru("LSTM"), [](auto& m) { m.attribute("input_forget", std::int64_t{1}); }),
              HasSubstr("it couples the input and forget gates; train the model without input_forget"));
  EXPECT_THAT(with(gru(), [](auto& m) { m.attribute("direction", std::string("sideways")); }),
              HasSubstr("its direction 'sideways' is unknown"));
  EXPECT_THAT(with(gru(),
                   [](auto& m) {
                     texts(m, "activations", {"HardSigmoid", "Tanh"});
                   }),
              HasSubstr("its activation 'hardsigmoid' is not Sigmoid, Tanh or Relu"));
  EXPECT_THAT(with(gru(),
                   [](auto& m) {
                     texts(m, "activations", {"Relu", "Tanh"});
                   }),
              HasSubstr("its gates are no sigmoids; train the model with the usual gates"));
  EXPECT_THAT(with(gru(),
                   [](auto& m) {
                     texts(m, "activations", {"Sigmoid", "Relu"});
                   }),
              HasSubstr("its states do not go through Tanh; train the model with the usual activations"));
  EXPECT_THAT(with(gru(), [](auto& m) { texts(m, "activations", {"Sigmoid"}); }),
              HasSubstr("its activations do not fit its directions"));
  EXPECT_THAT(with(gru(), [](auto& m) { m.attribute("layout", std::int64_t{1}); }),
              HasSubstr("its input must be [time, events, values] (layout 1: [events, time, values])"));
  EXPECT_THAT(with(gru(), [](auto& m) { m.attribute("direction", std::string("bidirectional")); }),
              HasSubstr("its weight W has 18 values where 36 are needed"));
  const auto input = [](const std::string& kind, int count, std::vector<std::int64_t> values) {
    OnnxBuilder model = gru(kind);
    model.integers("n", ::onnx::TensorProto::INT64, {static_cast<std::int64_t>(values.size())}, values);
    auto* node = model.model().mutable_graph()->mutable_node(1);
    while (node->input_size() < count) node->add_input("");
    node->add_input("n");
    return refusal(model);
  };
  EXPECT_THAT(input("GRU", 4, {5}), "accepted");
  EXPECT_THAT(input("GRU", 4, {3}), HasSubstr("its sequence length is not that of its input; leave it out"));
  EXPECT_THAT(input("LSTM", 7, {0, 0, 0, 0, 0, 0}),
              HasSubstr("it has peepholes; train the model without them"));
  OnnxBuilder size({-1, 5, 3});
  size.node("GRU", {"x", "x", "x"}, {"", "y"}).attribute("layout", std::int64_t{1});
  EXPECT_THAT(refusal(size), HasSubstr("its hidden_size is missing"));
}

TEST(Read, ShapesThatExportersComputeAreWorkedOut) {
  OnnxBuilder model({-1, 2, 3});
  model.integers("zero", ::onnx::TensorProto::INT64, {}, {0})
      .integers("minus", ::onnx::TensorProto::INT64, {1}, {-1})
      .integers("axes", ::onnx::TensorProto::INT64, {1}, {0})
      .node("Shape", {"x"}, {"s"})
      .node("Gather", {"s", "zero"}, {"n"})
      .node("Unsqueeze", {"n", "axes"}, {"n1"})
      .node("Concat", {"n1", "minus"}, {"to"})
      .attribute("axis", std::int64_t{0})
      .node("Reshape", {"x", "to"}, {"y"});
  const Program program = parse_program(model.bytes(), "m");
  EXPECT_EQ(program.step(program.outputs[0].step).shape, (network::Shape{6}));
}

TEST(Read, ConstantsAreFoldedIntoTheLayerBefore) {
  OnnxBuilder model({-1, 2});
  model.constant("w", {2, 2}, {1, 2, 3, 4})
      .constant("b", {2}, {10, 20})
      .constant("f", {1, 2}, {2, -1})
      .node("MatMul", {"x", "w"}, {"m"})
      .node("Add", {"m", "b"}, {"a"})
      .node("Mul", {"a", "f"}, {"y"});
  const Program program = parse_program(model.bytes(), "m");
  ASSERT_EQ(program.steps.size(), 2U);
  const auto& dense = std::get<Dense>(program.steps[1].operation);
  EXPECT_THAT(dense.weights, testing::ElementsAre(2, 6, -2, -4));
  EXPECT_THAT(dense.bias, testing::ElementsAre(20, -20));
  EXPECT_THAT(program.steps[1].layers, testing::ElementsAre("MatMul_m", "Add_a", "Mul_y"));
}

}  // namespace
}  // namespace crible::quantize
