#include <algorithm>
#include <numeric>

#include "engine/reference/operations.hpp"

/// Operations along one axis.
namespace crible::reference {

using namespace network;

namespace {

/// The elements along `axis` through `index`; an axis of extent 1 is stretched (sort keys).
Tensor lane(const Value& value, Index index, std::size_t axis) {
  for (std::size_t i = 0; i < index.size(); ++i) {
    if (value.shape[i] == 1) index[i] = 0;
  }
  Tensor elements;
  for (index[axis] = 0; index[axis] < value.shape[axis]; ++index[axis]) {
    elements.push_back(value.data[position(value.shape, index)]);
  }
  return elements;
}

std::int64_t reduce_lane(ReduceKind kind, const Tensor& x) {
  const auto largest = std::max_element(x.begin(), x.end());  // the first of equals
  std::int64_t sum = 0;
  switch (kind) {
    case ReduceKind::sum:
      return std::accumulate(x.begin(), x.end(), std::int64_t{0});
    case ReduceKind::max:
      return *largest;
    case ReduceKind::min:
      return *std::min_element(x.begin(), x.end());
    case ReduceKind::argmax:
      return largest - x.begin();
    case ReduceKind::sum_of_squares:
      for (const std::int64_t value : x) sum += value * value;
      return sum;
  }
  return sum;
}

/// Places of a lane in sorted order; equal keys keep theirs.
std::vector<std::size_t> sorted_places(const Tensor& keys, bool descending) {
  std::vector<std::size_t> places(keys.size());
  std::iota(places.begin(), places.end(), std::size_t{0});
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    return descending ? keys[a] > keys[b] : keys[a] < keys[b];
  });
  return places;
}

}  // namespace

Tensor reduce(const Step& step, const Reduce& reduce) {
  const Value& x = step.input(0);
  Tensor y;
  Index index(step.node.shape.size(), 0);
  do {
    Index through = index;
    through.insert(through.begin() + reduce.axis, 0);
    y.push_back(reduce_lane(reduce.kind, lane(x, through, static_cast<std::size_t>(reduce.axis))));
  } while (advance(step.node.shape, index));
  return y;
}

Tensor sort(const Step& step, const Sort& sort) {
  const Value& x = step.input(0);
  const Value& key = step.inputs.size() == 2 ? step.input(1) : x;
  const auto axis = static_cast<std::size_t>(sort.axis);
  Tensor y;
  Index index(step.node.shape.size(), 0);
  do {
    const std::vector<std::size_t> places = sorted_places(lane(key, index, axis), sort.descending);
    const std::size_t place = places[static_cast<std::size_t>(index[axis])];
    switch (sort.result) {
      case SortResult::values:
        y.push_back(lane(x, index, axis)[place]);
        break;
      case SortResult::indices:
        y.push_back(static_cast<std::int64_t>(place));
        break;
    }
  } while (advance(step.node.shape, index));
  return y;
}

}  // namespace crible::reference
