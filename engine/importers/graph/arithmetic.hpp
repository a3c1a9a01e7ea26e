#pragma once

#include "engine/importers/graph/operators.hpp"

/// Building blocks that several operators share. All are exact; all throw Error without a node's name.
namespace crible::importers::graph {

// Affine changes: no node, only other scales and offsets (after a clamp with per-channel constants: a clamp
// node).
Value plus(Lowering& lowering, const Value& x, const Coefficients& constant);
Value times(Lowering& lowering, const Value& x, const Coefficients& constant);

/// max(x, low) and min(x, high), kept back until a quantizer or another node needs them.
Value clipped(Lowering& lowering, const Value& x, const std::optional<Rational>& low,
              const std::optional<Rational>& high);

/// Of two tensors, either of which may be a constant.
Value sum(Lowering& lowering, const Value& a, const Value& b);
Value product(Lowering& lowering, const Value& a, const Value& b);
Value negated(Lowering& lowering, const Value& x);

/// x where it is positive, slope * x where it is negative; the slope may differ by channel or element.
Value with_negative_slope(Lowering& lowering, const Value& x, const Coefficients& slope);

/// Both values at one rank and with one axis of events, so that their network tensors broadcast.
std::pair<Value, Value> aligned(Lowering& lowering, Value a, Value b);

/// Both values with nodes that broadcast against each other, one scale above zero, one fraction and offset
/// zero: their integers compare as their real numbers do. At least one is computed.
std::pair<Value, Value> on_one_scale(Lowering& lowering, const Value& a, const Value& b);

/// Contraction of the last axis of `x` with `weights` [rows, columns].
Value dense(Lowering& lowering, const Value& x, const Constant& weights, const std::string& name);

/// y = a * b on the last two axes; either may be a constant.
Value matrix_product(Lowering& lowering, const Value& a, const Value& b, const std::string& name);

struct ConvolutionAttributes {
  std::vector<std::int64_t> kernel, strides, dilations, pads;  // pads: all begins, then all ends
  std::string auto_pad;
  std::int64_t groups = 1;
};
ConvolutionAttributes convolution_attributes(const Operator& op);

Value convolution(Lowering& lowering, const Value& x, const Constant& weights,
                  const ConvolutionAttributes& attributes, const std::string& name);

/// Window of a convolution or pool over the spatial axes [2, rank) of a value, auto_pad resolved.
network::Window window_of(const Value& x, const ConvolutionAttributes& attributes, bool round_up);

/// Spatial extents of the result.
Extents window_result(const Value& x, const network::Window& window);

/// AveragePool with the attributes of `op`, and GlobalAveragePool: sums whose scale has the division in it.
Value average_pooled(Lowering& lowering, const Value& x, const Operator& op);
Value globally_averaged(Lowering& lowering, const Value& x);

// Rearrangements of elements.
Value reshaped(Lowering& lowering, const Value& x, const Extents& shape);
Value transposed(Lowering& lowering, const Value& x, const std::vector<int>& permutation);
Value sliced(Lowering& lowering, const Value& x, const std::vector<std::int64_t>& start,
             const std::vector<std::int64_t>& step, const Extents& shape);
Value concatenated(Lowering& lowering, const std::vector<Value>& parts, int axis);

// Quantization as the ONNX standard has it.

/// Scale or zero point: one value, or one for each index of `axis`.
Coefficients along_axis(const Constant& constant, std::size_t rank, std::int64_t axis, const Extents& shape);
/// `zero` may be null: zero point 0 of the type named by `element`.
Quantizer linear_quantizer(const Constant& scale, const Constant* zero, const Value& x, std::int64_t axis,
                           const std::string& element);
Value dequantized(const Value& x, const Constant& scale, const Constant* zero, std::int64_t axis);

/// A negative axis counts from the end. Throws Error when it is outside.
int axis_in(std::int64_t axis, std::size_t rank);

}  // namespace crible::importers::graph
