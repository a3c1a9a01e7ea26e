#include <algorithm>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

/// Integer rows with sum_k real_weight[r][k] * (scale[k] * q[k] + offset[k]) = scale_r * sum_k w[r][k] q[k] +
/// offset_r.
struct Rows {
  std::vector<std::int64_t> weights;
  std::vector<Real> scale;
  std::vector<Real> offset;
};

const Real& at(const Coefficients& a, std::size_t index) {
  return a.values.size() == 1 ? a.values[0] : a.values[index];
}

/// Weights with one scale for each row (or for all), inputs with one scale.
Rows quantized_rows(const Constant& weights, std::size_t rows, std::size_t columns, const Real& input_scale,
                    const Coefficients& input_offset) {
  Rows result;
  result.weights = weights.integers;
  for (std::size_t row = 0; row < rows; ++row) {
    const Real& own = at(weights.scale, row);
    Real offset = 0;
    if (input_offset.is_uniform()) {
      const auto first = weights.integers.begin() + static_cast<std::ptrdiff_t>(row * columns);
      const Integer total = std::accumulate(first, first + static_cast<std::ptrdiff_t>(columns), Integer(0));
      offset = input_offset.values[0] * Real(Rational(total));
    } else {
      for (std::size_t k = 0; k < columns; ++k)
        offset = offset + at(input_offset, k) * Real(Rational(weights.integers[row * columns + k]));
    }
    result.scale.push_back(own * input_scale);
    result.offset.push_back(own * offset);
  }
  return result;
}

/// Any weights: the step of a row is the largest number of which all its products are whole multiples.
Rows general_rows(const std::vector<Real>& weights, std::size_t rows, std::size_t columns,
                  const Coefficients& input_scale, const Coefficients& input_offset) {
  Rows result;
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<Real> products;
    Real base = 0;
    Real offset = 0;
    for (std::size_t k = 0; k < columns; ++k) {
      const Real& weight = weights[row * columns + k];
      products.push_back(weight * at(input_scale, k));
      offset = offset + weight * at(input_offset, k);
      if (base.sign() == 0) base = products.back();
    }
    if (base.sign() == 0) base = 1;
    if (base.sign() < 0) base = -base;
    Rational unit = 0;
    for (const Real& product : products) {
      const Real ratio = product / base;
      if (!ratio.is_rational()) throw Error("its inputs have no common step; put a quantizer before it");
      unit = gcd(unit, ratio.rational());
    }
    if (unit == 0) unit = 1;
    for (const Real& product : products) {
      const Integer integer = floor((product / base).rational() / unit);
      if (abs(integer) >= (Integer(1) << 31))
        throw Error(
            "its weights are floats without a common step of 32 bits; train or export it with quantized "
            "weights");
      result.weights.push_back(integer.convert_to<std::int64_t>());
    }
    result.scale.push_back(base * Real(unit));
    result.offset.push_back(offset);
  }
  return result;
}

Rows rows_of(const Constant& weights, std::size_t rows, std::size_t columns, const Coefficients& input_scale,
             const Coefficients& input_offset) {
  if (input_scale.is_uniform()) {
    std::optional<Constant> integers;
    try {
      integers = as_integers(weights);
    } catch (const Error&) {
      // Each row may still have a step of its own.
    }
    if (integers) {
      const Spread spread = spread_of(integers->scale);
      if (spread.kind == Spread::Kind::tensor || (spread.kind == Spread::Kind::axis && spread.axis == 0))
        return quantized_rows(*integers, rows, columns, input_scale.values[0], input_offset);
    }
  }
  return general_rows(exact_elements(weights), rows, columns, input_scale, input_offset);
}

/// Coefficients with one value for each row, on `axis` of a tensor of `rank` axes.
Coefficients on_axis(std::vector<Real> values, std::size_t rank, int axis) {
  Coefficients result{Extents(rank, 1), std::move(values)};
  result.shape[static_cast<std::size_t>(axis)] = static_cast<std::int64_t>(result.values.size());
  return simplify(std::move(result));
}

/// Coefficients that differ along the last axis at most.
bool along_last(const Coefficients& a) {
  const Spread spread = spread_of(a);
  return spread.kind == Spread::Kind::tensor ||
         (spread.kind == Spread::Kind::axis && spread.axis == static_cast<int>(a.rank()) - 1);
}

Value pending(const Value& input, std::shared_ptr<Linear> linear, Extents shape, Rows rows) {
  Value result;
  result.shape = std::move(shape);
  result.batch = input.batch;
  const std::size_t rank = result.shape.size();
  result.scale = on_axis(std::move(rows.scale), rank, linear->axis);
  result.offset = on_axis(std::move(rows.offset), rank, linear->axis);
  result.linear = std::move(linear);
  return result;
}

Constant transposed_matrix(const Constant& matrix) {
  static const std::vector<int> swap{1, 0};
  Constant result = matrix;
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto columns = static_cast<std::size_t>(matrix.shape[1]);
  const auto turn = [&](auto& to, const auto& from) {
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
    }
  };
  result.shape = {matrix.shape[1], matrix.shape[0]};
  if (matrix.has_integers()) {
    turn(result.integers, matrix.integers);
    result.scale = transpose(matrix.scale, swap);
    result.offset = transpose(matrix.offset, swap);
  } else {
    turn(result.reals, matrix.reals);
  }
  return result;
}

std::vector<int> swap_last_two(std::size_t rank) {
  std::vector<int> permutation(rank);
  std::iota(permutation.begin(), permutation.end(), 0);
  std::swap(permutation[rank - 1], permutation[rank - 2]);
  return permutation;
}

/// a [.., M, K] * b [.., K, N] of two computed tensors: all products, then sums.
Value product_of_two(Lowering& lowering, const Value& a, const Value& b, const std::string& name) {
  if (a.rank() < 2 || b.rank() < 2)
    throw Error("a product of two computed vectors is not supported; reshape them to matrices");
  const Value left = lowering.emit_plain(a);
  const Value right = transposed(lowering, lowering.emit_plain(b), swap_last_two(b.rank()));
  Extents left_shape = left.shape;
  left_shape.insert(left_shape.end() - 1, 1);
  Extents right_shape = right.shape;
  right_shape.insert(right_shape.end() - 2, 1);
  lowering.begin(name);
  Value products =
      product(lowering, reshaped(lowering, left, left_shape), reshaped(lowering, right, right_shape));
  Value result = products;
  result.shape.pop_back();
  const int axis = Lowering::axis_of(products, static_cast<int>(products.rank()) - 1);
  lowering.begin(name);
  result.node = lowering.builder().add(lowering.next_name(), network::Reduce{network::ReduceKind::sum, axis},
                                       {products.node});
  result.scale = Coefficients::uniform(result.rank(), products.scale.values[0]);
  result.offset = Coefficients::uniform(result.rank(), 0);
  return result;
}

/// Constants of shape [1, ..., 1, K, N] as matrices.
Constant as_matrix(const Constant& constant) {
  Constant matrix = constant;
  for (std::size_t axis = 0; axis + 2 < constant.shape.size(); ++axis) {
    if (constant.shape[axis] != 1)
      throw Error("its constant has several matrices; split it into single products");
  }
  const auto drop = [](Extents& shape) { shape.erase(shape.begin(), shape.end() - 2); };
  if (matrix.shape.size() > 2) {
    drop(matrix.shape);
    if (matrix.has_integers()) {
      drop(matrix.scale.shape);
      drop(matrix.offset.shape);
    }
  }
  return matrix;
}

}  // namespace

Value dense(Lowering& lowering, const Value& x, const Constant& weights, const std::string& name) {
  if (x.rank() == 0) throw Error("its input is a single number");
  Value input = lowering.emit_unclamped(x);
  if (!along_last(input.scale) || !along_last(input.offset)) input = lowering.emit_plain(x);
  const auto rows = static_cast<std::size_t>(weights.shape[0]);
  const auto columns = static_cast<std::size_t>(weights.shape[1]);
  if (x.shape.back() != weights.shape[1])
    throw Error("its input " + to_string(x.shape) + " does not fit weights for " + std::to_string(columns) +
                " inputs");
  if (rows == 0 || columns == 0) throw Error("its weights are empty");
  Lowering::axis_of(input, static_cast<int>(input.rank()) - 1);
  Rows integers = rows_of(weights, rows, columns, input.scale, input.offset);
  auto linear = std::make_shared<Linear>();
  linear->name = name;
  linear->input = input.node;
  linear->rows = rows;
  linear->axis = static_cast<int>(x.rank()) - 1;
  network::Dense operation;
  operation.outputs = static_cast<int>(rows);
  operation.inputs = static_cast<int>(columns);
  operation.weights = std::move(integers.weights);
  linear->operation = std::move(operation);
  Extents shape = x.shape;
  shape.back() = weights.shape[0];
  return pending(input, std::move(linear), std::move(shape), std::move(integers));
}

Value matrix_product(Lowering& lowering, const Value& a, const Value& b, const std::string& name) {
  if (a.is_constant() && b.is_constant())
    throw Error("it multiplies two constants; fold constants before the import");
  if (!a.is_constant() && !b.is_constant()) return product_of_two(lowering, a, b, name);
  if (b.is_constant()) {
    Constant matrix = *b.constant;
    const bool vector = matrix.shape.size() == 1;
    if (vector) {
      const Value column = reshaped(lowering, b, {matrix.shape[0], 1});
      matrix = *column.constant;
    }
    if (matrix.shape.size() < 2) throw Error("its weights are a single number");
    Value result = dense(lowering, a, transposed_matrix(as_matrix(matrix)), name);
    if (!vector) return result;
    Extents shape = result.shape;
    shape.pop_back();
    return reshaped(lowering, result, shape);
  }
  if (a.constant->shape.size() < 2 || b.rank() < 2)
    throw Error("a vector times a computed tensor is not supported; reshape it to a matrix");
  const Value turned = transposed(lowering, b, swap_last_two(b.rank()));
  const Value result = dense(lowering, turned, as_matrix(*a.constant), name);
  return transposed(lowering, result, swap_last_two(b.rank()));
}

ConvolutionAttributes convolution_attributes(const Operator& op) {
  ConvolutionAttributes attributes;
  attributes.kernel = op.integers("kernel_shape");
  attributes.strides = op.integers("strides");
  attributes.dilations = op.integers("dilations");
  attributes.pads = op.integers("pads");
  attributes.auto_pad = op.text("auto_pad", "NOTSET");
  attributes.groups = op.integer("group", 1);
  return attributes;
}

network::Window window_of(const Value& x, const ConvolutionAttributes& attributes, bool round_up) {
  if (x.rank() != 3 && x.rank() != 4)
    throw Error("its input " + to_string(x.shape) +
                " is not [events, channels, length] or [events, channels, height, width]");
  if (x.batch != 0) throw Error("its first axis does not count events");
  const std::size_t axes = x.rank() - 2;
  const auto list = [&](const std::vector<std::int64_t>& given, std::int64_t otherwise, std::size_t size) {
    const std::vector<std::int64_t> values =
        given.empty() ? std::vector<std::int64_t>(size, otherwise) : given;
    if (values.size() != size) throw Error("its attributes have another number of axes than its input");
    std::vector<int> result;
    for (const std::int64_t value : values) {
      if (value < 0 || value > (1 << 20))
        throw Error("its kernel, strides, dilations or pads are out of range");
      result.push_back(static_cast<int>(value));
    }
    return result;
  };
  network::Window window;
  window.kernel = list(attributes.kernel, 0, axes);
  window.stride = list(attributes.strides, 1, axes);
  window.dilation = list(attributes.dilations, 1, axes);
  const std::vector<int> pads = list(attributes.pads, 0, 2 * axes);
  window.pad_before.assign(pads.begin(), pads.begin() + static_cast<std::ptrdiff_t>(axes));
  window.pad_after.assign(pads.begin() + static_cast<std::ptrdiff_t>(axes), pads.end());
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (window.kernel[axis] < 1 || window.stride[axis] < 1 || window.dilation[axis] < 1)
      throw Error("its kernel, strides or dilations are out of range");
    const auto extent = x.shape[axis + 2];
    const std::int64_t reach = std::int64_t{window.dilation[axis]} * (window.kernel[axis] - 1) + 1;
    const std::int64_t stride = window.stride[axis];
    if (attributes.auto_pad == "SAME_UPPER" || attributes.auto_pad == "SAME_LOWER") {
      const std::int64_t positions = (extent + stride - 1) / stride;
      const std::int64_t total = std::max<std::int64_t>(0, (positions - 1) * stride + reach - extent);
      const std::int64_t less = total / 2;
      const bool upper = attributes.auto_pad == "SAME_UPPER";
      window.pad_before[axis] = static_cast<int>(upper ? less : total - less);
      window.pad_after[axis] = static_cast<int>(upper ? total - less : less);
    } else if (attributes.auto_pad == "VALID") {
      window.pad_before[axis] = window.pad_after[axis] = 0;
    } else if (attributes.auto_pad != "NOTSET") {
      throw Error("its auto_pad '" + attributes.auto_pad + "' is unknown");
    }
    std::int64_t padded = extent + window.pad_before[axis] + window.pad_after[axis];
    if (round_up && padded >= reach && (padded - reach) % stride != 0) {
      // One more window counts if it starts inside the input or its front padding.
      const std::int64_t last_start = ((padded - reach) / stride + 1) * stride;
      if (last_start < extent + window.pad_before[axis]) {
        window.pad_after[axis] += static_cast<int>(stride - (padded - reach) % stride);
        padded = extent + window.pad_before[axis] + window.pad_after[axis];
      }
    }
    if (padded < reach) throw Error("its window is larger than its padded input");
  }
  return window;
}

Extents window_result(const Value& x, const network::Window& window) {
  Extents result{x.shape[0], x.shape[1]};
  for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
    const std::int64_t padded = x.shape[axis + 2] + window.pad_before[axis] + window.pad_after[axis];
    const std::int64_t reach = std::int64_t{window.dilation[axis]} * (window.kernel[axis] - 1) + 1;
    result.push_back((padded - reach) / window.stride[axis] + 1);
  }
  return result;
}

Value convolution(Lowering& lowering, const Value& x, const Constant& weights,
                  const ConvolutionAttributes& attributes, const std::string& name) {
  if (weights.shape.size() != x.rank() || weights.shape.size() < 3)
    throw Error("its weights " + to_string(weights.shape) + " do not fit its input " + to_string(x.shape));
  ConvolutionAttributes resolved = attributes;
  const std::vector<std::int64_t> kernel(weights.shape.begin() + 2, weights.shape.end());
  if (!resolved.kernel.empty() && resolved.kernel != kernel)
    throw Error("its kernel_shape is not that of its weights");
  resolved.kernel = kernel;
  const network::Window window = window_of(x, resolved, false);
  const std::int64_t groups = attributes.groups;
  if (groups < 1 || x.shape[1] % groups != 0 || weights.shape[0] % groups != 0 ||
      weights.shape[1] != x.shape[1] / groups || weights.shape[0] < 1)
    throw Error("its groups do not divide its channels and filters");

  Value input = lowering.emit_unclamped(x);
  const bool pads =
      std::any_of(window.pad_before.begin(), window.pad_before.end(), [](int n) { return n > 0; }) ||
      std::any_of(window.pad_after.begin(), window.pad_after.end(), [](int n) { return n > 0; });
  const auto zero_of = [](const Value& value) -> std::optional<std::int64_t> {
    if (value.scale.values[0].sign() == 0) return std::nullopt;
    const Real zero = -(value.offset.values[0] / value.scale.values[0]);
    if (!(Real(Rational(zero.floor())) == zero)) return std::nullopt;
    return to_int64(zero.floor());
  };
  if (!input.scale.is_uniform() || !input.offset.is_uniform() || (pads && !zero_of(input)))
    input = lowering.emit_plain(x);

  const auto rows = static_cast<std::size_t>(weights.shape[0]);
  const std::size_t columns = element_count(weights.shape) / rows;
  Rows integers = rows_of(weights, rows, columns, input.scale, input.offset);
  network::Conv operation;
  operation.filters = static_cast<int>(rows);
  operation.groups = static_cast<int>(groups);
  operation.window = window;
  operation.pad_value = pads ? *zero_of(input) : 0;
  operation.weights = std::move(integers.weights);
  auto linear = std::make_shared<Linear>();
  linear->name = name;
  linear->input = input.node;
  linear->operation = std::move(operation);
  linear->rows = rows;
  linear->axis = 1;
  Extents shape = window_result(x, window);
  shape[1] = weights.shape[0];
  return pending(input, std::move(linear), std::move(shape), std::move(integers));
}

}  // namespace crible::importers::graph
