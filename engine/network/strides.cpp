#include "engine/network/strides.hpp"

#include <algorithm>

namespace crible::network {

Strides c_strides(const Shape& shape) {
  Strides strides(shape.size());
  std::ptrdiff_t stride = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = stride;
    stride *= shape[axis];
  }
  return strides;
}

Strides broadcast_strides(const Shape& shape, const Shape& result) {
  Strides strides(result.size(), 0);
  const Strides own = c_strides(shape);
  const std::size_t missing = result.size() - shape.size();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] != 1) strides[missing + axis] = own[axis];
  }
  return strides;
}

std::vector<std::size_t> offsets(const Shape& shape, const Strides& strides, std::ptrdiff_t start) {
  const std::size_t count = element_count(shape);
  std::vector<std::size_t> result(count);
  std::vector<int> index(shape.size(), 0);
  std::ptrdiff_t position = start;
  for (std::size_t element = 0; element < count; ++element) {
    result[element] = static_cast<std::size_t>(position);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      position += strides[axis];
      if (++index[axis] < shape[axis]) break;
      position -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return result;
}

bool broadcast(const Shape& left, const Shape& right, Shape& result) {
  result.assign(std::max(left.size(), right.size()), 1);
  const auto extent = [&](const Shape& shape, std::size_t axis) {
    const std::size_t missing = result.size() - shape.size();
    return axis < missing ? 1 : shape[axis - missing];
  };
  for (std::size_t axis = 0; axis < result.size(); ++axis) {
    const int a = extent(left, axis);
    const int b = extent(right, axis);
    if (a != b && a != 1 && b != 1) return false;
    result[axis] = std::max(a, b);
  }
  return true;
}

std::size_t outer_count(const Shape& shape, std::size_t axis) {
  return element_count(Shape(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(axis)));
}

std::size_t inner_count(const Shape& shape, std::size_t axis) {
  return element_count(Shape(shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, shape.end()));
}

}  // namespace crible::network
