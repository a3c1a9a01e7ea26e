#include "engine/network/rules.hpp"

#include <algorithm>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/network/limits.hpp"

namespace crible::network::rules {

void Call::fail(const std::string& sentence) const {
  throw Error(where + " " + sentence);
}

void Call::require_inputs(std::size_t count) const {
  if (inputs.size() == count) return;
  fail("has " + std::to_string(inputs.size()) + " inputs; give it " + std::to_string(count));
}

void Call::require_operations(std::size_t elements, std::size_t terms) const {
  if (terms == 0 || elements <= max_operations / terms) return;
  fail("takes more than 2^33 operations per event; use a smaller layer");
}

Type Call::declared_type() const {
  if (!type) fail("needs a type for its result; state one");
  return *type;
}

const Shape& Call::declared_shape() const {
  if (!shape) fail("needs a shape for its result; state one");
  return *shape;
}

std::size_t Call::checked_axis(int axis) const {
  const Shape& of = inputs[0].shape();
  if (axis < 0 || static_cast<std::size_t>(axis) >= of.size()) {
    fail("has axis " + std::to_string(axis) + " on an input of shape " + network::to_string(of) +
         "; give an axis from 0 to rank - 1");
  }
  return static_cast<std::size_t>(axis);
}

std::string to_string(Wide value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string digits;
  for (; value != 0; value /= 10) {
    const int digit = static_cast<int>(value % 10);
    digits += static_cast<char>('0' + (digit < 0 ? -digit : digit));
  }
  if (negative) digits += '-';
  std::reverse(digits.begin(), digits.end());
  return digits;
}

std::string to_string(WideInterval interval) {
  return "[" + to_string(interval.low) + ", " + to_string(interval.high) + "]";
}

std::string to_string(Interval interval) {
  return to_string(WideInterval{interval.low, interval.high});
}

Interval narrow(WideInterval interval) {
  constexpr Wide low = std::numeric_limits<std::int64_t>::min();
  constexpr Wide high = std::numeric_limits<std::int64_t>::max();
  return {static_cast<std::int64_t>(std::clamp(interval.low, low, high)),
          static_cast<std::int64_t>(std::clamp(interval.high, low, high))};
}

void include(WideInterval& hull, WideInterval interval) {
  hull.low = std::min(hull.low, interval.low);
  hull.high = std::max(hull.high, interval.high);
}

void add_term(WideInterval& total, WideInterval& sums, Wide low, Wide high) {
  total.low += low;
  total.high += high;
  if (low < 0) sums.low += low;
  if (high > 0) sums.high += high;
}

LinearBounds linear_bounds(const std::int64_t* weights, const Interval* inputs, std::size_t count,
                           std::int64_t bias) {
  LinearBounds bounds;
  add_term(bounds.total, bounds.sums, bias, bias);
  for (std::size_t k = 0; k < count; ++k) {
    // Weights have 32 bits and inputs have at most 32: each product fits 64.
    const std::int64_t at_low = weights[k] * inputs[k].low;
    const std::int64_t at_high = weights[k] * inputs[k].high;
    add_term(bounds.total, bounds.sums, std::min(at_low, at_high), std::max(at_low, at_high));
  }
  return bounds;
}

Result rule(const Call& call, const Operation& operation) {
  return match(
      operation, [&](const Input& o) { return input_rule(call, o); },
      [&](const Constant& o) { return constant_rule(call, o); },
      [&](const Dense& o) { return dense_rule(call, o); }, [&](const Conv& o) { return conv_rule(call, o); },
      [&](const Add&) { return add_rule(call); }, [&](const Subtract&) { return subtract_rule(call); },
      [&](const Multiply&) { return multiply_rule(call); },
      [&](const Requantize& o) { return requantize_rule(call, o); },
      [&](const Threshold& o) { return threshold_rule(call, o); },
      [&](const Lookup& o) { return lookup_rule(call, o); },
      [&](const Pool& o) { return pool_rule(call, o); },
      [&](const Concat& o) { return concat_rule(call, o); },
      [&](const Reshape&) { return reshape_rule(call); },
      [&](const Transpose& o) { return transpose_rule(call, o); },
      [&](const Slice& o) { return slice_rule(call, o); }, [&](const Pad& o) { return pad_rule(call, o); },
      [&](const Resize& o) { return resize_rule(call, o); },
      [&](const Reduce& o) { return reduce_rule(call, o); },
      [&](const Sort& o) { return sort_rule(call, o); },
      [&](const Compare& o) { return compare_rule(call, o); },
      [&](const Select&) { return select_rule(call); }, [&](const Clamp& o) { return clamp_rule(call, o); },
      [&](const LeakyRelu& o) { return leaky_relu_rule(call, o); },
      [&](const TreeEnsemble& o) { return tree_ensemble_rule(call, o); },
      [&](const Recurrent& o) { return recurrent_rule(call, o); },
      [&](const Output& o) { return output_rule(call, o); });
}

}  // namespace crible::network::rules
