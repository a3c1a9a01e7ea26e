// Models of the two packs against their golden outputs, on the reference evaluator and on every device.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/npy.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/encoding.hpp"
#include "tests/conformance/executors.hpp"

namespace crible::golden {
namespace {

using importers::ImportOptions;
using importers::InputType;
using network::Network;

const std::string models = "tests/data/models/";

struct Case {
  std::string model;             // path below tests/data/models
  std::string input;             // array in the model's folder
  double input_step;             // real value of one unit of that array
  std::string expected;          // integers of the output, exact
  std::size_t output = 0;        // which output
  std::string input_type = "";   // "" where the model's own quantizer is the input
  std::size_t skip_columns = 0;  // of the expected array's rows

  friend std::ostream& operator<<(std::ostream& stream, const Case& c) {
    return stream << c.model << " " << c.expected;
  }
};

const Case cases[] = {
    {"jet_mlp/model.onnx", "inputs.npy", 0x1p-5, "expected_int.npy"},
    {"anomaly/model.onnx", "inputs.npy", 0x1p-5, "expected_int.npy"},
    {"anomaly/model.onnx", "inputs.npy", 0x1p-5, "expected_score_int.npy", 1},
    {"deepsets/model.onnx", "inputs.npy", 0x1p-5, "expected_int.npy"},
    {"calo_cnn/model.onnx", "inputs.npy", 1, "expected_exact_int.npy"},
    {"param_mlp/model.onnx", "inputs.npy", 0x1p-5, "expected_exact_int.npy"},
    {"gru_unrolled/model.onnx", "inputs.npy", 0x1p-5, "expected_int.npy"},
    {"qkeras_jet3/model.onnx", "input_int.npy", 0x1p-10, "expected_acc_int.npy", 0, "s16.10"},
    {"qkeras_ad08/model.onnx", "input_int.npy", 0x1p-4, "expected_acc_int.npy", 0, "s16.4"},
    {"qkeras_rn07/model.onnx", "input_int.npy", 0x1p-8, "expected_acc_int.npy", 0, "u8.8"},
    {"mnist_conv/model_qdq_u8s8_perchannel.onnx", "input_u8.npy", 1, "expected_qdq_u8s8_perchannel.npy"},
    {"mnist_conv/model_qdq_s8s8_symmetric.onnx", "input_u8.npy", 1, "expected_qdq_s8s8_symmetric.npy"},
    {"mnist_conv/model_qoperator_u8s8.onnx", "input_u8.npy", 1, "expected_qoperator_u8s8.npy"},
    {"mnist_conv/model_qoperator_u8u8.onnx", "input_u8.npy", 1, "expected_qoperator_u8u8.npy"},
    // The last ten columns are the sums before the output's scalar batch norm.
    {"tfc_2w2a/model.onnx", "input_u8.npy", 1.0 / 255, "expected_layer_acc.npy", 0, "", 192},
};

std::vector<double> reals(const Array& array, double step) {
  std::vector<double> values = to_doubles(array);
  // A float32 model sees the float32 number.
  for (double& value : values) value = static_cast<float>(value * step);
  return values;
}

std::vector<std::int64_t> last_columns(const Array& array, std::size_t skip) {
  const std::vector<std::int64_t> all = to_integers(array);
  if (skip == 0) return all;
  std::vector<std::int64_t> result;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i % array.shape[1] >= skip) result.push_back(all[i]);
  }
  return result;
}

/// Integers of the network's input for real numbers, by its encoding.
std::vector<std::int64_t> encoded(const Network& network, const std::vector<double>& values) {
  const network::Node& input = network.nodes[static_cast<std::size_t>(network::inputs_of(network).at(0))];
  const network::Encoding& encoding = std::get<network::Input>(input.operation).encoding;
  std::vector<std::int64_t> result;
  result.reserve(values.size());
  for (const double x : values) result.push_back(network::encode(encoding, input.type, x));
  return result;
}

/// One output of a network with one input, for all rows.
std::vector<std::int64_t> run(const Network& network, const conformance::Executor& executor,
                              const std::vector<std::int64_t>& rows, std::size_t output = 0) {
  const network::Node& input = network.nodes[static_cast<std::size_t>(network::inputs_of(network).at(0))];
  const auto elements = static_cast<std::ptrdiff_t>(network::element_count(input.shape));
  conformance::Events events;
  for (auto row = rows.begin(); row != rows.end(); row += elements)
    events.push_back({conformance::Tensor(row, row + elements)});
  const auto prepared = executor.prepare(network, 64);
  EXPECT_EQ(prepared->proof(), executor.name);
  std::vector<std::int64_t> result;
  for (const conformance::Event& event : prepared->run(events))
    result.insert(result.end(), event.at(output).begin(), event.at(output).end());
  return result;
}

Network import_case(const std::string& model, const std::string& input_type) {
  ImportOptions options;
  if (!input_type.empty()) options.input_types[""] = InputType{network::parse_type(input_type), std::nullopt};
  return importers::import_model(models + model, options).network;
}

class GoldenModel : public testing::TestWithParam<Case> {};

TEST_P(GoldenModel, IsReproducedExactlyByEveryExecutor) {
  const Case& golden = GetParam();
  const std::string folder = models + golden.model.substr(0, golden.model.find('/') + 1);
  const Network network = import_case(golden.model, golden.input_type);
  const auto rows = encoded(network, reals(read_npy(folder + golden.input), golden.input_step));
  const auto expected = last_columns(read_npy(folder + golden.expected), golden.skip_columns);
  for (const conformance::Executor& executor : conformance::executors()) {
    const auto actual = run(network, executor, rows, golden.output);
    ASSERT_EQ(actual.size(), expected.size()) << executor.name;
    std::size_t differences = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) differences += actual[i] != expected[i];
    EXPECT_EQ(differences, 0U) << executor.name << ": of " << actual.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Packs, GoldenModel, testing::ValuesIn(cases), [](const auto& test) {
  std::string name = test.param.model + "_" + test.param.expected;
  for (char& c : name) c = std::isalnum(static_cast<unsigned char>(c)) ? c : '_';
  return name;
});

/// The images of espcn have no unique integer answer; the pack says how far a correct one may be from its two
/// references.
void expect_close_to_a_reference(const std::string& folder, const ImportOptions& options, double exact_part,
                                 std::int64_t most_off) {
  const Network network = importers::import_model(models + folder + "model_16x16.onnx", options).network;
  const Array input = read_npy(models + folder + "input_u8.npy");
  const auto one = to_integers(read_npy(models + folder + "expected_u8.npy"));
  const auto two = to_integers(read_npy(models + folder + "expected_f64_u8.npy"));
  const auto rows =
      options.input_types.empty() ? encoded(network, reals(input, 1.0 / 255)) : to_integers(input);
  for (const conformance::Executor& executor : conformance::executors()) {
    const auto actual = run(network, executor, rows);
    ASSERT_EQ(actual.size(), one.size()) << executor.name;
    std::size_t equal = 0;
    for (std::size_t i = 0; i < actual.size(); ++i) {
      const std::int64_t off = std::min(std::abs(actual[i] - one[i]), std::abs(actual[i] - two[i]));
      equal += off == 0;
      ASSERT_LE(off, most_off) << executor.name << " element " << i;
    }
    EXPECT_GE(static_cast<double>(equal), exact_part * static_cast<double>(actual.size())) << executor.name;
  }
}

TEST(GoldenImages, EspcnWithNearestResizeIsCloseToItsReferences) {
  expect_close_to_a_reference("espcn_nn_resize/", {}, 0.998, 4);
}

TEST(GoldenImages, EspcnWithSubpixelsAndDeadChannelsIsCloseToItsReferences) {
  ImportOptions options;
  options.input_types[""] = InputType{network::parse_type("u8.0"), std::pair(1.0, 255.0)};
  expect_close_to_a_reference("espcn_subpixel/", options, 0.995, 8);
}

TEST(GoldenModels, DecodedOutputsEqualTheFloatOutputs) {
  const Network network = import_case("tfc_2w2a/model.onnx", "");
  const std::string folder = models + "tfc_2w2a/";
  const auto logits = run(network, conformance::executors()[0],
                          encoded(network, reals(read_npy(folder + "input_u8.npy"), 1.0 / 255)));
  const auto expected = to_doubles(read_npy(folder + "output_float.npy"));
  const auto& encoding = std::get<network::Output>(network.nodes.back().operation).encoding;
  ASSERT_EQ(logits.size(), expected.size());
  for (std::size_t i = 0; i < logits.size(); ++i)
    EXPECT_NEAR(network::decode(encoding, logits[i]), expected[i],
                1e-6 * std::max(1.0, std::abs(expected[i])));
}

std::string refusal(const std::string& model, const ImportOptions& options = {}) {
  try {
    importers::import_model(models + model, options);
  } catch (const Error& error) {
    EXPECT_EQ(error.fault(), Fault::user);
    return error.what();
  }
  return "accepted";
}

TEST(RefusedModels, NameTheNodeTheReasonAndTheRemedy) {
  using testing::AllOf;
  using testing::HasSubstr;
  EXPECT_THAT(
      refusal("floatquant_fp8/model.onnx"),
      AllOf(HasSubstr("floatquant_fp8/model.onnx"), HasSubstr("FloatQuant"), HasSubstr("floating-point")));
  EXPECT_THAT(refusal("qkeras_jet3/model.onnx"),
              AllOf(HasSubstr("input 'x'"), HasSubstr("MatMul"), HasSubstr("--input-type x=s16.10")));
  EXPECT_THAT(refusal("espcn_subpixel/model.onnx"),
              AllOf(HasSubstr("input 'x.7'"), HasSubstr("--input-type")));
  EXPECT_THAT(refusal("gru/model.onnx"), HasSubstr("model.onnx"));
  ImportOptions pixels;
  pixels.input_types[""] = InputType{network::parse_type("u8.0"), std::nullopt};
  EXPECT_THAT(refusal("mnist_conv/model_float.onnx", pixels), HasSubstr("model_float.onnx"));
}

}  // namespace
}  // namespace crible::golden
