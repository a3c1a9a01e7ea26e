#pragma once

#include <cstddef>

#include "engine/network/types.hpp"

namespace crible::backends::cpu {

/// Walks the indices of a shape in C order.
class Position {
 public:
  explicit Position(const network::Shape& shape) : shape_(shape), at_(shape.size(), 0) {}

  const network::Shape& at() const { return at_; }

  void advance() {
    for (std::size_t axis = shape_.size(); axis-- > 0;) {
      if (++at_[axis] < shape_[axis]) return;
      at_[axis] = 0;
    }
  }

 private:
  network::Shape shape_;
  network::Shape at_;
};

inline std::size_t flat_index(const network::Shape& at, const network::Shape& shape) {
  std::size_t flat = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    flat = flat * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(at[axis]);
  }
  return flat;
}

}  // namespace crible::backends::cpu
