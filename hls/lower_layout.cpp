#include "engine/network/strides.hpp"
#include "hls/lowering.hpp"

/// Operations that move elements: no logic at all.
namespace crible::hls {

using namespace network;

namespace {

Forms pick(const Forms& elements, const std::vector<std::size_t>& places) {
  Forms result;
  for (const std::size_t place : places) result.push_back(elements[place]);
  return result;
}

/// Index along each axis of the element at `place`.
std::vector<int> index_of(const Shape& shape, std::size_t place) {
  std::vector<int> index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = static_cast<int>(place % static_cast<std::size_t>(shape[axis]));
    place /= static_cast<std::size_t>(shape[axis]);
  }
  return index;
}

}  // namespace

Forms lower_concat(const Lowering& at, const Concat& concat) {
  const auto axis = static_cast<std::size_t>(concat.axis);
  Forms result;
  for (std::size_t outer = 0; outer < outer_count(at.node.shape, axis); ++outer) {
    for (std::size_t i = 0; i < at.inputs.size(); ++i) {
      const Tensor& part = at.input(i);
      const std::size_t run = static_cast<std::size_t>(part.shape[axis]) * inner_count(part.shape, axis);
      for (std::size_t k = 0; k < run; ++k) result.push_back(part.elements[outer * run + k]);
    }
  }
  return result;
}

Forms lower_transpose(const Lowering& at, const Transpose& transpose) {
  const Strides own = c_strides(at.input(0).shape);
  Strides strides;
  for (const int axis : transpose.permutation) strides.push_back(own[static_cast<std::size_t>(axis)]);
  return pick(at.input(0).elements, offsets(at.node.shape, strides));
}

Forms lower_slice(const Lowering& at, const Slice& slice) {
  const Strides own = c_strides(at.input(0).shape);
  Strides strides;
  std::ptrdiff_t start = 0;
  for (std::size_t axis = 0; axis < own.size(); ++axis) {
    strides.push_back(own[axis] * slice.step[axis]);
    start += own[axis] * slice.start[axis];
  }
  return pick(at.input(0).elements, offsets(at.node.shape, strides, start));
}

Forms lower_pad(const Lowering& at, const Pad& pad) {
  const Shape& shape = at.input(0).shape;
  const Strides strides = c_strides(shape);
  Forms result;
  for (std::size_t place = 0; place < element_count(at.node.shape); ++place) {
    const std::vector<int> index = index_of(at.node.shape, place);
    bool inside = true;
    std::ptrdiff_t from = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      const int own = index[axis] - pad.before[axis];
      inside = inside && own >= 0 && own < shape[axis];
      from += own * strides[axis];
    }
    result.push_back(inside ? at.input(0).elements[static_cast<std::size_t>(from)]
                            : Form::constant(pad.value));
  }
  return result;
}

Forms lower_resize(const Lowering& at, const Resize& resize) {
  const Strides strides = c_strides(at.input(0).shape);
  Forms result;
  for (std::size_t place = 0; place < element_count(at.node.shape); ++place) {
    const std::vector<int> index = index_of(at.node.shape, place);
    std::ptrdiff_t from = 0;
    for (std::size_t axis = 0; axis < index.size(); ++axis)
      from += index[axis] / resize.factor[axis] * strides[axis];
    result.push_back(at.input(0).elements[static_cast<std::size_t>(from)]);
  }
  return result;
}

}  // namespace crible::hls
