// What exporters leave beside the layers: shapes worked out by nodes, and arithmetic on constants.

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/quantize/reader.hpp"

namespace crible::quantize {

namespace {

using importers::broadcast_indices;
using importers::element_count;
using importers::with_rank;

Tensor elementwise(const Tensor& a, const Tensor& b, const std::function<double(double, double)>& operation) {
  const Extents shape = importers::broadcast(a.shape, b.shape);
  const auto from_a = broadcast_indices(with_rank(a.shape, shape.size()), shape);
  const auto from_b = broadcast_indices(with_rank(b.shape, shape.size()), shape);
  std::vector<double> values(from_a.size());
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = operation(a.values[from_a[i]], b.values[from_b[i]]);
  return constant_tensor(shape, std::move(values));
}

Tensor mapped(Tensor a, double (*operation)(double)) {
  for (double& value : a.values) value = operation(value);
  return a;
}

Tensor attribute_constant(const Node& node) {
  const auto& op = node.op();
  const auto found = op.attributes.find("value");
  if (found != op.attributes.end() && found->second.tensor) {
    const auto& tensor = *found->second.tensor;
    return constant_tensor(tensor.shape, tensor.has_integers() ? std::vector<double>(tensor.integers.begin(),
                                                                                     tensor.integers.end())
                                                               : tensor.reals);
  }
  if (op.attributes.contains("value_float")) return constant_tensor({}, {op.real("value_float", 0)});
  if (op.attributes.contains("value_int"))
    return constant_tensor({}, {static_cast<double>(op.integer("value_int", 0))});
  if (const auto integers = op.integers("value_ints"); !integers.empty())
    return constant_tensor({static_cast<std::int64_t>(integers.size())},
                           std::vector<double>(integers.begin(), integers.end()));
  if (const auto reals = op.attributes.find("value_floats"); reals != op.attributes.end())
    return constant_tensor({static_cast<std::int64_t>(reals->second.reals.size())}, reals->second.reals);
  throw Error("its value is of a kind that crible does not read (sparse or text)");
}

Tensor shape_of(const Node& node) {
  const Extents& shape = node.in(0).shape;
  if (node.op().kind == "Size") return constant_tensor({}, {static_cast<double>(element_count(shape))});
  const auto rank = static_cast<std::int64_t>(shape.size());
  const auto place = [&](const char* attribute, std::int64_t otherwise) {
    const std::int64_t axis = node.op().integer(attribute, otherwise);
    return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const std::int64_t first = place("start", 0);
  const std::int64_t last = std::max(first, place("end", rank));
  return constant_tensor({last - first}, std::vector<double>(shape.begin() + first, shape.begin() + last));
}

Tensor filled(const Node& node) {
  const Extents shape = whole_numbers(node.in(0));
  double value = 0;
  if (const auto found = node.op().attributes.find("value");
      found != node.op().attributes.end() && found->second.tensor) {
    const auto& tensor = *found->second.tensor;
    if (!tensor.reals.empty()) value = tensor.reals[0];
    if (!tensor.integers.empty()) value = static_cast<double>(tensor.integers[0]);
  }
  return constant_tensor(shape, std::vector<double>(element_count(shape), value));
}

Tensor expanded(const Node& node) {
  const Extents shape = importers::broadcast(node.in(0).shape, whole_numbers(node.in(1)));
  return elementwise(node.in(0), constant_tensor(shape, std::vector<double>(element_count(shape), 0)),
                     [](double x, double) { return x; });
}

Tensor cast(const Node& node) {
  Tensor result = node.in(0);
  const std::string to = importers::graph::element_name(node.op().integer("to", 1));
  if (importers::graph::integer_type(to) || to == "int64" || to == "uint64")
    return mapped(result, std::trunc);
  return result;
}

Tensor gathered(const Node& node) {
  const Tensor& data = node.in(0);
  const Tensor& indices = node.in(1);
  const std::size_t axis = axis_in(node.op().integer("axis", 0), data.rank());
  const auto extent = data.shape[axis];
  std::size_t inner = 1;
  for (std::size_t i = axis + 1; i < data.rank(); ++i) inner *= static_cast<std::size_t>(data.shape[i]);
  const std::size_t outer =
      data.values.size() / std::max<std::size_t>(1, inner * static_cast<std::size_t>(extent));
  Extents shape(data.shape.begin(), data.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.insert(shape.end(), indices.shape.begin(), indices.shape.end());
  shape.insert(shape.end(), data.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, data.shape.end());
  std::vector<double> values;
  for (std::size_t o = 0; o < outer; ++o) {
    for (std::int64_t index : whole_numbers(indices)) {
      if (index < 0) index += extent;
      if (index < 0 || index >= extent) throw Error("it gathers outside its input");
      const auto first =
          data.values.begin() +
          static_cast<std::ptrdiff_t>(
              (o * static_cast<std::size_t>(extent) + static_cast<std::size_t>(index)) * inner);
      values.insert(values.end(), first, first + static_cast<std::ptrdiff_t>(inner));
    }
  }
  return constant_tensor(shape, std::move(values));
}

Tensor transposed(const Node& node) {
  const Tensor& x = node.in(0);
  std::vector<std::int64_t> order = node.op().integers("perm");
  if (order.empty()) {
    order.resize(x.rank());
    std::iota(order.rbegin(), order.rend(), 0);
  }
  if (order.size() != x.rank()) throw Error("its permutation does not fit its input");
  Tensor result = x;
  std::vector<std::size_t> strides(x.rank(), 1);
  for (std::size_t i = x.rank(); i-- > 1;) strides[i - 1] = strides[i] * static_cast<std::size_t>(x.shape[i]);
  for (std::size_t i = 0; i < order.size(); ++i) result.shape[i] = x.shape[axis_in(order[i], x.rank())];
  for (std::size_t flat = 0; flat < result.values.size(); ++flat) {
    std::size_t rest = flat;
    std::size_t from = 0;
    for (std::size_t i = order.size(); i-- > 0;) {
      const auto extent = static_cast<std::size_t>(result.shape[i]);
      from += rest % extent * strides[static_cast<std::size_t>(order[i])];
      rest /= extent;
    }
    result.values[flat] = x.values[from];
  }
  return result;
}

struct Fold {
  std::string_view kind;
  Tensor (*fold)(const Node&);
};

Tensor add(const Node& n) {
  return elementwise(n.in(0), n.in(1), std::plus<>());
}
Tensor subtract(const Node& n) {
  return elementwise(n.in(0), n.in(1), std::minus<>());
}
Tensor multiply(const Node& n) {
  return elementwise(n.in(0), n.in(1), std::multiplies<>());
}
Tensor divide(const Node& n) {
  return elementwise(n.in(0), n.in(1), std::divides<>());
}
Tensor power(const Node& n) {
  return elementwise(n.in(0), n.in(1), [](double x, double y) { return std::pow(x, y); });
}

const Fold folds[] = {
    {"Add", add},
    {"Sub", subtract},
    {"Mul", multiply},
    {"Div", divide},
    {"Pow", power},
    {"Neg", [](const Node& n) { return mapped(n.in(0), [](double x) { return -x; }); }},
    {"Sqrt", [](const Node& n) { return mapped(n.in(0), std::sqrt); }},
    {"Exp", [](const Node& n) { return mapped(n.in(0), std::exp); }},
    {"Floor", [](const Node& n) { return mapped(n.in(0), std::floor); }},
    {"Ceil", [](const Node& n) { return mapped(n.in(0), std::ceil); }},
    {"Reciprocal", [](const Node& n) { return mapped(n.in(0), [](double x) { return 1 / x; }); }},
    {"Cast", cast},
    {"ConstantOfShape", filled},
    {"Expand", expanded},
    {"Gather", gathered},
    {"Transpose", transposed},
};

}  // namespace

bool fold_constants(const Node& node) {
  const std::string& kind = node.op().kind;
  if (kind == "Constant") {
    node.out(attribute_constant(node));
    return true;
  }
  if (kind == "Shape" || kind == "Size") {
    node.out(shape_of(node));
    return true;
  }
  for (std::size_t i = 0; i < node.op().inputs.size(); ++i) {
    if (node.has(i) && !node.in(i).is_constant()) return false;
  }
  const auto found =
      std::find_if(std::begin(folds), std::end(folds), [&](const Fold& f) { return f.kind == kind; });
  if (found == std::end(folds)) return false;
  node.out(found->fold(node));
  return true;
}

}  // namespace crible::quantize
