#include <algorithm>
#include <array>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/strides.hpp"
#include "engine/network/verify.hpp"

/// Operations on elements at equal places of one, two or three tensors.
namespace crible::network::rules {

namespace {

void require_equal_fractions(const Call& call, const Operand& a, const Operand& b) {
  if (a.type().fraction == b.type().fraction) return;
  call.fail("has inputs with different fractions (" + network::to_string(a.type()) + " and " +
            network::to_string(b.type()) + "); requantize one of them");
}

Shape broadcast_shape(const Call& call, const Shape& a, const Shape& b) {
  Shape shape;
  if (!broadcast(a, b, shape)) {
    call.fail("has inputs of shapes " + network::to_string(a) + " and " + network::to_string(b) +
              ", which do not broadcast; make each extent equal or 1");
  }
  return shape;
}

/// For two inputs: calls combine(interval, interval) for each element of the broadcast result.
template <class Combine>
void over_pairs(const Call& call, Result& result, Combine combine) {
  result.shape = broadcast_shape(call, call[0].shape(), call[1].shape());
  if (element_count(result.shape) > max_elements) return;  // refused by the caller
  const auto left = offsets(result.shape, broadcast_strides(call[0].shape(), result.shape));
  const auto right = offsets(result.shape, broadcast_strides(call[1].shape(), result.shape));
  result.range.reserve(left.size());
  for (std::size_t i = 0; i < left.size(); ++i) {
    const WideInterval interval = combine((*call[0].range)[left[i]], (*call[1].range)[right[i]]);
    include(result.sums, interval);
    result.range.push_back(narrow(interval));
  }
}

enum class Truth { always, never, open };

Truth truth(Comparison comparison, Interval a, Interval b) {
  const auto decide = [](bool always, bool never) {
    return always ? Truth::always : never ? Truth::never : Truth::open;
  };
  const bool single = a.low == a.high && b.low == b.high && a.low == b.low;
  const bool apart = a.high < b.low || b.high < a.low;
  switch (comparison) {
    case Comparison::less:
      return decide(a.high < b.low, a.low >= b.high);
    case Comparison::less_equal:
      return decide(a.high <= b.low, a.low > b.high);
    case Comparison::greater:
      return decide(a.low > b.high, a.high <= b.low);
    case Comparison::greater_equal:
      return decide(a.low >= b.high, a.high < b.low);
    case Comparison::equal:
      return decide(single, apart);
    case Comparison::not_equal:
      return decide(apart, single);
  }
  return Truth::open;
}

Interval as_bit(Truth value) {
  switch (value) {
    case Truth::always:
      return {1, 1};
    case Truth::never:
      return {0, 0};
    case Truth::open:
      return {0, 1};
  }
  return {0, 1};
}

}  // namespace

Result add_rule(const Call& call) {
  call.require_inputs(2);
  require_equal_fractions(call, call[0], call[1]);
  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = call[0].type().fraction;
  over_pairs(call, result, [](Interval a, Interval b) {
    return WideInterval{Wide{a.low} + b.low, Wide{a.high} + b.high};
  });
  return result;
}

Result subtract_rule(const Call& call) {
  call.require_inputs(2);
  require_equal_fractions(call, call[0], call[1]);
  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = call[0].type().fraction;
  over_pairs(call, result, [](Interval a, Interval b) {
    return WideInterval{Wide{a.low} - b.high, Wide{a.high} - b.low};
  });
  return result;
}

Result multiply_rule(const Call& call) {
  call.require_inputs(2);
  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = call[0].type().fraction + call[1].type().fraction;
  const bool square = call[0].node == call[1].node;
  over_pairs(call, result, [square](Interval a, Interval b) {
    const std::array<Wide, 4> corners{Wide{a.low} * b.low, Wide{a.low} * b.high, Wide{a.high} * b.low,
                                      Wide{a.high} * b.high};
    WideInterval product{*std::min_element(corners.begin(), corners.end()),
                         *std::max_element(corners.begin(), corners.end())};
    // One tensor with itself is a square: never negative.
    if (square) product.low = a.low > 0 || a.high < 0 ? std::min(corners[0], corners[3]) : Wide{0};
    return product;
  });
  return result;
}

Result compare_rule(const Call& call, const Compare& compare) {
  call.require_inputs(2);
  require_equal_fractions(call, call[0], call[1]);
  Result result;
  result.type = {false, 1, 0};
  over_pairs(call, result, [&](Interval a, Interval b) {
    const Interval bit = as_bit(truth(compare.comparison, a, b));
    return WideInterval{bit.low, bit.high};
  });
  return result;
}

Result select_rule(const Call& call) {
  call.require_inputs(3);
  const Operand& condition = call[0];
  if (condition.type() != Type{false, 1, 0}) {
    call.fail("has a condition of type " + network::to_string(condition.type()) +
              "; it must be u1.0, as compare gives it");
  }
  require_equal_fractions(call, call[1], call[2]);
  Result result;
  result.type_rule = TypeRule::holds;
  result.shape =
      broadcast_shape(call, broadcast_shape(call, condition.shape(), call[1].shape()), call[2].shape());
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  const auto conditions = offsets(result.shape, broadcast_strides(condition.shape(), result.shape));
  const auto trues = offsets(result.shape, broadcast_strides(call[1].shape(), result.shape));
  const auto falses = offsets(result.shape, broadcast_strides(call[2].shape(), result.shape));
  for (std::size_t i = 0; i < conditions.size(); ++i) {
    const Interval bit = (*condition.range)[conditions[i]];
    const Interval a = (*call[1].range)[trues[i]];
    const Interval b = (*call[2].range)[falses[i]];
    if (bit.low == 1) {
      result.range.push_back(a);
    } else if (bit.high == 0) {
      result.range.push_back(b);
    } else {
      result.range.push_back({std::min(a.low, b.low), std::max(a.high, b.high)});
    }
  }
  result.type = call[1].type() == call[2].type() ? call[1].type()
                                                 : smallest_type(hull(result.range), call[1].type().fraction);
  return result;
}

Result clamp_rule(const Call& call, const Clamp& clamp) {
  call.require_inputs(1);
  if (clamp.low > clamp.high) call.fail("has a low end above its high end; exchange them");
  Result result;
  result.type_rule = TypeRule::holds;
  result.shape = call[0].shape();
  result.type = call[0].type();
  for (const Interval& interval : *call[0].range) {
    result.range.push_back(
        {std::clamp(interval.low, clamp.low, clamp.high), std::clamp(interval.high, clamp.low, clamp.high)});
  }
  // A clamp to values outside its input's type (a constant result) takes the type that holds them.
  const Interval all = hull(result.range);
  if (!contains(result.type, all)) result.type = smallest_type(all, result.type.fraction);
  return result;
}

Result leaky_relu_rule(const Call& call, const LeakyRelu& leaky) {
  call.require_inputs(1);
  if (leaky.shift < 0 || leaky.shift > max_shift) {
    call.fail("has the shift " + std::to_string(leaky.shift) + "; give one from 0 to 62");
  }
  const auto apply = [&](std::int64_t x) { return x >= 0 ? Wide{x} << leaky.shift : Wide{x}; };
  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = call[0].type().fraction + leaky.shift;
  result.shape = call[0].shape();
  for (const Interval& interval : *call[0].range) {
    const WideInterval bounds{apply(interval.low), apply(interval.high)};
    include(result.sums, bounds);
    result.range.push_back(narrow(bounds));
  }
  return result;
}

}  // namespace crible::network::rules
