#pragma once

#include <string>
#include <vector>

#include "engine/base/npy.hpp"
#include "engine/quantize/calibrate.hpp"
#include "engine/quantize/read.hpp"

namespace crible::quantize {

/// The models of tests/data/float_models: each kind of layer, with what ONNX Runtime computes.
inline const std::vector<std::string> float_models = {
    "mlp", "cnn", "conv_1d", "gru", "gru_after", "gru_both_ways", "lstm", "lstm_reverse", "rnn", "rnn_relu"};

struct FloatModel {
  Program program;
  Rows rows;
  std::vector<double> expected;  // the output, event after event
};

inline FloatModel load_float_model(const std::string& name) {
  const std::string path = "tests/data/float_models/" + name;
  const Array x = read_npy(path + "_x.npy");
  return {read_program(path + ".onnx"), {x.shape[0], {to_doubles(x)}}, to_doubles(read_npy(path + "_y.npy"))};
}

inline std::vector<double> evaluate_all(const Program& program, const Rows& rows, std::size_t output = 0) {
  Evaluator evaluator(program);
  std::vector<double> all;
  for (std::size_t event = 0; event < rows.events; ++event) {
    evaluator.run(rows.event(event));
    const auto& y = evaluator.result(program.outputs[output].step);
    all.insert(all.end(), y.begin(), y.end());
  }
  return all;
}

}  // namespace crible::quantize
