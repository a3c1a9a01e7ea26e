// The double-precision evaluator against ONNX Runtime.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/unit/quantize/float_models.hpp"

namespace crible::quantize {
namespace {

void expect_close(const std::vector<double>& got, const std::vector<double>& wanted, double tolerance) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], wanted[i], tolerance * (1 + std::abs(wanted[i]))) << "value " << i;
}

TEST(Evaluate, EveryLayerIsThatOfOnnxRuntime) {
  constexpr double float32_error = 3e-6;
  for (const std::string& name : float_models) {
    SCOPED_TRACE(name);
    const FloatModel model = load_float_model(name);
    expect_close(evaluate_all(model.program, model.rows), model.expected, float32_error);
  }
}

TEST(Evaluate, ModelsOfOthersAreReproduced) {
  const auto rows = [](const Array& x, double step) {
    Rows result{x.shape[0], {to_doubles(x)}};
    for (double& value : result.inputs[0]) value *= step;
    return result;
  };
  const std::string gru = "tests/data/models/gru/";
  const std::string mnist = "tests/data/models/mnist_conv/";
  expect_close(evaluate_all(read_program(gru + "model.onnx"), rows(read_npy(gru + "inputs.npy"), 0x1p-5)),
               to_doubles(read_npy(gru + "expected_ort.npy")), 1e-4);
  Rows images = rows(read_npy(mnist + "input_u8.npy"), 1);
  const std::size_t pixels = 28 * 28;
  images.events = 20;
  images.inputs[0].resize(images.events * pixels);
  std::vector<double> logits = to_doubles(read_npy(mnist + "output_float.npy"));
  logits.resize(images.events * 10);
  expect_close(evaluate_all(read_program(mnist + "model_float.onnx"), images), logits, 1e-4);
}

TEST(Evaluate, CalibrationSeesTheInsideOfACell) {
  const FloatModel model = load_float_model("lstm");
  Evaluator evaluator(model.program);
  evaluator.run(model.rows.event(0));
  for (std::size_t id = 0; id < model.program.steps.size(); ++id) {
    const auto* layer = std::get_if<Recurrent>(&model.program.steps[id].operation);
    if (!layer) continue;
    const auto step = static_cast<StepId>(id);
    const auto size = static_cast<std::size_t>(layer->hidden);
    EXPECT_EQ(evaluator.slot(step, input_part).size(), 12 * 4 * size);
    EXPECT_EQ(evaluator.slot(step, recurrent_part).size(), 12 * 4 * size);
    EXPECT_EQ(evaluator.slot(step, hidden_state).size(), 13 * size);  // with the initial one
    EXPECT_EQ(evaluator.slot(step, cell_state).size(), 13 * size);
    const auto& states = evaluator.slot(step, hidden_state);
    EXPECT_EQ(std::vector<double>(states.end() - static_cast<std::ptrdiff_t>(size), states.end()),
              evaluator.result(step));
    return;
  }
  FAIL() << "no recurrent step";
}

}  // namespace
}  // namespace crible::quantize
