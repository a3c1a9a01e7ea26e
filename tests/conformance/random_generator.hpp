#pragma once

#include <algorithm>
#include <bit>
#include <optional>

#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "tests/conformance/random_network.hpp"

/// Private to the random networks: decisions become nodes.
namespace crible::conformance {

using namespace network;

/// Makes one network or one body. Each attempt adds an operation, or nothing where the rules refuse it.
class Generator {
 public:
  Generator(Choices& choices, const RandomNetworkOptions& options, int depth)
      : choices_(choices), options_(options), depth_(depth), builder_(depth == 0 ? "random" : "body") {}

  Network run() {
    make_input();
    if (choices_.below(4) == 1) make_input();
    while (!choices_.exhausted() && static_cast<int>(shapes_.size()) < options_.most_nodes) attempt();
    return finish();
  }

  /// A body: one step and some states of given types, each state made new from what came before.
  Network run_body(Shape step_shape, Type step_type, const std::vector<NodeId>& states,
                   const Builder& outside) {
    keep(builder_.input("step", std::move(step_shape), step_type));
    for (std::size_t i = 0; i < states.size(); ++i) {
      const Node& state = outside.node(states[i]);
      keep(builder_.input("state" + std::to_string(i), state.shape, state.type));
    }
    for (int i = choices_.below(6); i > 0; --i) attempt();
    for (std::size_t i = 0; i < states.size(); ++i) close_state(i, outside.node(states[i]));
    return builder_.finish();
  }

 private:
  void keep(NodeId id) {
    shapes_.push_back(builder_.node(id).shape);
    read_.push_back(false);
  }

  const Node& node(NodeId id) const { return builder_.node(id); }
  const Shape& shape(NodeId id) const { return shapes_[static_cast<std::size_t>(id)]; }
  int rank(NodeId id) const { return static_cast<int>(shape(id).size()); }
  std::string fresh(const char* word) { return builder_.unique_name(word); }

  Type stored_type() {
    constexpr int widths[] = {8, 4, 6, 1, 2, 3, 5, 7, 9, 10, 12, 16, 17, 24, 31, 32};
    const int width = widths[choices_.below(std::size(widths))];
    return {choices_.coin(), width, static_cast<int>(choices_.small(3))};
  }

  void make_input() {
    constexpr int extents[] = {1, 4, 2, 3, 5, 8, 9, 16, 17, 33};
    Shape extent_list;
    const int axes = choices_.between(1, 3);
    int elements = 1;
    for (int axis = 0; axis < axes; ++axis) {
      const int extent = extents[choices_.below(axis == 0 ? 10 : 6)];
      if (elements * extent > options_.most_elements) break;
      elements *= extent;
      extent_list.push_back(extent);
    }
    keep(builder_.input(fresh("input"), extent_list, stored_type()));
  }

  NodeId pick() {
    return static_cast<NodeId>(shapes_.size()) - 1 - choices_.below(static_cast<int>(shapes_.size()));
  }

  /// A node of at most 32 bits: picked, or a picked accumulator requantized.
  NodeId pick_stored() {
    const NodeId id = pick();
    if (node(id).type.width <= 16 || choices_.below(4) == 3)
      return node(id).type.width <= 32 ? id : narrow(id);
    return narrow(id);
  }

  /// Adds a node, or nothing when the network's rules refuse it.
  bool add(const char* word, Operation operation, const std::vector<NodeId>& inputs,
           std::optional<Type> type = {}, std::optional<Shape> to = {}) {
    try {
      NodeId id = 0;
      const std::string name = fresh(word);
      if (type) {
        id = builder_.add(name, std::move(operation), inputs, *type);
      } else if (to) {
        id = builder_.add(name, std::move(operation), inputs, *to);
      } else {
        id = builder_.add(name, std::move(operation), inputs);
      }
      keep(id);
      for (const NodeId input : inputs) read_[static_cast<std::size_t>(input)] = true;
      return true;
    } catch (const Error&) {
      return false;
    }
  }

  NodeId last() const { return static_cast<NodeId>(shapes_.size()) - 1; }

  /// Bits of the magnitude that a node reaches.
  int range_bits(NodeId id) const {
    const Interval range = hull(builder_.range(id));
    const auto magnitude =
        std::max(static_cast<std::uint64_t>(std::max(range.high, -(range.low + 1))), std::uint64_t{1});
    return static_cast<int>(std::bit_width(magnitude));
  }

  std::size_t entries(const Shape& of, int& axis) {
    axis = of.empty() ? 0 : choices_.below(static_cast<int>(of.size()));
    switch (choices_.below(3)) {
      case 1:
        return of.empty() ? 1 : static_cast<std::size_t>(of[static_cast<std::size_t>(axis)]);
      case 2:
        return element_count(of);
    }
    return 1;
  }

  Requantize make_requantize(NodeId id, Type type) {
    Requantize op;
    op.rounding = static_cast<Rounding>(choices_.below(9));
    op.overflow = static_cast<Overflow>(choices_.below(3));
    const std::size_t count = entries(shape(id), op.axis);
    const bool scaled = choices_.below(3) == 1;
    const int bits = range_bits(id);
    const int scale_bits = scaled ? choices_.between(1, std::max(1, std::min(20, 60 - bits))) : 0;
    op.multiplier.clear();
    op.shift.clear();
    for (std::size_t i = 0; i < count; ++i) {
      const std::int64_t multiplier = scaled ? choices_.between(1 << (scale_bits - 1), 1 << scale_bits) : 1;
      op.multiplier.push_back(choices_.below(8) == 7 ? -multiplier : multiplier);
      const int wanted = bits + scale_bits - type.width + choices_.below(4) - 1;
      op.shift.push_back(std::clamp(wanted, 0, 62));
    }
    if (choices_.below(3) == 1) op.offset = {choices_.small(1000)};
    if (choices_.below(4) == 1) op.zero_point = {choices_.small(20)};
    return op;
  }

  NodeId narrow(NodeId id) {
    Type type = stored_type();
    type.width = std::min(type.width, 12);
    if (add("requantize", make_requantize(id, type), {id}, type)) return last();
    Requantize simplest;
    simplest.shift = {std::clamp(range_bits(id) - type.width, 0, 62)};
    add("requantize", simplest, {id}, type);
    return last();
  }

  std::vector<std::int64_t> weights(std::size_t count) {
    const int most = choices_.coin() ? 7 : choices_.coin() ? 127 : 32767;
    // A few random numbers seed the rest: decisions stay few, and shrinking simplifies all weights at once.
    std::uint32_t state = choices_.raw();
    const bool sparse = choices_.below(3) == 1;
    std::vector<std::int64_t> list(count, 1);
    if (state == 0) return list;
    for (std::int64_t& weight : list) {
      state = state * 1664525u + 1013904223u;
      const bool zero = sparse && (state >> 28) < 11;
      weight =
          zero ? 0 : static_cast<std::int64_t>((state >> 8) % (2 * static_cast<unsigned>(most) + 1)) - most;
    }
    return list;
  }

  void attempt();
  void dense();
  void conv();
  void pool();
  void threshold();
  void lookup();
  void layout();
  void concat();
  void lanes();
  void binary();
  void select();
  void tree_ensemble();
  void recurrent();
  void constant_like();
  Window window(const Shape& of, bool may_pad);
  void close_state(std::size_t index, const Node& wanted);

  Network finish() {
    const std::size_t nodes = shapes_.size();
    for (std::size_t i = 0; i < nodes; ++i) {
      if (!read_[i]) builder_.output(fresh("output"), static_cast<NodeId>(i));
    }
    return builder_.finish();
  }

  Choices& choices_;
  const RandomNetworkOptions& options_;
  int depth_;
  Builder builder_;
  std::vector<Shape> shapes_;
  std::vector<bool> read_;
};

}  // namespace crible::conformance
