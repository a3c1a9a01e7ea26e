// Gemm, MatMul, Conv, and what is folded into them.

#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/quantize/reader.hpp"

namespace crible::quantize {

namespace {

/// Weights of a matrix product as [outputs][inputs]: of `matrix` [inputs, outputs], or transposed already.
std::vector<double> rows_of(const Tensor& matrix, bool is_transposed) {
  if (is_transposed) return matrix.values;
  const auto inputs = static_cast<std::size_t>(matrix.shape[0]);
  const auto outputs = static_cast<std::size_t>(matrix.shape[1]);
  std::vector<double> rows(matrix.values.size());
  for (std::size_t k = 0; k < inputs; ++k) {
    for (std::size_t o = 0; o < outputs; ++o) rows[o * inputs + k] = matrix.values[k * outputs + o];
  }
  return rows;
}

void dense(const Node& node, const Tensor& x, const Tensor& matrix, bool is_transposed, double alpha,
           const std::vector<double>& bias) {
  event_axis(x, -1);  // refuses a product along the events
  const auto inputs = matrix.shape[is_transposed ? 1 : 0];
  const auto outputs = matrix.shape[is_transposed ? 0 : 1];
  if (x.shape.back() != inputs)
    throw Error("its input has " + std::to_string(x.shape.back()) + " columns and its weight " +
                std::to_string(inputs) + " rows");
  Dense layer{static_cast<int>(outputs), static_cast<int>(inputs), rows_of(matrix, is_transposed), bias};
  for (double& weight : layer.weights) weight *= alpha;
  layer.bias.resize(static_cast<std::size_t>(outputs), 0.0);
  Extents shape = x.shape;
  shape.back() = outputs;
  node.out_step(std::move(layer), {&x}, shape, x.batch);
}

void check_matrix(const Tensor& matrix) {
  if (matrix.rank() != 2 || matrix.values.empty())
    throw Error("its weight has shape " + importers::to_string(matrix.shape) + "; a matrix is needed");
}

void matmul(const Node& node) {
  const Tensor& x = node.in(0);
  if (x.is_constant())
    throw Error("its left factor is the constant; transpose the product, so that the weight is on the right");
  if (!node.in(1).is_constant())
    throw Error("it multiplies two computed tensors (attention), which crible quantize does not do");
  const Tensor& matrix = node.constant(1, "weight");
  check_matrix(matrix);
  dense(node, x, matrix, false, 1, {});
}

void gemm(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  if (node.op().integer("transA", 0) != 0) throw Error("it transposes its input; export it without transA");
  const Tensor& matrix = node.constant(1, "weight");
  check_matrix(matrix);
  const bool is_transposed = node.op().integer("transB", 0) != 0;
  std::vector<double> bias;
  if (node.has(2)) {
    bias = node.constant(2, "bias").values;
    const auto outputs = static_cast<std::size_t>(matrix.shape[is_transposed ? 0 : 1]);
    if (bias.size() == 1) bias.assign(outputs, bias[0]);
    if (bias.size() != outputs) throw Error("its bias does not have one value for each output");
    for (double& b : bias) b *= node.op().real("beta", 1);
  }
  dense(node, x, matrix, is_transposed, node.op().real("alpha", 1), bias);
}

void conv(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  const Tensor& weight = node.constant(1, "weight");
  const std::size_t spatial = weight.rank() - 2;
  if (x.batch != 0 || weight.rank() < 3 || x.rank() != weight.rank() || spatial > 2)
    throw Error("a convolution needs an input [events, channels, one or two axes]");
  const auto groups = node.op().integer("group", 1);
  const auto filters = weight.shape[0];
  if (groups < 1 || filters < 1 || filters % groups != 0 || weight.shape[1] * groups != x.shape[1])
    throw Error("its weight does not fit the channels of its input");
  Conv layer;
  layer.filters = static_cast<int>(filters);
  layer.groups = static_cast<int>(groups);
  Extents shape = x.shape;
  shape[1] = filters;
  layer.window = read_window(node, x, Extents(weight.shape.begin() + 2, weight.shape.end()), false, shape);
  layer.weights = weight.values;
  layer.bias.assign(static_cast<std::size_t>(filters), 0.0);
  if (node.has(2)) layer.bias = node.constant(2, "bias").values;
  if (layer.bias.size() != static_cast<std::size_t>(filters))
    throw Error("its bias does not have one value for each filter");
  node.out_step(std::move(layer), {&x}, shape, 0);
}

/// Whether element i has the value of element first_of(i) everywhere.
template <class Index>
bool depends_on(const std::vector<double>& values, Index first_of) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] != values[first_of(i)]) return false;
  }
  return true;
}

struct Lists {
  std::vector<double> factor;
  std::vector<double> shift;
};

/// The entries of `lists` for each index of one axis, when they differ along no other.
bool along(const network::Shape& shape, std::size_t axis, const Lists& lists, Lists& result) {
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < shape.size(); ++i) inner *= static_cast<std::size_t>(shape[i]);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  const auto first_of = [&](std::size_t i) { return i / inner % extent * inner; };
  if (!depends_on(lists.factor, first_of) || !depends_on(lists.shift, first_of)) return false;
  result = {};
  for (std::size_t i = 0; i < extent; ++i) {
    result.factor.push_back(lists.factor[i * inner]);
    result.shift.push_back(lists.shift[i * inner]);
  }
  return true;
}

template <class Layer>
Layer folded(Layer layer, const Lists& rows) {
  const std::size_t columns = layer.weights.size() / rows.factor.size();
  for (std::size_t row = 0; row < rows.factor.size(); ++row) {
    for (std::size_t k = 0; k < columns; ++k) layer.weights[row * columns + k] *= rows.factor[row];
    layer.bias[row] = layer.bias[row] * rows.factor[row] + rows.shift[row];
  }
  return layer;
}

Affine simplest(const network::Shape& shape, const Lists& lists) {
  const auto first = [](std::size_t) { return std::size_t{0}; };
  if (depends_on(lists.factor, first) && depends_on(lists.shift, first))
    return {{lists.factor[0]}, {lists.shift[0]}, 0};
  Lists rows;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (along(shape, axis, lists, rows)) return {rows.factor, rows.shift, static_cast<int>(axis)};
  }
  return {lists.factor, lists.shift, 0};
}

}  // namespace

StepId apply_affine(Reader& reader, const std::string& name, StepId x, std::vector<double> factor,
                    std::vector<double> shift) {
  const Step step = reader.step(x);
  Lists lists{std::move(factor), std::move(shift)};
  Lists rows;
  if (const auto* layer = std::get_if<Dense>(&step.operation);
      layer && along(step.shape, step.shape.size() - 1, lists, rows))
    return reader.replace(x, name, folded(*layer, rows));
  if (const auto* layer = std::get_if<Conv>(&step.operation); layer && along(step.shape, 0, lists, rows))
    return reader.replace(x, name, folded(*layer, rows));
  if (const auto* before = std::get_if<Affine>(&step.operation)) {
    const Entries entries(step.shape, before->factor.size(), before->axis);
    for (std::size_t i = 0; i < lists.factor.size(); ++i) {
      lists.shift[i] += lists.factor[i] * before->shift[entries.of(i)];
      lists.factor[i] *= before->factor[entries.of(i)];
    }
    return reader.replace(x, name, simplest(step.shape, lists));
  }
  return reader.add(name, simplest(step.shape, lists), {x}, step.shape);
}

std::vector<NodeEntry> linear_nodes() {
  return {{"MatMul", matmul}, {"Gemm", gemm}, {"Conv", conv}};
}

}  // namespace crible::quantize
