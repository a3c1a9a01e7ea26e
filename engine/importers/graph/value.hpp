#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/importers/graph/model.hpp"
#include "engine/network/network.hpp"

namespace crible::importers::graph {

/// A dense or conv node that waits for its bias: constants that the model adds to the result afterwards (a
/// bias, a batch norm) go into the node where they are whole numbers of its unit. Emitted once.
struct Linear {
  std::string name;
  network::NodeId input = -1;
  network::Operation operation;  // Dense or Conv, bias zero
  std::size_t rows = 0;          // outputs or filters
  int axis = 0;                  // of the rows, in the model's tensor
  network::NodeId node = -1;     // once emitted: E[r] = sign[r] * sum[r] + bias[r]
  std::vector<int> sign;
  std::vector<std::int64_t> bias;
};

/// What a tensor of the model is: a constant, or real = clamp(scale * q + offset) with q the integers of a
/// network node. Scale and offset are exact and may differ by channel or element.
struct Value {
  Extents shape;            // as the model has it
  int batch = -1;           // which axis of `shape` counts events (its extent is 1 here), -1 for none
  bool is_integer = false;  // the model's element type is an integer type
  bool is_unknown = false;  // only while inputs are being resolved
  int open_input = -1;      // index of the input, while its type is not known, that this is a function of
  std::shared_ptr<const Constant> constant;
  network::NodeId node = -1;
  std::shared_ptr<Linear> linear;  // instead of a node, until it is emitted
  Coefficients scale;
  Coefficients offset;
  std::optional<Rational> low;  // of the clamp (relu, clip) that has not been applied to q yet
  std::optional<Rational> high;
  std::string dropped;    // "Softmax": a final function that was left out; the value is its argument
  int dropped_axis = -1;  // the axis it works along; -1 for each element alone

  bool is_constant() const { return constant != nullptr; }
  bool has_clamp() const { return low || high; }
  std::size_t rank() const { return shape.size(); }
};

Value constant_value(Constant constant);

/// Integers with offset zero where the offset is a whole number of steps (a zero point); reals that share a
/// power-of-two unit of at most 32 bits become integers of that unit. Throws Error when there is none.
Constant as_integers(const Constant& constant);

/// The exact elements of a constant, C order.
std::vector<Real> exact_elements(const Constant& constant);

/// Elements of an integer constant (shapes, axes, indices); floats that are whole numbers count.
std::vector<std::int64_t> whole_numbers(const Constant& constant);

/// A constant's numbers as coefficients of a tensor of `rank` axes.
Coefficients as_coefficients(const Constant& constant, std::size_t rank);

/// Coefficients back to a constant of the shape they have.
Constant from_coefficients(const Coefficients& coefficients);

}  // namespace crible::importers::graph
