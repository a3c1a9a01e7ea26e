// GRU, LSTM and RNN: one step for each direction and each output that is used.

#include <algorithm>
#include <cctype>

#include "engine/base/error.hpp"
#include "engine/quantize/reader.hpp"

namespace crible::quantize {

namespace {

struct CellForm {
  Cell cell;
  std::int64_t gates;
  std::size_t curves;        // activation functions of one direction
  std::vector<Curve> usual;  // where the model names none
};

CellForm form_of(const std::string& kind) {
  if (kind == "GRU") return {Cell::gru, 3, 2, {Curve::sigmoid, Curve::tanh}};
  if (kind == "LSTM") return {Cell::lstm, 4, 3, {Curve::sigmoid, Curve::tanh, Curve::tanh}};
  return {Cell::rnn, 1, 1, {Curve::tanh}};
}

Curve curve_of(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  if (name == "sigmoid") return Curve::sigmoid;
  if (name == "tanh") return Curve::tanh;
  if (name == "relu") return Curve::relu;
  throw Error("its activation '" + name +
              "' is not Sigmoid, Tanh or Relu; train the model with one of these");
}

/// Activations of one direction; the gates are probabilities in every cell but the simple RNN.
std::vector<Curve> curves_of(const Node& node, const CellForm& form, std::size_t direction) {
  const std::vector<std::string> names = node.op().texts("activations");
  std::vector<Curve> curves = form.usual;
  if (names.size() >= (direction + 1) * form.curves) {
    for (std::size_t i = 0; i < form.curves; ++i) curves[i] = curve_of(names[direction * form.curves + i]);
  } else if (!names.empty()) {
    throw Error("its activations do not fit its directions");
  }
  if (form.cell != Cell::rnn && curves[0] != Curve::sigmoid)
    throw Error("its gates are no sigmoids; train the model with the usual gates");
  for (std::size_t i = 1; i < curves.size(); ++i) {
    if (curves[i] != Curve::tanh)
      throw Error("its states do not go through Tanh; train the model with the usual activations");
  }
  return curves;
}

/// The part of a constant [directions, ...] that belongs to one direction, or zeros where it is left out.
std::vector<double> part_of(const Node& node, std::size_t index, const char* what, std::size_t directions,
                            std::size_t direction, std::size_t count) {
  if (!node.has(index)) return std::vector<double>(count, 0.0);
  const std::vector<double>& values = node.constant(index, what).values;
  if (values.size() != directions * count)
    throw Error(std::string("its ") + what + " has " + std::to_string(values.size()) + " values where " +
                std::to_string(directions * count) + " are needed");
  const auto first = values.begin() + static_cast<std::ptrdiff_t>(direction * count);
  return {first, first + static_cast<std::ptrdiff_t>(count)};
}

void check_attributes(const Node& node, const Tensor& x) {
  if (node.op().attributes.contains("clip")) throw Error("it clips its gates; train the model without clip");
  if (node.op().integer("input_forget", 0) != 0)
    throw Error("it couples the input and forget gates; train the model without input_forget");
  if (node.has(7)) throw Error("it has peepholes; train the model without them");
  const bool batch_first = node.op().integer("layout", 0) != 0;
  if (x.rank() != 3 || x.batch != (batch_first ? 0 : 1))
    throw Error("its input must be [time, events, values] (layout 1: [events, time, values])");
  if (!node.has(4)) return;
  const std::int64_t steps = x.shape[batch_first ? 1 : 0];
  for (const std::int64_t length : whole_numbers(node.constant(4, "sequence length"))) {
    if (length != steps) throw Error("its sequence length is not that of its input; leave it out");
  }
}

Recurrent direction_of(const Node& node, const CellForm& form, const Tensor& x, std::size_t directions,
                       std::size_t direction) {
  Recurrent layer;
  layer.cell = form.cell;
  layer.inputs = static_cast<int>(x.shape[2]);
  const auto hidden = node.op().integer("hidden_size", 0);
  if (hidden < 1 || hidden > (1 << 16)) throw Error("its hidden_size is missing");
  layer.hidden = static_cast<int>(hidden);
  layer.linear_before_reset = node.op().integer("linear_before_reset", 0) != 0;
  const std::string way = node.op().text("direction", "forward");
  layer.reverse = way == "reverse" || direction == 1;
  const auto rows = static_cast<std::size_t>(form.gates * hidden);
  layer.input_weights =
      part_of(node, 1, "weight W", directions, direction, rows * static_cast<std::size_t>(layer.inputs));
  layer.recurrent_weights =
      part_of(node, 2, "weight R", directions, direction, rows * static_cast<std::size_t>(hidden));
  const std::vector<double> bias = part_of(node, 3, "bias", directions, direction, 2 * rows);
  layer.input_bias.assign(bias.begin(), bias.begin() + static_cast<std::ptrdiff_t>(rows));
  layer.recurrent_bias.assign(bias.begin() + static_cast<std::ptrdiff_t>(rows), bias.end());
  layer.initial_hidden =
      part_of(node, 5, "initial state", directions, direction, static_cast<std::size_t>(hidden));
  layer.initial_cell =
      part_of(node, 6, "initial cell state", directions, direction, static_cast<std::size_t>(hidden));
  layer.curves = curves_of(node, form, direction);
  return layer;
}

/// Y [time, directions, events, hidden], or Y_h and Y_c [directions, events, hidden].
void out_states(const Node& node, const Tensor& x, const std::vector<Recurrent>& directions, Emit emit,
                bool sequence, std::size_t index) {
  const bool batch_first = node.op().integer("layout", 0) != 0;
  const std::int64_t steps = x.shape[batch_first ? 1 : 0];
  const auto count = static_cast<std::int64_t>(directions.size());
  const std::int64_t hidden = directions[0].hidden;
  const auto states = static_cast<int>(hidden);
  const network::Shape one =
      sequence ? network::Shape{static_cast<int>(steps), states} : network::Shape{states};
  const network::Shape with_axis =
      sequence ? network::Shape{static_cast<int>(steps), 1, states} : network::Shape{1, states};
  Reader& reader = node.reader();
  std::vector<StepId> parts;
  for (Recurrent direction : directions) {
    direction.emit = emit;
    direction.sequence = sequence;
    const StepId scan = reader.add(node.op().name, direction, {x.step}, one);
    parts.push_back(reader.add(node.op().name, network::Reshape{}, {scan}, with_axis));
  }
  Tensor result;
  result.shape = sequence ? Extents{steps, count, 1, hidden} : Extents{count, 1, hidden};
  result.batch = sequence ? 2 : 1;
  if (batch_first) {
    result.shape = sequence ? Extents{1, steps, count, hidden} : Extents{1, count, hidden};
    result.batch = 0;
  }
  result.step = parts[0];
  if (count > 1)
    result.step = reader.add(node.op().name, network::Concat{sequence ? 1 : 0}, parts, event_shape(result));
  node.out(std::move(result), index);
}

void recurrent(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  check_attributes(node, x);
  const CellForm form = form_of(node.op().kind);
  const std::string way = node.op().text("direction", "forward");
  if (way != "forward" && way != "reverse" && way != "bidirectional")
    throw Error("its direction '" + way + "' is unknown");
  const std::size_t count = way == "bidirectional" ? 2 : 1;
  std::vector<Recurrent> directions;
  for (std::size_t d = 0; d < count; ++d) directions.push_back(direction_of(node, form, x, count, d));
  if (node.has_output(0)) out_states(node, x, directions, Emit::hidden, true, 0);
  if (node.has_output(1)) out_states(node, x, directions, Emit::hidden, false, 1);
  if (node.has_output(2)) out_states(node, x, directions, Emit::cell, false, 2);
}

}  // namespace

std::vector<NodeEntry> recurrent_nodes() {
  return {{"GRU", recurrent}, {"LSTM", recurrent}, {"RNN", recurrent}};
}

}  // namespace crible::quantize
