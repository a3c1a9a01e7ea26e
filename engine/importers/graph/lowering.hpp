#pragma once

#include <set>
#include <string>
#include <vector>

#include "engine/importers/graph/value.hpp"
#include "engine/importers/import.hpp"
#include "engine/importers/step.hpp"
#include "engine/network/build.hpp"

namespace crible::importers::graph {

/// A quantizer of the model: k = clamp(round(x / scale + zero_inside) + zero_after, low, high).
struct Quantizer {
  Coefficients scale;
  Coefficients zero_inside;  // QONNX adds its zero point before rounding
  Coefficients zero_after;   // ONNX adds it afterwards; whole numbers
  network::Rounding rounding = network::Rounding::half_even;
  std::int64_t low = 0;
  std::int64_t high = 0;
  network::Type type;           // as the model states it, fraction 0
  bool integer_result = false;  // the result is k itself; else (k - zeros) * scale
};

/// Emits network nodes for values. Every function gives a value that is equal, as a real number, to its
/// argument, or throws Error without the node's name (the caller adds it).
class Lowering {
 public:
  explicit Lowering(const std::string& name) : builder_(name) {}

  network::Builder& builder() { return builder_; }
  Report& report() { return report_; }

  /// Keeps a name free for an input or output of the model.
  void reserve(const std::string& name) { reserved_.insert(name); }

  /// Sets the name that the next nodes get.
  void begin(const std::string& name) { name_ = name; }
  std::string next_name() const { return free_name(name_); }

  /// `wanted`, changed where it is reserved or taken.
  std::string free_name(const std::string& wanted) const;

  /// A value that has a node.
  Value emit(const Value& value);

  /// A value with a node, one scale > 0, offset zero and no clamp left: real = scale * q.
  Value emit_plain(const Value& value);

  /// A value with a node and no clamp left.
  Value emit_unclamped(const Value& value) { return value.has_clamp() ? emit_plain(value) : emit(value); }

  /// q * multiplier + offset in integers, exact; the two are spread as coefficients are.
  network::NodeId affine(const Value& value, const Coefficients& multiplier, const Coefficients& offset,
                         int fraction);

  Value quantize(const Value& value, const Quantizer& quantizer);

  /// The quantizer of a sigmoid or tanh (Value::dropped) of the argument: a table or thresholds, exact at
  /// every step.
  Value quantize_curve(const Value& argument, const Quantizer& quantizer);

  /// The node with `fraction` bits of fraction, integers unchanged.
  network::NodeId with_fraction(network::NodeId node, int fraction);

  /// Integers of the constant as a node, for operations on two tensors; offset must be zero.
  Value constant_node(const Value& value);

  void output(const std::string& name, const Value& value);

  /// The network's shape of a value: without the axis of events.
  static network::Shape shape_of(const Value& value);
  static network::Shape shape_of(const Extents& extents, int batch);
  /// Where `axis` of the model's tensor is in the network's. Throws Error for the axis of events.
  static int axis_of(const Value& value, int axis);

 private:
  void emit_linear(Linear& linear, const Value& value);
  network::NodeId emit_clamp(network::NodeId node, std::int64_t low, std::int64_t high);

  network::Builder builder_;
  Report report_;
  std::string name_;
  std::set<std::string> reserved_;
};

/// Fraction bits of a network type for this scale: n when it is 2^-n everywhere, else 0.
int fraction_of(const Coefficients& scale);

/// Makes `value`, which has the node of the quantizer's integers, stand for their reals.
void decode(Value& value, const Quantizer& quantizer);

/// The type of a node with the quantizer's integers.
network::Type result_type(const Quantizer& quantizer);

/// Rounds a constant in advance.
Constant quantize_constant(const Constant& constant, const Quantizer& quantizer);

/// The narrowest plain type whose limits are exactly low and high, if there is one, else `type`.
network::Type type_for(std::int64_t low, std::int64_t high, network::Type type);

}  // namespace crible::importers::graph
