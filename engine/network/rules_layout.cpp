#include <algorithm>
#include <limits>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/strides.hpp"
#include "engine/network/verify.hpp"

/// Operations that move elements and keep their values.
namespace crible::network::rules {

namespace {

/// A result with the type of input 0 whose elements are picked from it.
Result picked(const Call& call, Shape shape, const Strides& strides, std::ptrdiff_t start) {
  Result result;
  result.type = call[0].type();
  result.shape = std::move(shape);
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  const std::vector<std::size_t> from = offsets(result.shape, strides, start);
  result.range.reserve(from.size());
  for (const std::size_t offset : from) result.range.push_back((*call[0].range)[offset]);
  return result;
}

void require_entries(const Call& call, std::size_t entries, const char* sentence) {
  call.require(entries == call[0].shape().size(), sentence);
}

/// Extents are ints; larger ones are refused as too large.
int checked_extent(const Call& call, long long extent) {
  call.require(extent <= std::numeric_limits<int>::max(), "has a result with too many elements");
  return static_cast<int>(extent);
}

}  // namespace

Result concat_rule(const Call& call, const Concat& concat) {
  call.require(!call.inputs.empty(), "has no inputs; give it at least one");
  const std::size_t axis = call.checked_axis(concat.axis);
  const Shape& first = call[0].shape();
  long long extent = 0;
  bool one_type = true;
  for (const Operand& operand : call.inputs) {
    Shape other = operand.shape();
    const bool same_rank = other.size() == first.size();
    if (same_rank) {
      extent += other[axis];
      other[axis] = first[axis];
    }
    if (!same_rank || other != first) {
      call.fail("joins shapes " + network::to_string(first) + " and " + network::to_string(operand.shape()) +
                "; all extents but that of axis " + std::to_string(axis) + " must be equal");
    }
    if (operand.type().fraction != call[0].type().fraction) {
      call.fail("has inputs with different fractions (" + network::to_string(call[0].type()) + " and " +
                network::to_string(operand.type()) + "); requantize one of them");
    }
    one_type = one_type && operand.type() == call[0].type();
  }
  Result result;
  result.shape = first;
  result.shape[axis] = checked_extent(call, extent);
  result.type = call[0].type();
  result.type_rule = TypeRule::holds;
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  const std::size_t outer = outer_count(first, axis);
  const std::size_t inner = inner_count(first, axis);
  for (std::size_t o = 0; o < outer; ++o) {
    for (const Operand& operand : call.inputs) {
      const std::size_t run = static_cast<std::size_t>(operand.shape()[axis]) * inner;
      const auto begin = operand.range->begin() + static_cast<std::ptrdiff_t>(o * run);
      result.range.insert(result.range.end(), begin, begin + static_cast<std::ptrdiff_t>(run));
    }
  }
  if (!one_type) result.type = smallest_type(hull(result.range), result.type.fraction);
  return result;
}

Result reshape_rule(const Call& call) {
  call.require_inputs(1);
  Result result;
  result.type = call[0].type();
  result.shape = call.declared_shape();
  if (element_count(result.shape) != call[0].range->size()) {
    call.fail("turns shape " + network::to_string(call[0].shape()) + " into " +
              network::to_string(result.shape) + ", which has another number of elements");
  }
  result.range = *call[0].range;
  return result;
}

Result transpose_rule(const Call& call, const Transpose& transpose) {
  call.require_inputs(1);
  const Shape& shape = call[0].shape();
  require_entries(call, transpose.permutation.size(), "has a permutation without one entry for each axis");
  std::vector<bool> used(shape.size(), false);
  const Strides own = c_strides(shape);
  Shape result;
  Strides strides;
  for (const int axis : transpose.permutation) {
    const std::size_t from = call.checked_axis(axis);
    call.require(!used[from], "has a permutation that names an axis twice");
    used[from] = true;
    result.push_back(shape[from]);
    strides.push_back(own[from]);
  }
  return picked(call, std::move(result), strides, 0);
}

Result slice_rule(const Call& call, const Slice& slice) {
  call.require_inputs(1);
  const Shape& shape = call[0].shape();
  const Shape& result = call.declared_shape();
  require_entries(call, slice.start.size(), "has not one start for each axis");
  require_entries(call, slice.step.size(), "has not one step for each axis");
  require_entries(call, result.size(), "has a result of another rank than its input");
  const Strides own = c_strides(shape);
  Strides strides;
  std::ptrdiff_t start = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const long long first = slice.start[axis];
    const long long last = first + static_cast<long long>(result[axis] - 1) * slice.step[axis];
    call.require(slice.step[axis] != 0, "has the step 0");
    if (result[axis] < 1 || std::min(first, last) < 0 || std::max(first, last) >= shape[axis]) {
      call.fail("takes elements " + std::to_string(first) + " to " + std::to_string(last) + " of axis " +
                std::to_string(axis) + ", which has " + std::to_string(shape[axis]));
    }
    start += first * own[axis];
    strides.push_back(own[axis] * slice.step[axis]);
  }
  return picked(call, result, strides, start);
}

Result pad_rule(const Call& call, const Pad& pad) {
  call.require_inputs(1);
  const Shape& shape = call[0].shape();
  require_entries(call, pad.before.size(), "has not one number of elements before each axis");
  require_entries(call, pad.after.size(), "has not one number of elements after each axis");
  call.require(contains(call[0].type(), pad.value), "has a value outside the type of its input");
  Result result;
  result.type = call[0].type();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    call.require(pad.before[axis] >= 0 && pad.after[axis] >= 0, "has a negative padding; use slice");
    result.shape.push_back(
        checked_extent(call, static_cast<long long>(shape[axis]) + pad.before[axis] + pad.after[axis]));
  }
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  result.range.assign(element_count(result.shape), {pad.value, pad.value});
  const Strides strides = c_strides(result.shape);
  std::ptrdiff_t start = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) start += strides[axis] * pad.before[axis];
  const std::vector<std::size_t> to = offsets(shape, strides, start);
  for (std::size_t i = 0; i < to.size(); ++i) result.range[to[i]] = (*call[0].range)[i];
  return result;
}

Result resize_rule(const Call& call, const Resize& resize) {
  call.require_inputs(1);
  const Shape& shape = call[0].shape();
  require_entries(call, resize.factor.size(), "has not one factor for each axis");
  Result result;
  result.type = call[0].type();
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    call.require(resize.factor[axis] >= 1, "has a factor that is not at least 1");
    result.shape.push_back(checked_extent(call, static_cast<long long>(shape[axis]) * resize.factor[axis]));
  }
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller

  // Seen as [extent, factor] for each axis, with stride 0 along the factors.
  const Strides own = c_strides(shape);
  Shape doubled;
  Strides strides;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    doubled.insert(doubled.end(), {shape[axis], resize.factor[axis]});
    strides.insert(strides.end(), {own[axis], 0});
  }
  for (const std::size_t offset : offsets(doubled, strides)) result.range.push_back((*call[0].range)[offset]);
  return result;
}

}  // namespace crible::network::rules
