#include "engine/reference/operations.hpp"

/// Operations on elements at equal places of one, two or three tensors.
namespace crible::reference {

using namespace network;

namespace {

/// The element of `value` that broadcasting puts at an index of the result.
std::int64_t broadcast_at(const Value& value, const Index& index) {
  Index own;
  const std::size_t missing = index.size() - value.shape.size();
  for (std::size_t axis = 0; axis < value.shape.size(); ++axis) {
    own.push_back(value.shape[axis] == 1 ? 0 : index[missing + axis]);
  }
  return value.data[position(value.shape, own)];
}

/// Calls element(index) for each element of the result.
template <class Element>
Tensor over_result(const Step& step, Element element) {
  Tensor y;
  Index index(step.node.shape.size(), 0);
  do y.push_back(element(index));
  while (advance(step.node.shape, index));
  return y;
}

bool holds(Comparison comparison, std::int64_t a, std::int64_t b) {
  switch (comparison) {
    case Comparison::less:
      return a < b;
    case Comparison::less_equal:
      return a <= b;
    case Comparison::greater:
      return a > b;
    case Comparison::greater_equal:
      return a >= b;
    case Comparison::equal:
      return a == b;
    case Comparison::not_equal:
      return a != b;
  }
  return false;
}

}  // namespace

Tensor add(const Step& step) {
  return over_result(
      step, [&](const Index& i) { return broadcast_at(step.input(0), i) + broadcast_at(step.input(1), i); });
}

Tensor subtract(const Step& step) {
  return over_result(
      step, [&](const Index& i) { return broadcast_at(step.input(0), i) - broadcast_at(step.input(1), i); });
}

Tensor multiply(const Step& step) {
  return over_result(
      step, [&](const Index& i) { return broadcast_at(step.input(0), i) * broadcast_at(step.input(1), i); });
}

Tensor compare(const Step& step, const Compare& compare) {
  return over_result(step, [&](const Index& i) -> std::int64_t {
    return holds(compare.comparison, broadcast_at(step.input(0), i), broadcast_at(step.input(1), i)) ? 1 : 0;
  });
}

Tensor select(const Step& step) {
  return over_result(step, [&](const Index& i) {
    return broadcast_at(step.input(0), i) == 1 ? broadcast_at(step.input(1), i)
                                               : broadcast_at(step.input(2), i);
  });
}

Tensor clamp(const Step& step, const Clamp& clamp) {
  Tensor y;
  for (const std::int64_t x : step.input(0).data) {
    y.push_back(x < clamp.low ? clamp.low : x > clamp.high ? clamp.high : x);
  }
  return y;
}

Tensor leaky_relu(const Step& step, const LeakyRelu& leaky) {
  Tensor y;
  for (const std::int64_t x : step.input(0).data)
    y.push_back(x >= 0 ? x * (std::int64_t{1} << leaky.shift) : x);
  return y;
}

}  // namespace crible::reference
