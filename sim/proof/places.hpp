#pragma once

#include <vector>

#include "engine/network/network.hpp"

/// Index arithmetic over shapes in C order.
namespace crible::sim::proof {

inline std::vector<int> coordinates(std::size_t index, const network::Shape& shape) {
  std::vector<int> result(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    result[axis] = static_cast<int>(index % static_cast<std::size_t>(shape[axis]));
    index /= static_cast<std::size_t>(shape[axis]);
  }
  return result;
}

inline std::size_t place_of(const std::vector<int>& at, const network::Shape& shape) {
  std::size_t index = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    index = index * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(at[axis]);
  }
  return index;
}

/// The element of a smaller tensor that numpy broadcasting pairs with `index` of `shape`.
inline std::size_t broadcast_place(std::size_t index, const network::Shape& shape, const network::Shape& of) {
  const std::vector<int> at = coordinates(index, shape);
  std::vector<int> inner(of.size());
  for (std::size_t axis = 0; axis < of.size(); ++axis) {
    const int wanted = at[axis + shape.size() - of.size()];
    inner[axis] = of[axis] == 1 ? 0 : wanted;
  }
  return place_of(inner, of);
}

/// Which of `count` attributes belongs to element `index`: 1 entry, one for each element, or along `axis`.
inline std::size_t attribute_place(std::size_t count, std::size_t index, const network::Shape& shape,
                                   int axis) {
  if (count <= 1) return 0;
  if (count == static_cast<std::size_t>(shape.empty() ? 1 : shape[static_cast<std::size_t>(axis)])) {
    return static_cast<std::size_t>(coordinates(index, shape)[static_cast<std::size_t>(axis)]);
  }
  return index;
}

}  // namespace crible::sim::proof
