// Recurrent cells. What the input adds to the gates needs no state: it is one dense layer over all time
// steps before the scan. The body adds what the state adds, looks the curves up in tables, and mixes the
// states, which are carried with more bits than the activations that the weights see.

#include <algorithm>
#include <cmath>

#include "engine/quantize/lowering.hpp"

namespace crible::quantize {

namespace {

using network::Builder;
using network::NodeId;
using network::Type;

constexpr int gate_sum_bits = 16;  // of what goes into a sigmoid or tanh

double step_of(Type type) {
  return std::ldexp(1.0, -type.fraction);
}

/// The body of one cell under construction.
class Body {
 public:
  Body(const Recurrent& layer, StepId id, const Widths& widths)
      : layer_(layer),
        widths_(widths),
        bits_(widths.bits(id)),
        table_bits_(widths.table_bits(id)),
        builder_("cell") {
    const int activations = bits_.activations;
    gate_ = {false, activations + 1, activations};  // 1 itself must be there: a gate that keeps a state
    const bool bounded = layer.cell != Cell::rnn || layer.curves[0] != Curve::relu;
    const int state_bits = std::max(widths.options().state_bits, activations);
    hidden_ =
        bounded ? Type{true, state_bits, state_bits - 1} : widths.whole_type(id, state_bits, hidden_state);
    seen_ = bounded ? Type{true, activations, activations - 1} : widths.type(id, activations, hidden_state);
    if (layer.cell == Cell::lstm) {
      cell_ = widths.whole_type(id, state_bits, cell_state);
      cell_.is_signed = true;
      cell_.fraction = std::clamp(cell_.fraction - 1, 0, state_bits - 2);  // twice what calibration saw
    }
    const int fraction = std::min(widths.whole_type(id, gate_sum_bits, input_part).fraction,
                                  widths.whole_type(id, gate_sum_bits, recurrent_part).fraction);
    sums_ = {true, gate_sum_bits, std::clamp(fraction, 0, gate_sum_bits - 2)};
  }

  Type sums() const { return sums_; }
  std::vector<Type> state_types() const {
    return layer_.cell == Cell::lstm ? std::vector{hidden_, cell_} : std::vector{hidden_};
  }

  network::Network make() {
    gates_ = builder_.input("gates", {layer_.gates() * layer_.hidden}, sums_);
    state_ = builder_.input("hidden", {layer_.hidden}, hidden_);
    switch (layer_.cell) {
      case Cell::gru:
        builder_.output("new_hidden", gru());
        break;
      case Cell::lstm:
        lstm();
        break;
      case Cell::rnn:
        builder_.output("new_hidden", rnn());
        break;
    }
    return builder_.finish();
  }

 private:
  Quantity quantity(NodeId node) const { return {node, {step_of(builder_.node(node).type)}}; }

  NodeId round_to(const std::string& name, NodeId node, Type type) {
    if (builder_.node(node).type == type) return node;
    return requantize(builder_, name, quantity(node), type, step_of(type));
  }

  NodeId add(const std::string& name, network::Operation operation, NodeId a, NodeId b) {
    return builder_.add(name, std::move(operation), {a, b});
  }

  /// Gates [first, last) of a vector of all.
  NodeId gates(const std::string& name, NodeId node, int first, int last) {
    const int size = layer_.hidden;
    if (first == 0 && last * size == builder_.node(node).shape[0]) return node;
    return builder_.add(name, network::Slice{{first * size}, {1}}, {node},
                        network::Shape{(last - first) * size});
  }

  /// What a state adds to gates [first, last).
  NodeId from_state(const std::string& name, NodeId state, int first, int last) {
    const auto size = static_cast<std::size_t>(layer_.hidden);
    const auto from = static_cast<std::size_t>(first) * size;
    const auto to = static_cast<std::size_t>(last) * size;
    const auto part = [](const std::vector<double>& list, std::size_t begin, std::size_t end) {
      return std::vector<double>(list.begin() + static_cast<std::ptrdiff_t>(begin),
                                 list.begin() + static_cast<std::ptrdiff_t>(end));
    };
    const Dense dense{static_cast<int>(to - from), layer_.hidden,
                      part(layer_.recurrent_weights, from * size, to * size),
                      part(layer_.recurrent_bias, from, to)};
    const Quantity sum =
        add_dense(builder_, name, dense, quantity(state), bits_.weights, widths_.options().per_channel);
    return requantize(builder_, name + ".rounded", sum, sums_, step_of(sums_));
  }

  NodeId curve(const std::string& name, Curve curve, NodeId argument, Type type) {
    return add_curve(builder_, name, curve, quantity(argument), table_bits_, type);
  }

  NodeId gru() {
    const NodeId seen = round_to("seen", state_, seen_);
    const bool after = layer_.linear_before_reset;
    const NodeId state = from_state("from_state", seen, 0, after ? 3 : 2);
    const NodeId sum =
        add("gate_sum", network::Add{}, gates("gates_zr", gates_, 0, 2), gates("state_zr", state, 0, 2));
    const NodeId both = curve("gate", layer_.curves[0], sum, gate_);
    const NodeId z = gates("update", both, 0, 1);
    const NodeId reset = gates("reset", both, 1, 2);
    NodeId candidate;
    if (after) {
      candidate = round_to(
          "reset_sum", add("reset_state", network::Multiply{}, reset, gates("state_n", state, 2, 3)), sums_);
    } else {
      const NodeId scaled =
          round_to("reset_seen", add("reset_state", network::Multiply{}, reset, seen), seen_);
      candidate = from_state("from_reset", scaled, 2, 3);
    }
    const NodeId n_sum = add("candidate_sum", network::Add{}, gates("gates_n", gates_, 2, 3), candidate);
    const NodeId n = curve("candidate", layer_.curves[1], n_sum, hidden_);
    const NodeId one = builder_.constant("one", {1}, gate_, {std::int64_t{1} << gate_.fraction});
    const NodeId rest = add("rest", network::Subtract{}, one, z);
    const NodeId kept = add("kept", network::Multiply{}, z, state_);
    const NodeId fresh = add("fresh", network::Multiply{}, rest, n);
    return round_to("mixed", add("mix", network::Add{}, kept, fresh), hidden_);
  }

  /// Gates in the order input, output, forget, cell.
  void lstm() {
    const NodeId cell = builder_.input("cell", {layer_.hidden}, cell_);
    const NodeId state = from_state("from_state", round_to("seen", state_, seen_), 0, 4);
    const NodeId sum = add("gate_sum", network::Add{}, gates_, state);
    const NodeId all = curve("gate", layer_.curves[0], gates("sum_iof", sum, 0, 3), gate_);
    // In the cell's steps, so that what is kept and what is new can be added.
    const Type fresh_type{true, cell_.fraction + 2, cell_.fraction};
    const NodeId candidate = curve("candidate", layer_.curves[1], gates("sum_c", sum, 3, 4), fresh_type);
    const NodeId kept = add("kept", network::Multiply{}, gates("forget", all, 2, 3), cell);
    const NodeId fresh = add("fresh", network::Multiply{}, gates("in", all, 0, 1), candidate);
    const NodeId new_cell = round_to("mixed", add("mix", network::Add{}, kept, fresh), cell_);
    const NodeId shown = curve("shown", layer_.curves[2], new_cell, hidden_);
    const NodeId hidden =
        round_to("shown_hidden", add("gated", network::Multiply{}, gates("out", all, 1, 2), shown), hidden_);
    builder_.output("new_hidden", hidden);
    builder_.output("new_cell", new_cell);
  }

  NodeId rnn() {
    const NodeId state = from_state("from_state", round_to("seen", state_, seen_), 0, 1);
    const NodeId sum = add("gate_sum", network::Add{}, gates_, state);
    if (layer_.curves[0] != Curve::relu) return curve("candidate", layer_.curves[0], sum, hidden_);
    const NodeId rounded = round_to("mixed", sum, hidden_);  // an unsigned type is the relu
    return hidden_.is_signed ? builder_.add("relu", network::Clamp{0, network::highest(hidden_)}, {rounded})
                             : rounded;
  }

  const Recurrent& layer_;
  const Widths& widths_;
  Bits bits_;
  int table_bits_;
  Builder builder_;
  Type gate_, hidden_, seen_, cell_, sums_;
  NodeId gates_ = -1;
  NodeId state_ = -1;
};

}  // namespace

RecurrentParts lower_recurrent(Builder& builder, const std::string& name, const Recurrent& layer, StepId id,
                               const Quantity& x, const Widths& widths) {
  Body body(layer, id, widths);
  const Dense dense{layer.gates() * layer.hidden, layer.inputs, layer.input_weights, layer.input_bias};
  const Quantity sum = add_dense(builder, name + ".from_input", dense, x, widths.bits(id).weights,
                                 widths.options().per_channel);
  RecurrentParts parts;
  const Type sums = body.sums();
  parts.gates = {requantize(builder, name + ".gates", sum, sums, step_of(sums)), {step_of(sums)}};
  parts.state_types = body.state_types();
  parts.scan.body = std::make_shared<const network::Network>(body.make());
  parts.scan.emit = layer.emit == Emit::hidden ? 0 : 1;
  parts.scan.sequence = layer.sequence;
  parts.scan.reverse = layer.reverse;
  const std::vector<double>* initial[] = {&layer.initial_hidden, &layer.initial_cell};
  for (std::size_t i = 0; i < parts.state_types.size(); ++i) {
    const Type type = parts.state_types[i];
    std::vector<std::int64_t> values;
    for (const double value : *initial[i])
      values.push_back(
          std::clamp(to_step(value, step_of(type)), network::lowest(type), network::highest(type)));
    parts.initial.push_back(std::move(values));
  }
  return parts;
}

}  // namespace crible::quantize
