// Operators element by element, and batch normalisation.

#include <cmath>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/quantize/reader.hpp"

namespace crible::quantize {

namespace {

/// The constant's elements, one for each of x's.
std::vector<double> spread(const Tensor& constant, const Tensor& x) {
  if (importers::broadcast(x.shape, constant.shape) != x.shape)
    throw Error("its constant " + importers::to_string(constant.shape) + " is larger than its input " +
                importers::to_string(x.shape));
  std::vector<double> values;
  for (const std::size_t i :
       importers::broadcast_indices(importers::with_rank(constant.shape, x.rank()), x.shape))
    values.push_back(constant.values[i]);
  return values;
}

void out_affine(const Node& node, const Tensor& x, std::vector<double> factor, std::vector<double> shift) {
  for (const std::vector<double>* list : {&factor, &shift}) {
    for (const double value : *list) {
      if (!std::isfinite(value)) throw Error("its constants give an infinity or NaN; train the model again");
    }
  }
  Tensor result = x;
  result.step = apply_affine(node.reader(), node.op().name, x.step, std::move(factor), std::move(shift));
  node.out(result);
}

/// Two computed tensors: their ranks may differ, but events must be counted along the same axis.
void out_pair(const Node& node, Operation operation) {
  const Tensor& a = node.in(0);
  const Tensor& b = node.in(1);
  if (static_cast<int>(a.rank()) - a.batch != static_cast<int>(b.rank()) - b.batch)
    throw Error("its two inputs disagree on the axis of events");
  const Tensor& larger = a.rank() >= b.rank() ? a : b;
  node.out_step(std::move(operation), {&a, &b}, importers::broadcast(a.shape, b.shape), larger.batch);
}

/// a + sign * b
void sum(const Node& node, double sign) {
  const Tensor& a = node.in(0);
  const Tensor& b = node.in(1);
  if (!a.is_constant() && !b.is_constant()) return out_pair(node, Sum{sign < 0});
  const Tensor& x = a.is_constant() ? b : a;
  std::vector<double> shift = spread(node.constant(a.is_constant() ? 0 : 1, "constant"), x);
  if (!a.is_constant()) {
    for (double& value : shift) value *= sign;
  }
  const std::vector<double> factor(shift.size(), a.is_constant() ? sign : 1.0);
  out_affine(node, x, factor, std::move(shift));
}

void multiply(const Node& node) {
  const Tensor& a = node.in(0);
  const Tensor& b = node.in(1);
  if (!a.is_constant() && !b.is_constant()) return out_pair(node, Product{});
  const Tensor& x = a.is_constant() ? b : a;
  std::vector<double> factor = spread(node.constant(a.is_constant() ? 0 : 1, "constant"), x);
  std::vector<double> shift(factor.size(), 0.0);
  out_affine(node, x, std::move(factor), std::move(shift));
}

void divide(const Node& node) {
  const Tensor& x = node.computed(0, "dividend");
  std::vector<double> factor = spread(node.constant(1, "divisor"), x);
  for (double& value : factor) value = 1 / value;
  std::vector<double> shift(factor.size(), 0.0);
  out_affine(node, x, std::move(factor), std::move(shift));
}

void negate(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  const std::size_t count = importers::element_count(x.shape);
  out_affine(node, x, std::vector<double>(count, -1.0), std::vector<double>(count, 0.0));
}

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta along axis 1.
void batch_norm(const Node& node) {
  const Tensor& x = node.computed(0, "input");
  if (node.op().integer("training_mode", 0) != 0)
    throw Error("it is in training mode; export the model for inference");
  if (x.rank() < 2) throw Error("its input has no channel axis");
  const auto channels = static_cast<std::size_t>(x.shape[1]);
  const char* names[] = {"scale", "bias", "mean", "variance"};
  const std::vector<double>* lists[4];
  for (std::size_t i = 0; i < 4; ++i) {
    lists[i] = &node.constant(i + 1, names[i]).values;
    if (lists[i]->size() != channels)
      throw Error(std::string("its ") + names[i] + " does not have one value for each channel");
  }
  const double epsilon = node.op().real("epsilon", 1e-5);
  const std::size_t inner =
      importers::element_count(x.shape) / static_cast<std::size_t>(x.shape[0]) / channels;
  std::vector<double> factor(importers::element_count(x.shape));
  std::vector<double> shift(factor.size());
  for (std::size_t i = 0; i < factor.size(); ++i) {
    const std::size_t c = i / inner % channels;
    const double sum = (*lists[3])[c] + epsilon;
    if (!(sum > 0)) throw Error("its variance plus epsilon is not positive");
    factor[i] = (*lists[0])[c] / std::sqrt(sum);
    shift[i] = (*lists[1])[c] - (*lists[2])[c] * factor[i];
  }
  out_affine(node, x, std::move(factor), std::move(shift));
}

void out_same(const Node& node, Operation operation) {
  const Tensor& x = node.computed(0, "input");
  node.out_step(std::move(operation), {&x}, x.shape, x.batch);
}

void relu(const Node& node) {
  out_same(node, Clip{0, std::numeric_limits<double>::infinity()});
}

void clip(const Node& node) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  Clip limits{node.op().real("min", -infinity), node.op().real("max", infinity)};
  const auto limit = [&](std::size_t index, double& value) {
    if (!node.has(index)) return;
    const Tensor& constant = node.constant(index, "limit");
    if (constant.values.size() != 1) throw Error("its limits are not single values");
    value = constant.values[0];
  };
  limit(1, limits.low);
  limit(2, limits.high);
  if (limits.low > limits.high) throw Error("its lower limit is above its upper limit");
  out_same(node, limits);
}

void leaky_relu(const Node& node) {
  const double slope = node.op().real("alpha", 0.01F);
  int exponent = 0;
  if (std::frexp(slope, &exponent) != 0.5 || exponent > 1 || exponent < -29)
    throw Error("its slope " + std::to_string(slope) +
                " is not 1/2, 1/4, 1/8, ...; train the model with one of these, such as 0.125");
  out_same(node, network::LeakyRelu{1 - exponent});
}

void sigmoid(const Node& node) {
  out_same(node, Function{Curve::sigmoid});
}
void tanh(const Node& node) {
  out_same(node, Function{Curve::tanh});
}

/// Left to whoever reads the outputs; what follows it is refused.
void drop(const Node& node) {
  Tensor result = node.computed(0, "input");
  result.dropped = node.op().kind;
  node.out(result);
}

void identity(const Node& node) {
  node.out(node.in(0));
}

void cast(const Node& node) {
  const std::string to = importers::graph::element_name(node.op().integer("to", 1));
  if (to != "float" && to != "double" && to != "float16" && to != "bfloat16")
    throw Error("it casts a computed tensor to integers; leave the rounding to crible quantize");
  identity(node);
}

}  // namespace

std::vector<NodeEntry> elementwise_nodes() {
  return {
      {"Add", [](const Node& node) { sum(node, 1); }},
      {"Sub", [](const Node& node) { sum(node, -1); }},
      {"Mul", multiply},
      {"Div", divide},
      {"Neg", negate},
      {"BatchNormalization", batch_norm},
      {"Relu", relu},
      {"Clip", clip},
      {"LeakyRelu", leaky_relu},
      {"Sigmoid", sigmoid},
      {"Tanh", tanh},
      {"Softmax", drop},
      {"LogSoftmax", drop},
      {"Identity", identity, true},
      {"Dropout", identity, true},
      {"Cast", cast, true},
  };
}

}  // namespace crible::quantize
