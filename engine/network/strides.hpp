#pragma once

#include <cstddef>
#include <vector>

#include "engine/network/types.hpp"

/// Index arithmetic of the range rules.
namespace crible::network {

using Strides = std::vector<std::ptrdiff_t>;

/// Elements between neighbours along each axis of a tensor in C order.
Strides c_strides(const Shape& shape);

/// The strides of `shape` seen as the larger `result` of a broadcast: 0 where it is stretched.
Strides broadcast_strides(const Shape& shape, const Shape& result);

/// For each element of `shape` in C order: start + sum of index * stride.
std::vector<std::size_t> offsets(const Shape& shape, const Strides& strides, std::ptrdiff_t start = 0);

/// The shape that numpy broadcasting gives; false when the two do not fit.
bool broadcast(const Shape& left, const Shape& right, Shape& result);

/// Product of the extents before and after an axis.
std::size_t outer_count(const Shape& shape, std::size_t axis);
std::size_t inner_count(const Shape& shape, std::size_t axis);

}  // namespace crible::network
