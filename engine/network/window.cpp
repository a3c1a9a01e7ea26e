#include "engine/network/window.hpp"

#include <map>
#include <unordered_map>

#include "engine/network/limits.hpp"

namespace crible::network::rules {

namespace {

WindowAxis plan_axis(const Call& call, const Window& window, std::size_t axis, int extent) {
  WindowAxis plan;
  plan.extent = extent;
  plan.kernel = window.kernel[axis];
  plan.stride = window.stride[axis];
  plan.dilation = window.dilation[axis];
  plan.pad_before = window.pad_before[axis];
  plan.pad_after = window.pad_after[axis];
  for (const int positive : {plan.kernel, plan.stride, plan.dilation}) {
    call.require(positive >= 1 && positive <= max_window,
                 "has a kernel, stride or dilation that is not at least 1 (or beyond 2^20)");
  }
  for (const int padding : {plan.pad_before, plan.pad_after}) {
    call.require(padding >= 0 && padding <= max_window, "has a padding that is negative or beyond 2^20");
  }
  const long long reach = static_cast<long long>(plan.kernel - 1) * plan.dilation + 1;
  const long long room = static_cast<long long>(extent) + plan.pad_before + plan.pad_after - reach;
  call.require(room >= 0, "has a window larger than its padded input");
  plan.outputs = static_cast<int>(room / plan.stride) + 1;
  const auto taps = static_cast<std::uint64_t>(plan.kernel) * static_cast<std::uint64_t>(plan.outputs);
  call.require(taps <= max_taps, "has a window with more than 2^24 taps along one axis; use a smaller one");
  return plan;
}

/// Numbers equal keys 0, 1, 2, ... in the order of their first appearance.
template <class Key>
class Numbering {
 public:
  int number(const Key& key) {
    return numbers_.emplace(key, static_cast<int>(numbers_.size())).first->second;
  }
  std::size_t size() const { return numbers_.size(); }

 private:
  std::map<Key, int> numbers_;
};

std::uint64_t mix(std::uint64_t hash, Interval interval) {
  hash = (hash ^ static_cast<std::uint64_t>(interval.low)) * 0x9e3779b97f4a7c15u;
  hash ^= hash >> 29;
  hash = (hash ^ static_cast<std::uint64_t>(interval.high)) * 0xbf58476d1ce4e5b9u;
  return hash ^ (hash >> 32);
}

/// Classes of input positions along one axis: equal when every interval in the two slabs is equal.
/// `at(position, other)` is the interval at one of `others` places of the slab.
template <class At>
std::vector<int> slab_classes(int positions, std::size_t others, At at) {
  std::vector<int> classes;
  std::vector<int> examples;  // by class
  std::unordered_multimap<std::uint64_t, int> by_hash;
  for (int position = 0; position < positions; ++position) {
    std::uint64_t hash = 0;
    for (std::size_t other = 0; other < others; ++other) hash = mix(hash, at(position, other));
    int found = -1;
    const auto [begin, end] = by_hash.equal_range(hash);
    for (auto candidate = begin; candidate != end && found < 0; ++candidate) {
      const int example = examples[static_cast<std::size_t>(candidate->second)];
      std::size_t other = 0;
      while (other < others && at(position, other) == at(example, other)) ++other;
      if (other == others) found = candidate->second;
    }
    if (found < 0) {
      found = static_cast<int>(examples.size());
      examples.push_back(position);
      by_hash.emplace(hash, found);
    }
    classes.push_back(found);
  }
  return classes;
}

/// Classes of output positions: equal when their taps meet equal classes of input positions.
void output_classes(const WindowAxis& axis, const std::vector<int>& inputs, std::vector<int>& classes,
                    std::vector<int>& first) {
  Numbering<std::vector<int>> numbering;
  std::vector<int> signature(static_cast<std::size_t>(axis.kernel));
  for (int output = 0; output < axis.outputs; ++output) {
    for (int tap = 0; tap < axis.kernel; ++tap) {
      const int position = axis.position(output, tap);
      signature[static_cast<std::size_t>(tap)] =
          position < 0 ? -1 : inputs[static_cast<std::size_t>(position)];
    }
    classes.push_back(numbering.number(signature));
    if (numbering.size() > first.size()) first.push_back(output);
  }
}

}  // namespace

WindowPlan plan_window(const Call& call, const Window& window, int result_channels) {
  const Shape& shape = call[0].shape();
  if (shape.size() != 2 && shape.size() != 3) {
    call.fail("has an input of shape " + network::to_string(shape) +
              "; it needs [channels, extent] or [channels, rows, columns]");
  }
  const std::size_t axes = shape.size() - 1;
  for (const auto* list :
       {&window.kernel, &window.stride, &window.dilation, &window.pad_before, &window.pad_after}) {
    call.require(list->size() == axes,
                 "has a window whose lists do not have one entry for each spatial axis");
  }
  WindowPlan plan;
  plan.channels = shape[0];
  if (axes == 2) plan.y = plan_axis(call, window, 0, shape[1]);
  plan.x = plan_axis(call, window, axes - 1, shape.back());
  plan.result = {result_channels};
  if (axes == 2) plan.result.push_back(plan.y.outputs);
  plan.result.push_back(plan.x.outputs);
  return plan;
}

WindowClasses classify(const WindowPlan& plan, const std::vector<Interval>& range) {
  const auto channels = static_cast<std::size_t>(plan.channels);
  const auto rows = static_cast<std::size_t>(plan.y.extent);
  const auto columns = static_cast<std::size_t>(plan.x.extent);
  const auto row_at = [&](int y, std::size_t other) {
    return range[(other / columns * rows + static_cast<std::size_t>(y)) * columns + other % columns];
  };
  const auto column_at = [&](int x, std::size_t other) {
    return range[other * columns + static_cast<std::size_t>(x)];
  };
  WindowClasses classes;
  output_classes(plan.y, slab_classes(plan.y.extent, channels * columns, row_at), classes.row_class,
                 classes.first_row);
  output_classes(plan.x, slab_classes(plan.x.extent, channels * rows, column_at), classes.column_class,
                 classes.first_column);
  return classes;
}

}  // namespace crible::network::rules
