#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/quantize/program.hpp"

namespace crible::quantize {

/// What a recurrent step computes inside, for calibration: beside its result (slot 0), over all time steps,
/// the gates' part from the input and its bias, the part from the state and its bias, the hidden state and
/// the cell state (lstm).
enum Slot : std::size_t { result_slot, input_part, recurrent_part, hidden_state, cell_state, slot_count };

/// Number of slots that a step fills: 1, or slot_count for recurrent ones.
std::size_t slots_of(const Step& step);

/// Evaluates a program event by event in double precision.
class Evaluator {
 public:
  explicit Evaluator(const Program& program);

  /// One span for each input of the program, of its element count.
  void run(const std::vector<std::span<const double>>& inputs);

  /// Values of the last event, C order.
  const std::vector<double>& result(StepId step) const { return slot(step, result_slot); }
  const std::vector<double>& slot(StepId step, std::size_t slot) const {
    return values_[static_cast<std::size_t>(step)][slot];
  }

 private:
  const Program& program_;
  std::vector<std::vector<std::vector<double>>> values_;  // [step][slot]
};

/// 1 / (1 + e^-x), tanh x, max(x, 0).
double apply(Curve curve, double x);

/// How many elements each window of an average counts, for each position of the result's spatial axes.
std::vector<double> window_counts(const AveragePool& pool, const network::Shape& input);

}  // namespace crible::quantize
