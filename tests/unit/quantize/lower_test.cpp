// Networks made by calibration: how far they are from their float models, on every executor alike.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/error.hpp"
#include "engine/network/encoding.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "engine/quantize/compare.hpp"
#include "engine/quantize/quantize.hpp"
#include "tests/conformance/executors.hpp"
#include "tests/unit/importers/onnx_builder.hpp"
#include "tests/unit/quantize/float_models.hpp"

namespace crible::quantize {
namespace {

using testing::HasSubstr;

Options with_bits(const std::string& bits) {
  Options options;
  options.bits = parse_bits(bits);
  return options;
}

Result quantized(const FloatModel& model, const Options& options) {
  return quantize(model.program, Calibration(model.program, model.rows), options);
}

const network::Node& node_of(const network::Network& network, network::NodeId id) {
  return network.nodes[static_cast<std::size_t>(id)];
}

conformance::Events encoded(const network::Network& network, const Rows& rows) {
  const network::Node& input = node_of(network, network::inputs_of(network)[0]);
  const network::Encoding& encoding = std::get<network::Input>(input.operation).encoding;
  conformance::Events events;
  for (std::size_t event = 0; event < rows.events; ++event) {
    conformance::Tensor tensor;
    const auto inputs = rows.event(event);
    for (const double x : inputs[0]) tensor.push_back(network::encode(encoding, input.type, x));
    events.push_back({tensor});
  }
  return events;
}

/// The first output on the reference, decoded; every other executor that needs no compiler must give the same
/// integers.
std::vector<double> evaluate_network(const network::Network& network, const Rows& rows) {
  const conformance::Events events = encoded(network, rows);
  conformance::Events reference;
  for (const conformance::Executor& executor : conformance::executors()) {
    if (executor.slow_to_prepare || !executor.refuses(network).empty()) continue;
    const conformance::Events results = executor.prepare(network, 16)->run(events);
    if (reference.empty()) reference = results;
    EXPECT_EQ(results, reference) << executor.name;
  }
  const network::Node& output = node_of(network, network::outputs_of(network)[0]);
  std::vector<double> values;
  for (const conformance::Event& event : reference) {
    for (const std::int64_t q : event[0])
      values.push_back(network::decode(std::get<network::Output>(output.operation).encoding, q));
  }
  return values;
}

double relative_error(const FloatModel& model, const Options& options) {
  const Result result = quantized(model, options);
  network::verify(result.network);
  const Difference d = difference(model.expected, evaluate_network(result.network, model.rows), 10);
  return d.rms / d.deviation;
}

struct Bound {
  const char* model;
  double at_8_bits;  // rms error in standard deviations of the output
  double at_12_bits;
};

// About 1.5 times what is reached. A scale that is wrong by a factor of two anywhere gives 0.1 or more.
const Bound bounds[] = {
    {"mlp", 0.05, 0.0036},       {"cnn", 0.10, 0.0065},           {"conv_1d", 0.018, 0.0013},
    {"gru", 0.025, 0.0029},      {"gru_after", 0.025, 0.0015},    {"gru_both_ways", 0.025, 0.0017},
    {"lstm", 0.031, 0.002},      {"lstm_reverse", 0.025, 0.0019}, {"rnn", 0.021, 0.0012},
    {"rnn_relu", 0.032, 0.0018},
};

class Accuracy : public testing::TestWithParam<Bound> {};

TEST_P(Accuracy, IsThatOfTheBits) {
  const FloatModel model = load_float_model(GetParam().model);
  EXPECT_LT(relative_error(model, with_bits("8")), GetParam().at_8_bits);
  Options fine = with_bits("12");
  fine.table_bits = 14;
  EXPECT_LT(relative_error(model, fine), GetParam().at_12_bits);
}

INSTANTIATE_TEST_SUITE_P(Models, Accuracy, testing::ValuesIn(bounds),
                         [](const auto& named) { return std::string(named.param.model); });

TEST(Lower, EverySettingGivesAProvenNetworkThatTheExecutorsAgreeOn) {
  for (const std::string& name : float_models) {
    SCOPED_TRACE(name);
    FloatModel model = load_float_model(name);
    model.rows.events = 6;
    model.rows.inputs[0].resize(model.rows.inputs[0].size() / 48 * 6);
    for (const char* bits : {"2", "w2a8", "w8a3", "5", "w4a16"}) {
      Options options = with_bits(bits);
      options.per_channel = *bits != 'w';
      options.range =
          *bits == '5' ? RangeRule{RangeRule::Kind::percentile, 99} : RangeRule{RangeRule::Kind::all, 100};
      options.state_bits = 8;
      const Result result = quantized(model, options);
      network::verify(result.network);
      EXPECT_EQ(evaluate_network(result.network, model.rows).size() % 6, 0U);
    }
  }
}

TEST(Lower, WeightsHaveTheBitsThatWereAskedFor) {
  const FloatModel model = load_float_model("mlp");
  Options options = with_bits("w5a7");
  options.layers["fc2"] = parse_bits("w3", options.bits);
  const Result result = quantized(model, options);
  std::map<std::string, std::int64_t> largest;
  for (const network::Node& node : result.network.nodes) {
    if (const auto* dense = std::get_if<network::Dense>(&node.operation)) {
      for (const std::int64_t w : dense->weights)
        largest[node.name] = std::max(largest[node.name], std::abs(w));
    }
    if (node.name.ends_with(".rounded")) {
      EXPECT_EQ(node.type.width, 7) << node.name;
    }
  }
  EXPECT_EQ(largest.at("fc1"), 15);
  EXPECT_EQ(largest.at("fc2"), 3);
  EXPECT_EQ(largest.at("fc3"), 15);
}

TEST(Lower, EveryRequantizeOfPowerOfTwoScalesIsAShift) {
  for (const std::string name : {"gru", "lstm", "rnn", "conv_1d"}) {
    const FloatModel model = load_float_model(name);
    for (const network::Node& node : quantized(model, with_bits("8")).network.nodes) {
      const auto* requantize = std::get_if<network::Requantize>(&node.operation);
      if (!requantize) continue;
      for (const std::int64_t multiplier : requantize->multiplier)
        EXPECT_EQ(multiplier & (multiplier - 1), 0) << name << " " << node.name;
    }
  }
}

TEST(Lower, TheInputHasTheGivenTypeAndStep) {
  const FloatModel model = load_float_model("mlp");
  Options options;
  options.input_types[""] = {network::Type{true, 10, 0}, std::pair(1.0, 100.0)};
  const network::Network network = quantized(model, options).network;
  const network::Node& input = node_of(network, network::inputs_of(network)[0]);
  EXPECT_EQ(input.type, (network::Type{true, 10, 0}));
  EXPECT_EQ(std::get<network::Input>(input.operation).encoding.scale, 0.01);
  EXPECT_LT(relative_error(model, options), 0.06);
}

TEST(Lower, AnEventOutsideTheCalibrationSaturatesAndDoesNotWrap) {
  importers::OnnxBuilder onnx({-1, 1});
  onnx.constant("w", {1, 1}, {1}).node("MatMul", {"x", "w"}, {"m"}).node("Relu", {"m"}, {"r"});
  onnx.node("MatMul", {"r", "w"}, {"y"});
  FloatModel model{parse_program(onnx.bytes(), "m"), {3, {{0.25, 0.5, 0.99}}}, {}};
  Options options;
  options.input_types[""] = {network::Type{true, 16, 4}, std::nullopt};
  const Result result = quantized(model, options);
  const Rows outside{3, {{100, 1.5, -100}}};
  const std::vector<double> y = evaluate_network(result.network, outside);
  EXPECT_NEAR(y[0], 0.996, 0.01);
  EXPECT_NEAR(y[1], 0.996, 0.01);
  EXPECT_EQ(y[2], 0);
}

TEST(Lower, UnknownNamesAreRefused) {
  const FloatModel model = load_float_model("mlp");
  const auto refusal = [&](const Options& options) -> std::string {
    try {
      quantized(model, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  Options layer;
  layer.layers["fc9"] = {};
  EXPECT_THAT(refusal(layer),
              HasSubstr("mlp.onnx: it has no node 'fc9' to give bits to; its nodes are: bias2, bn1"));
  Options input;
  input.input_types["z"] = {};
  EXPECT_THAT(refusal(input), HasSubstr("it has no input 'z' to give a type to; its inputs are: x"));
}

TEST(Lower, BitsAreParsed) {
  EXPECT_EQ(parse_bits("6").weights, 6);
  EXPECT_EQ(parse_bits("6").activations, 6);
  EXPECT_EQ(parse_bits("w4a10").weights, 4);
  EXPECT_EQ(parse_bits("w4a10").activations, 10);
  EXPECT_EQ(parse_bits("a5", {3, 9}).weights, 3);
  EXPECT_EQ(parse_bits("w5", {3, 9}).activations, 9);
  for (const char* wrong : {"", "1", "17", "w1", "8b", "a", "wa", "w8 a8", "100", "w8w8", "-8"}) {
    try {
      parse_bits(wrong);
      ADD_FAILURE() << wrong;
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), HasSubstr("give one number for all, as in 8, or wNaM, as in w6a8")) << wrong;
    }
  }
}

}  // namespace
}  // namespace crible::quantize
