#include "engine/reference/operations.hpp"

/// Operations that move elements.
namespace crible::reference {

using namespace network;

namespace {

/// y[index] = x[source(index)] for each index of the result.
template <class Source>
Tensor pick(const Step& step, Source source) {
  const Value& x = step.input(0);
  Tensor y;
  Index index(step.node.shape.size(), 0);
  do y.push_back(x.data[position(x.shape, source(index))]);
  while (advance(step.node.shape, index));
  return y;
}

}  // namespace

Tensor concat(const Step& step, const Concat& concat) {
  const auto axis = static_cast<std::size_t>(concat.axis);
  Tensor y;
  Index index(step.node.shape.size(), 0);
  do {
    Index own = index;
    std::size_t part = 0;
    while (own[axis] >= step.input(part).shape[axis]) own[axis] -= step.input(part++).shape[axis];
    y.push_back(step.input(part).data[position(step.input(part).shape, own)]);
  } while (advance(step.node.shape, index));
  return y;
}

Tensor transpose(const Step& step, const Transpose& transpose) {
  return pick(step, [&](const Index& index) {
    Index from(index.size());
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      from[static_cast<std::size_t>(transpose.permutation[axis])] = index[axis];
    }
    return from;
  });
}

Tensor slice(const Step& step, const Slice& slice) {
  return pick(step, [&](const Index& index) {
    Index from;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      from.push_back(slice.start[axis] + index[axis] * slice.step[axis]);
    }
    return from;
  });
}

Tensor pad(const Step& step, const Pad& pad) {
  const Value& x = step.input(0);
  Tensor y;
  Index index(step.node.shape.size(), 0);
  do {
    Index from;
    bool inside = true;
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      from.push_back(index[axis] - pad.before[axis]);
      inside = inside && from[axis] >= 0 && from[axis] < x.shape[axis];
    }
    y.push_back(inside ? x.data[position(x.shape, from)] : pad.value);
  } while (advance(step.node.shape, index));
  return y;
}

Tensor resize(const Step& step, const Resize& resize) {
  return pick(step, [&](const Index& index) {
    Index from;
    for (std::size_t axis = 0; axis < index.size(); ++axis) from.push_back(index[axis] / resize.factor[axis]);
    return from;
  });
}

}  // namespace crible::reference
