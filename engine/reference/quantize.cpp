#include "engine/reference/operations.hpp"

/// The three operations that lose bits.
namespace crible::reference {

using namespace network;

namespace {

/// The entry of an attribute list for the element at `place` (C order).
std::size_t entry(std::size_t entries, const Shape& shape, int axis, std::size_t place) {
  if (entries == 1) return 0;
  std::size_t inner = 1;
  for (std::size_t i = static_cast<std::size_t>(axis) + 1; i < shape.size(); ++i) {
    inner *= static_cast<std::size_t>(shape[i]);
  }
  const auto extent = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
  return entries == extent ? place / inner % extent : place;
}

/// value / 2^shift, rounded to an integer.
std::int64_t rounded(std::int64_t value, int shift, Rounding rounding) {
  const std::int64_t divisor = std::int64_t{1} << shift;
  const std::int64_t whole = value / divisor;  // toward zero
  const std::int64_t rest = value % divisor;   // with the sign of value
  if (rest == 0) return whole;
  const std::int64_t outward = value < 0 ? whole - 1 : whole + 1;
  const std::int64_t twice = 2 * (rest < 0 ? -rest : rest);
  const bool beyond_half = twice > divisor;
  const bool tie = twice == divisor;
  switch (rounding) {
    case Rounding::floor:
      return value < 0 ? outward : whole;
    case Rounding::ceil:
      return value < 0 ? whole : outward;
    case Rounding::toward_zero:
      return whole;
    case Rounding::away_from_zero:
      return outward;
    case Rounding::half_up:
      return beyond_half || (tie && value > 0) ? outward : whole;
    case Rounding::half_down:
      return beyond_half || (tie && value < 0) ? outward : whole;
    case Rounding::half_even:
      return beyond_half || (tie && whole % 2 != 0) ? outward : whole;
    case Rounding::half_away:
      return beyond_half || tie ? outward : whole;
    case Rounding::half_toward_zero:
      return beyond_half ? outward : whole;
  }
  return whole;
}

std::int64_t overflowed(std::int64_t value, Overflow overflow, Type type) {
  const std::int64_t most = highest(type);
  std::int64_t least = lowest(type);
  switch (overflow) {
    case Overflow::wrap: {
      const std::int64_t modulus = std::int64_t{1} << type.width;
      std::int64_t low_bits = value % modulus;
      if (low_bits < 0) low_bits += modulus;
      return low_bits > most ? low_bits - modulus : low_bits;
    }
    case Overflow::saturate_symmetric:
      if (type.is_signed) least = -most;
      break;
    case Overflow::saturate:
      break;
  }
  return value < least ? least : value > most ? most : value;
}

}  // namespace

Tensor requantize(const Step& step, const Requantize& requantize) {
  const Value& x = step.input(0);
  Tensor y;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const auto pick = [&](const auto& list) { return list[entry(list.size(), x.shape, requantize.axis, i)]; };
    const std::int64_t exact = x.data[i] * pick(requantize.multiplier) + pick(requantize.offset);
    const std::int64_t integer =
        rounded(exact, pick(requantize.shift), requantize.rounding) + pick(requantize.zero_point);
    y.push_back(overflowed(integer, requantize.overflow, step.node.type));
  }
  return y;
}

Tensor threshold(const Step& step, const Threshold& threshold) {
  const Value& x = step.input(0);
  const auto steps = static_cast<std::size_t>(threshold.steps);
  Tensor y;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const std::size_t row = entry(threshold.base.size(), x.shape, threshold.axis, i);
    std::int64_t passed = 0;
    for (std::size_t k = 0; k < steps; ++k) {
      if (x.data[i] >= threshold.thresholds[row * steps + k]) ++passed;
    }
    y.push_back(threshold.base[row] + threshold.sign[row] * passed);
  }
  return y;
}

Tensor lookup(const Step& step, const Lookup& lookup) {
  const Value& x = step.input(0);
  const auto rows = static_cast<std::size_t>(lookup.rows);
  const std::size_t entries = lookup.table.size() / rows;
  Tensor y;
  for (std::size_t i = 0; i < x.data.size(); ++i) {
    const std::size_t row = entry(rows, x.shape, lookup.axis, i);
    y.push_back(lookup.table[row * entries + static_cast<std::size_t>(x.data[i] - lookup.first)]);
  }
  return y;
}

}  // namespace crible::reference
