#include "engine/quantize/evaluate_recurrent.hpp"

#include <algorithm>

#include "engine/quantize/evaluate.hpp"

namespace crible::quantize {

namespace {

using Values = std::vector<double>;

/// bias + weights * x, rows [first, last).
Values product(const Values& weights, const Values& bias, const double* x, std::size_t columns,
               std::size_t first, std::size_t last) {
  Values y;
  for (std::size_t row = first; row < last; ++row) {
    double sum = bias[row];
    for (std::size_t k = 0; k < columns; ++k) sum += weights[row * columns + k] * x[k];
    y.push_back(sum);
  }
  return y;
}

/// One scan; the states and what calibration wants to see of each step.
class Scan {
 public:
  Scan(const Recurrent& layer, std::vector<Values>& slots)
      : layer_(layer),
        slots_(slots),
        size_(static_cast<std::size_t>(layer.hidden)),
        hidden_(layer.initial_hidden),
        cell_(layer.initial_cell) {
    see(hidden_state, hidden_);
    if (layer.cell == Cell::lstm) see(cell_state, cell_);
  }

  void step(const double* x) {
    const std::size_t rows = layer_.input_bias.size();
    const Values from_input =
        product(layer_.input_weights, layer_.input_bias, x, static_cast<std::size_t>(layer_.inputs), 0, rows);
    see(input_part, from_input);
    switch (layer_.cell) {
      case Cell::gru:
        gru(from_input);
        break;
      case Cell::lstm:
        lstm(from_input);
        break;
      case Cell::rnn:
        rnn(from_input);
        break;
    }
    see(hidden_state, hidden_);
    if (layer_.cell == Cell::lstm) see(cell_state, cell_);
  }

  const Values& state() const { return layer_.emit == Emit::hidden ? hidden_ : cell_; }

 private:
  Values from_state(const Values& state, std::size_t first_gate, std::size_t last_gate) {
    Values part = product(layer_.recurrent_weights, layer_.recurrent_bias, state.data(), size_,
                          first_gate * size_, last_gate * size_);
    see(recurrent_part, part);
    return part;
  }

  void see(Slot slot, const Values& values) {
    slots_[slot].insert(slots_[slot].end(), values.begin(), values.end());
  }

  void gru(const Values& x) {
    const bool after = layer_.linear_before_reset;
    const Values state = from_state(hidden_, 0, after ? 3 : 2);
    Values z(size_), reset(size_);
    for (std::size_t i = 0; i < size_; ++i) {
      z[i] = apply(layer_.curves[0], x[i] + state[i]);
      reset[i] = apply(layer_.curves[0], x[size_ + i] + state[size_ + i]);
    }
    Values candidate(size_);
    if (after) {
      for (std::size_t i = 0; i < size_; ++i) candidate[i] = reset[i] * state[2 * size_ + i];
    } else {
      Values scaled = hidden_;
      for (std::size_t i = 0; i < size_; ++i) scaled[i] *= reset[i];
      candidate = from_state(scaled, 2, 3);
    }
    for (std::size_t i = 0; i < size_; ++i)
      hidden_[i] = (1 - z[i]) * apply(layer_.curves[1], x[2 * size_ + i] + candidate[i]) + z[i] * hidden_[i];
  }

  void lstm(const Values& x) {
    const Values state = from_state(hidden_, 0, 4);
    for (std::size_t i = 0; i < size_; ++i) {
      const auto gate = [&](std::size_t g, Curve curve) {
        return apply(curve, x[g * size_ + i] + state[g * size_ + i]);
      };
      const Curve f = layer_.curves[0];
      cell_[i] = gate(2, f) * cell_[i] + gate(0, f) * gate(3, layer_.curves[1]);
      hidden_[i] = gate(1, f) * apply(layer_.curves[2], cell_[i]);
    }
  }

  void rnn(const Values& x) {
    const Values state = from_state(hidden_, 0, 1);
    for (std::size_t i = 0; i < size_; ++i) hidden_[i] = apply(layer_.curves[0], x[i] + state[i]);
  }

  const Recurrent& layer_;
  std::vector<Values>& slots_;
  std::size_t size_;
  Values hidden_;
  Values cell_;
};

}  // namespace

std::vector<Values> scan(const Recurrent& layer, const Values& x) {
  std::vector<Values> slots(slot_count);
  const std::size_t steps = x.size() / static_cast<std::size_t>(layer.inputs);
  const auto size = static_cast<std::size_t>(layer.hidden);
  Scan scanning(layer, slots);
  if (layer.sequence) slots[result_slot].resize(steps * size);
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t time = layer.reverse ? steps - 1 - i : i;
    scanning.step(x.data() + time * static_cast<std::size_t>(layer.inputs));
    if (layer.sequence)
      std::copy_n(scanning.state().begin(), size,
                  slots[result_slot].begin() + static_cast<std::ptrdiff_t>(time * size));
  }
  if (!layer.sequence) slots[result_slot] = scanning.state();
  return slots;
}

}  // namespace crible::quantize
