#include <algorithm>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/strides.hpp"

/// The three operations that lose bits. All are monotone in their input but for wrapping, so the ends of an
/// interval decide.
namespace crible::network::rules {

namespace {

/// What requantize, threshold and lookup have in common: one input, its shape, a type that the node declares.
Result declared_result(const Call& call) {
  call.require_inputs(1);
  Result result;
  result.type_rule = TypeRule::declared;
  result.type = call.declared_type();
  result.shape = call[0].shape();
  if (result.type.width > 32) call.fail("has the result type s64; a stored value has at most 32 bits");
  return result;
}

/// Which entry of an attribute list belongs to an element: none varies, one per step of an axis, or each.
class Spread {
 public:
  Spread(const Call& call, int axis) : shape_(call[0].shape()), elements_(element_count(shape_)) {
    if (shape_.empty() && axis == 0) return;
    const std::size_t at = call.checked_axis(axis);
    extent_ = static_cast<std::size_t>(shape_[at]);
    inner_ = inner_count(shape_, at);
  }

  std::size_t elements() const { return elements_; }

  bool fits(std::size_t entries) const { return entries == 1 || entries == extent_ || entries == elements_; }

  std::size_t entry(std::size_t entries, std::size_t element) const {
    if (entries == 1) return 0;
    return entries == extent_ ? element / inner_ % extent_ : element;
  }

 private:
  const Shape& shape_;
  std::size_t elements_;
  std::size_t extent_ = 1;
  std::size_t inner_ = 1;
};

void require_fit(const Call& call, const Spread& spread, std::size_t entries, const char* what) {
  if (spread.fits(entries)) return;
  call.fail("has " + std::to_string(entries) + " entries of " + what + " on shape " +
            network::to_string(call[0].shape()) +
            "; give 1, one for each step of its axis, or one for each element");
}

std::int64_t round_shift(std::int64_t value, int shift, Rounding rounding) {
  if (shift == 0) return value;
  const std::int64_t floored = value >> shift;
  const std::int64_t rest = value - (floored << shift);
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  const bool tie = rest == half;
  const bool up = [&] {
    switch (rounding) {
      case Rounding::floor:
        return false;
      case Rounding::ceil:
        return rest > 0;
      case Rounding::toward_zero:
        return rest > 0 && value < 0;
      case Rounding::away_from_zero:
        return rest > 0 && value > 0;
      case Rounding::half_up:
        return rest >= half;
      case Rounding::half_down:
        return rest > half;
      case Rounding::half_even:
        return rest > half || (tie && floored % 2 != 0);
      case Rounding::half_away:
        return rest > half || (tie && value > 0);
      case Rounding::half_toward_zero:
        return rest > half || (tie && value < 0);
    }
    return false;
  }();
  return floored + (up ? 1 : 0);
}

/// The interval of overflow(value) for value in [low, high].
Interval overflow_interval(Interval value, Overflow overflow, Type type) {
  const std::int64_t lowest_value = lowest(type);
  const std::int64_t highest_value = highest(type);
  switch (overflow) {
    case Overflow::saturate:
      return {std::clamp(value.low, lowest_value, highest_value),
              std::clamp(value.high, lowest_value, highest_value)};
    case Overflow::saturate_symmetric: {
      const std::int64_t floor = type.is_signed ? -highest_value : 0;
      return {std::clamp(value.low, floor, highest_value), std::clamp(value.high, floor, highest_value)};
    }
    case Overflow::wrap: {
      const Wide window = (Wide{value.low} - lowest_value) >> type.width;
      if (((Wide{value.high} - lowest_value) >> type.width) != window) return {lowest_value, highest_value};
      const Wide shifted = window << type.width;
      return narrow({Wide{value.low} - shifted, Wide{value.high} - shifted});
    }
  }
  return {lowest_value, highest_value};
}

WideInterval scaled(Interval x, std::int64_t multiplier) {
  const Wide a = Wide{x.low} * multiplier;
  const Wide b = Wide{x.high} * multiplier;
  return {std::min(a, b), std::max(a, b)};
}

void require_exact(const Call& call, WideInterval interval, std::size_t element) {
  if (interval.low >= -Wide{max_product} && interval.high <= Wide{max_product}) return;
  call.fail("reaches " + to_string(interval) + " at element " + std::to_string(element) +
            " before its shift, beyond 2^62; use a smaller multiplier and shift");
}

}  // namespace

Result requantize_rule(const Call& call, const Requantize& requantize) {
  Result result = declared_result(call);
  const Spread spread(call, requantize.axis);
  require_fit(call, spread, requantize.multiplier.size(), "multiplier");
  require_fit(call, spread, requantize.offset.size(), "offset");
  require_fit(call, spread, requantize.shift.size(), "shift");
  require_fit(call, spread, requantize.zero_point.size(), "zero_point");
  for (const int shift : requantize.shift) {
    if (shift < 0 || shift > max_shift) {
      call.fail("has the shift " + std::to_string(shift) + "; give shifts from 0 to 62");
    }
  }
  for (const std::int64_t zero_point : requantize.zero_point) {
    call.require(zero_point > -max_product && zero_point < max_product, "has a zero_point not below 2^62");
  }
  result.range.reserve(spread.elements());
  for (std::size_t i = 0; i < spread.elements(); ++i) {
    const auto pick = [&](const auto& list) { return list[spread.entry(list.size(), i)]; };
    const WideInterval product = scaled((*call[0].range)[i], pick(requantize.multiplier));
    require_exact(call, product, i);
    const std::int64_t offset = pick(requantize.offset);
    const WideInterval sum{product.low + offset, product.high + offset};
    require_exact(call, sum, i);
    const Interval exact = narrow(sum);
    const int shift = pick(requantize.shift);
    const std::int64_t zero_point = pick(requantize.zero_point);
    result.range.push_back(
        overflow_interval({round_shift(exact.low, shift, requantize.rounding) + zero_point,
                           round_shift(exact.high, shift, requantize.rounding) + zero_point},
                          requantize.overflow, result.type));
  }
  return result;
}

Result threshold_rule(const Call& call, const Threshold& threshold) {
  Result result = declared_result(call);
  const Spread spread(call, threshold.axis);
  const std::size_t rows = threshold.base.size();
  require_fit(call, spread, rows, "base");
  call.require(threshold.sign.size() == rows, "has not one sign for each base");
  call.require(threshold.steps >= 0, "has a negative number of steps");
  const auto steps = static_cast<std::size_t>(threshold.steps);
  call.require(threshold.thresholds.size() == rows * steps, "has not rows x steps thresholds");
  for (std::size_t row = 0; row < rows; ++row) {
    const auto begin = threshold.thresholds.begin() + static_cast<std::ptrdiff_t>(row * steps);
    if (!std::is_sorted(begin, begin + threshold.steps)) {
      call.fail("has thresholds of row " + std::to_string(row) + " that do not ascend; sort them");
    }
    const int sign = threshold.sign[row];
    call.require(sign == 1 || sign == -1, "has a sign that is neither 1 nor -1");
    call.require(contains(result.type, threshold.base[row]), "has a base outside its result type");
  }
  result.range.reserve(spread.elements());
  for (std::size_t i = 0; i < spread.elements(); ++i) {
    const std::size_t row = spread.entry(rows, i);
    const auto begin = threshold.thresholds.begin() + static_cast<std::ptrdiff_t>(row * steps);
    const auto value = [&](std::int64_t x) {
      const std::ptrdiff_t passed = std::upper_bound(begin, begin + threshold.steps, x) - begin;
      return threshold.base[row] + threshold.sign[row] * passed;
    };
    const Interval x = (*call[0].range)[i];
    const Interval y{std::min(value(x.low), value(x.high)), std::max(value(x.low), value(x.high))};
    if (!contains(result.type, y)) {
      call.fail("reaches " + to_string(y) + " at element " + std::to_string(i) + ", outside its type " +
                network::to_string(result.type) + "; use a wider type");
    }
    result.range.push_back(y);
  }
  return result;
}

Result lookup_rule(const Call& call, const Lookup& lookup) {
  Result result = declared_result(call);
  const Spread spread(call, lookup.axis);
  call.require(lookup.rows > 0, "has no rows; a table has at least one");
  const auto rows = static_cast<std::size_t>(lookup.rows);
  require_fit(call, spread, rows, "rows");
  call.require(!lookup.table.empty() && lookup.table.size() % rows == 0,
               "has a table that is empty or that its rows do not divide");
  const std::size_t entries = lookup.table.size() / rows;
  for (const std::int64_t entry : lookup.table) {
    if (!contains(result.type, entry)) {
      call.fail("has the table entry " + std::to_string(entry) + " outside its type " +
                network::to_string(result.type));
    }
  }
  result.range.reserve(spread.elements());
  Interval last{0, -1};
  std::size_t last_row = 0;
  for (std::size_t i = 0; i < spread.elements(); ++i) {
    const Interval x = (*call[0].range)[i];
    const std::size_t row = spread.entry(rows, i);
    if (i > 0 && x == last && row == last_row) {
      result.range.push_back(Interval(result.range.back()));
      continue;
    }
    const Wide first = Wide{x.low} - lookup.first;
    const Wide final = Wide{x.high} - lookup.first;
    if (first < 0 || final >= Wide{entries}) {
      call.fail("is indexed by " + to_string(x) + " at element " + std::to_string(i) +
                ", outside its table of " +
                to_string(WideInterval{lookup.first, Wide{lookup.first} + entries - 1}) +
                "; clamp the input or extend the table");
    }
    const std::int64_t* begin = lookup.table.data() + row * entries;
    const auto [low, high] = std::minmax_element(begin + first, begin + final + 1);
    result.range.push_back({*low, *high});
    last = x;
    last_row = row;
  }
  return result;
}

}  // namespace crible::network::rules
