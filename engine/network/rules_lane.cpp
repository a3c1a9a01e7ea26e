#include <algorithm>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/strides.hpp"

/// Operations along one axis.
namespace crible::network::rules {

namespace {

Interval square(Interval x, WideInterval& wide) {
  const Wide a = Wide{x.low} * x.low;
  const Wide b = Wide{x.high} * x.high;
  wide = {x.low <= 0 && x.high >= 0 ? Wide{0} : std::min(a, b), std::max(a, b)};
  return narrow(wide);
}

/// The interval of the position of the first largest element of a lane.
Interval argmax_interval(const std::vector<Interval>& lane) {
  std::int64_t floor = lane[0].low;
  for (const Interval& x : lane) floor = std::max(floor, x.low);
  Interval result{-1, -1};
  for (std::size_t i = 0; i < lane.size(); ++i) {
    if (lane[i].high < floor) continue;
    if (result.low < 0) result.low = static_cast<std::int64_t>(i);
    result.high = static_cast<std::int64_t>(i);
  }
  return result;
}

Interval reduce_lane(ReduceKind kind, const std::vector<Interval>& lane, WideInterval& sums) {
  LinearBounds bounds;
  Interval result = lane[0];
  WideInterval wide;
  switch (kind) {
    case ReduceKind::max:
      for (const Interval& x : lane) result = {std::max(result.low, x.low), std::max(result.high, x.high)};
      return result;
    case ReduceKind::min:
      for (const Interval& x : lane) result = {std::min(result.low, x.low), std::min(result.high, x.high)};
      return result;
    case ReduceKind::argmax:
      return argmax_interval(lane);
    case ReduceKind::sum:
      for (const Interval& x : lane) add_term(bounds.total, bounds.sums, x.low, x.high);
      break;
    case ReduceKind::sum_of_squares:
      for (const Interval& x : lane) {
        square(x, wide);
        add_term(bounds.total, bounds.sums, wide.low, wide.high);
      }
      break;
  }
  include(sums, bounds.sums);
  return narrow(bounds.total);
}

Type index_type(int extent) {
  return smallest_type({0, extent - 1}, 0);
}

void set_reduced_type(const Call& call, const Reduce& reduce, int extent, Result& result) {
  result.type = call[0].type();
  switch (reduce.kind) {
    case ReduceKind::max:
    case ReduceKind::min:
      return;
    case ReduceKind::argmax:
      result.type_rule = TypeRule::holds;
      result.type = index_type(extent);
      return;
    case ReduceKind::sum:
      result.type_rule = TypeRule::accumulator;
      return;
    case ReduceKind::sum_of_squares:
      result.type_rule = TypeRule::accumulator;
      result.type.fraction *= 2;
      return;
  }
}

/// The key has the first input's shape, or extent 1 along any axis but the sorted one.
void check_key(const Call& call, std::size_t axis) {
  const Shape& values = call[0].shape();
  const Shape& key = call[1].shape();
  bool good = key.size() == values.size();
  for (std::size_t i = 0; good && i < key.size(); ++i) {
    good = key[i] == values[i] || (i != axis && key[i] == 1);
  }
  if (good) return;
  call.fail("sorts shape " + network::to_string(values) + " by a key of shape " + network::to_string(key) +
            "; the key needs the same rank, the same extent along the axis, and elsewhere the same or 1");
}

}  // namespace

Result reduce_rule(const Call& call, const Reduce& reduce) {
  call.require_inputs(1);
  const Shape& shape = call[0].shape();
  const std::size_t axis = call.checked_axis(reduce.axis);
  if (reduce.kind == ReduceKind::sum_of_squares && call[0].type().width > 32) {
    call.fail("has a 64-bit input; requantize it to at most 32 bits first");
  }
  Result result;
  result.shape = shape;
  result.shape.erase(result.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  set_reduced_type(call, reduce, shape[axis], result);
  const std::size_t inner = inner_count(shape, axis);
  const auto extent = static_cast<std::size_t>(shape[axis]);
  std::vector<Interval> lane(extent);
  for (std::size_t outer = 0; outer < outer_count(shape, axis); ++outer) {
    for (std::size_t i = 0; i < inner; ++i) {
      for (std::size_t k = 0; k < extent; ++k) lane[k] = (*call[0].range)[(outer * extent + k) * inner + i];
      result.range.push_back(reduce_lane(reduce.kind, lane, result.sums));
    }
  }
  return result;
}

Result sort_rule(const Call& call, const Sort& sort) {
  call.require(call.inputs.size() == 1 || call.inputs.size() == 2,
               "needs one input, or the values and their key");
  const std::size_t axis = call.checked_axis(sort.axis);
  if (call.inputs.size() == 2) check_key(call, axis);
  const Shape& shape = call[0].shape();
  Result result;
  result.shape = shape;
  result.type = call[0].type();
  const auto extent = static_cast<std::size_t>(shape[axis]);
  if (sort.result == SortResult::indices) {
    result.type_rule = TypeRule::holds;
    result.type = index_type(shape[axis]);
    result.range.assign(element_count(shape), {0, shape[axis] - 1});
    return result;
  }
  // Each place of a lane can hold any element of the lane; sorted by itself, the k-th smallest is bounded by
  // the k-th smallest of the ends.
  const std::size_t inner = inner_count(shape, axis);
  result.range.resize(element_count(shape));
  std::vector<std::int64_t> lows(extent);
  std::vector<std::int64_t> highs(extent);
  for (std::size_t lane = 0; lane < outer_count(shape, axis) * inner; ++lane) {
    const std::size_t start = lane / inner * extent * inner + lane % inner;
    for (std::size_t k = 0; k < extent; ++k) {
      lows[k] = (*call[0].range)[start + k * inner].low;
      highs[k] = (*call[0].range)[start + k * inner].high;
    }
    std::sort(lows.begin(), lows.end());
    std::sort(highs.begin(), highs.end());
    for (std::size_t k = 0; k < extent; ++k) {
      const std::size_t rank = sort.descending ? extent - 1 - k : k;
      result.range[start + k * inner] =
          call.inputs.size() == 1 ? Interval{lows[rank], highs[rank]} : Interval{lows.front(), highs.back()};
    }
  }
  return result;
}

}  // namespace crible::network::rules
