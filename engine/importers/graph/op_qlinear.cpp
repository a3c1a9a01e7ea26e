#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

const Constant* optional_constant(const Scope& scope, std::size_t index, const char* what) {
  return scope.has(index) ? &scope.constant(index, what) : nullptr;
}

/// The real tensor of a quantized operand whose scale and zero point are the inputs `scale` and `scale + 1`.
Value operand(const Scope& scope, std::size_t tensor, std::size_t scale, std::int64_t axis) {
  return dequantized(scope.in(tensor), scope.constant(scale, "scale"),
                     optional_constant(scope, scale + 1, "zero point"), axis);
}

/// Quantizes the result with the scale and zero point in inputs `scale` and `scale + 1`.
void result(const Scope& scope, const Value& value, std::size_t scale) {
  const Quantizer quantizer =
      linear_quantizer(scope.constant(scale, "output scale"),
                       optional_constant(scope, scale + 1, "output zero point"), value, 1, "uint8");
  scope.lowering().begin(scope.op().name);
  scope.out(scope.quantize(value, quantizer));
}

/// An int32 bias is in steps of the product of the two scales.
Value with_quantized_bias(const Scope& scope, const Value& x, std::size_t bias, std::size_t input_scale,
                          std::size_t weight_scale, std::size_t axis) {
  if (!scope.has(bias)) return x;
  Extents shape(x.rank(), 1);
  const std::vector<std::int64_t> integers = whole_numbers(scope.constant(bias, "bias"));
  if (static_cast<std::int64_t>(integers.size()) != x.shape[axis] && integers.size() != 1)
    throw Error("its bias has another number of rows than its weights");
  shape[axis] = static_cast<std::int64_t>(integers.size());
  Coefficients steps{shape, {}};
  for (const std::int64_t integer : integers) steps.values.push_back(Real(Rational(integer)));
  const auto multiply = [](const Real& a, const Real& b) { return a * b; };
  const Coefficients weight = along_axis(scope.constant(weight_scale, "weight scale"), x.rank(),
                                         static_cast<std::int64_t>(axis), x.shape);
  const Coefficients input = along_axis(scope.constant(input_scale, "input scale"), x.rank(), 0, x.shape);
  return plus(scope.lowering(), x, combine(combine(steps, weight, multiply), input, multiply));
}

void q_linear_conv(const Scope& scope) {
  const Value x = operand(scope, 0, 1, 1);
  const Value weights = operand(scope, 3, 4, 0);
  if (!weights.is_constant())
    throw Error("its weights are computed from the model's input; they must be constants");
  const Value y = convolution(scope.lowering(), x, *weights.constant, convolution_attributes(scope.op()),
                              scope.op().name);
  result(scope, with_quantized_bias(scope, y, 8, 1, 4, 1), 6);
}

void q_linear_mat_mul(const Scope& scope) {
  const Value a = operand(scope, 0, 1, -2);
  const Value b = operand(scope, 3, 4, -1);
  result(scope, matrix_product(scope.lowering(), a, b, scope.op().name), 6);
}

/// com.microsoft: a, a scale, a zero, b, b scale, b zero, c, y scale, y zero.
void q_gemm(const Scope& scope) {
  Lowering& lowering = scope.lowering();
  const Operator& op = scope.op();
  const bool transposed_b = op.integer("transB", 0) != 0;
  Value a = operand(scope, 0, 1, 1);
  Value b = operand(scope, 3, 4, transposed_b ? 0 : 1);
  if (op.integer("transA", 0) != 0) a = transposed(lowering, a, {1, 0});
  if (transposed_b) b = transposed(lowering, b, {1, 0});
  Value y = matrix_product(lowering, a, b, op.name);
  y = with_quantized_bias(scope, y, 6, 1, 4, 1);
  if (op.real("alpha", 1) != 1)
    y = times(lowering, y, Coefficients::uniform(0, to_rational(op.real("alpha", 1))));
  if (!scope.has(7)) return scope.out(y);
  result(scope, y, 7);
}

void q_linear_add(const Scope& scope) {
  result(scope, sum(scope.lowering(), operand(scope, 0, 1, 1), operand(scope, 3, 4, 1)), 6);
}

void q_linear_mul(const Scope& scope) {
  result(scope, product(scope.lowering(), operand(scope, 0, 1, 1), operand(scope, 3, 4, 1)), 6);
}

/// Output scale and zero point first, then groups of tensor, scale, zero point.
void q_linear_concat(const Scope& scope) {
  std::vector<Value> parts;
  for (std::size_t i = 2; i + 1 < scope.op().inputs.size(); i += 3)
    parts.push_back(operand(scope, i, i + 1, 1));
  if (parts.empty()) throw Error("it has no inputs");
  const int axis = axis_in(scope.op().integer("axis", 1), parts.front().rank());
  // Quantizing part by part keeps each part's own scale out of the joined tensor.
  const Constant& scale = scope.constant(0, "output scale");
  const Constant* zero = optional_constant(scope, 1, "output zero point");
  for (Value& part : parts) part = scope.quantize(part, linear_quantizer(scale, zero, part, 1, "uint8"));
  scope.out(concatenated(scope.lowering(), parts, axis));
}

/// x, scale, zero point, output scale, output zero point.
void q_linear_leaky_relu(const Scope& scope) {
  const Rational slope = to_rational(scope.op().real("alpha", 0.01F));
  result(
      scope,
      with_negative_slope(scope.lowering(), operand(scope, 0, 1, 1), Coefficients::uniform(0, Real(slope))),
      3);
}

void require_channels_first(const Scope& scope) {
  if (scope.op().integer("channels_last", 0) != 0)
    throw Error("it works on channels-last tensors; export the model with channels first");
}

void q_linear_average_pool(const Scope& scope) {
  require_channels_first(scope);
  result(scope, average_pooled(scope.lowering(), operand(scope, 0, 1, 1), scope.op()), 3);
}

void q_linear_global_average_pool(const Scope& scope) {
  require_channels_first(scope);
  result(scope, globally_averaged(scope.lowering(), operand(scope, 0, 1, 1)), 3);
}

/// x - zero point, as integers.
Value without_zero(const Scope& scope, std::size_t tensor, std::size_t zero, std::int64_t axis) {
  const Value& x = scope.in(tensor);
  if (!scope.has(zero)) return x;
  const Constant& constant = scope.constant(zero, "zero point");
  return dequantized(x, make_integers({}, {1}), element_count(constant.shape) == 0 ? nullptr : &constant,
                     axis);
}

void mat_mul_integer(const Scope& scope) {
  Value y = matrix_product(scope.lowering(), without_zero(scope, 0, 2, -2), without_zero(scope, 1, 3, -1),
                           scope.op().name);
  y.is_integer = true;
  scope.out(y);
}

void conv_integer(const Scope& scope) {
  const Value weights = without_zero(scope, 1, 3, 0);
  if (!weights.is_constant())
    throw Error("its weights are computed from the model's input; they must be constants");
  Value y = convolution(scope.lowering(), without_zero(scope, 0, 2, 1), *weights.constant,
                        convolution_attributes(scope.op()), scope.op().name);
  y.is_integer = true;
  scope.out(y);
}

}  // namespace

std::vector<OperatorEntry> qlinear_operators() {
  return {
      {"", "QLinearConv", q_linear_conv},
      {"", "QLinearMatMul", q_linear_mat_mul},
      {"", "MatMulInteger", mat_mul_integer},
      {"", "ConvInteger", conv_integer},
      {"com.microsoft", "QGemm", q_gemm},
      {"com.microsoft", "QLinearAdd", q_linear_add},
      {"com.microsoft", "QLinearMul", q_linear_mul},
      {"com.microsoft", "QLinearConcat", q_linear_concat},
      {"com.microsoft", "QLinearLeakyRelu", q_linear_leaky_relu},
      {"com.microsoft", "QLinearAveragePool", q_linear_average_pool},
      {"com.microsoft", "QLinearGlobalAveragePool", q_linear_global_average_pool},
  };
}

}  // namespace crible::importers::graph
