#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

void mat_mul(const Scope& scope) {
  scope.out(matrix_product(scope.lowering(), scope.in(0), scope.in(1), scope.op().name));
}

Value matrix(Lowering& lowering, const Value& x, bool transpose) {
  if (x.rank() != 2) throw Error("its operand " + to_string(x.shape) + " is no matrix");
  return transpose ? transposed(lowering, x, {1, 0}) : x;
}

void gemm(const Scope& scope) {
  Lowering& lowering = scope.lowering();
  const Operator& op = scope.op();
  const Value a = matrix(lowering, scope.in(0), op.integer("transA", 0) != 0);
  const Value b = matrix(lowering, scope.in(1), op.integer("transB", 0) != 0);
  Value result = matrix_product(lowering, a, b, op.name);
  const double alpha = op.real("alpha", 1);
  const double beta = op.real("beta", 1);
  if (alpha != 1) result = times(lowering, result, Coefficients::uniform(0, to_rational(alpha)));
  if (scope.has(2) && beta != 0) {
    Value c = scope.in(2);
    if (beta != 1) c = times(lowering, c, Coefficients::uniform(0, to_rational(beta)));
    lowering.begin(op.name);
    result = sum(lowering, result, c);
  }
  scope.out(result);
}

/// Adds one number for each filter to the result of a convolution.
Value with_bias(Lowering& lowering, const Value& x, const Value& bias) {
  if (bias.rank() != 1) throw Error("its bias is not one number for each filter");
  Extents shape(x.rank() - 1, 1);
  shape[0] = bias.shape[0];
  if (bias.shape[0] != x.shape[1]) throw Error("its bias has another number of filters than its weights");
  return sum(lowering, x, reshaped(lowering, bias, shape));
}

void conv(const Scope& scope) {
  Lowering& lowering = scope.lowering();
  Value result = convolution(lowering, scope.in(0), scope.constant(1, "weight tensor"),
                             convolution_attributes(scope.op()), scope.op().name);
  if (scope.has(2)) result = with_bias(lowering, result, scope.in(2));
  scope.out(result);
}

/// QONNX's channels-last Conv: [events, height, width, channels], weights [filters, height, width, channels].
std::vector<int> channels_first(std::size_t rank) {
  std::vector<int> permutation{0, static_cast<int>(rank) - 1};
  for (int axis = 1; axis + 1 < static_cast<int>(rank); ++axis) permutation.push_back(axis);
  return permutation;
}

std::vector<int> channels_last(std::size_t rank) {
  std::vector<int> permutation{0};
  for (int axis = 2; axis < static_cast<int>(rank); ++axis) permutation.push_back(axis);
  permutation.push_back(1);
  return permutation;
}

void conv_channels_last(const Scope& scope) {
  Lowering& lowering = scope.lowering();
  scope.constant(1, "weight tensor");
  const Value& x = scope.in(0);
  if (x.rank() < 3) throw Error("its input has no spatial axis");
  const Value weights = transposed(lowering, scope.in(1), channels_first(scope.in(1).rank()));
  Value result = convolution(lowering, transposed(lowering, x, channels_first(x.rank())), *weights.constant,
                             convolution_attributes(scope.op()), scope.op().name);
  if (scope.has(2)) result = with_bias(lowering, result, scope.in(2));
  scope.out(transposed(lowering, result, channels_last(x.rank())));
}

void refuse_transposed(const Scope&) {
  throw Error("transposed convolutions are not supported; use a Resize (nearest) or DepthToSpace and a Conv");
}

}  // namespace

std::vector<OperatorEntry> linear_operators() {
  return {
      {"", "MatMul", mat_mul},
      {"", "Gemm", gemm},
      {"", "Conv", conv},
      {"qonnx", "Conv", conv_channels_last},
      {"", "ConvTranspose", refuse_transposed},
  };
}

}  // namespace crible::importers::graph
