#include <gtest/gtest.h>

#include <boost/multiprecision/cpp_int.hpp>

#include "engine/network/build.hpp"
#include "engine/reference/reference.hpp"

/// A second opinion on the reference: exact rational arithmetic, and the definitions of the rounding modes as
/// a choice among the two neighbouring integers.
namespace crible::reference {
namespace {

using namespace network;
using Integer = boost::multiprecision::cpp_int;
using Rational = boost::multiprecision::cpp_rational;

Integer floor_of(const Rational& value) {
  Integer quotient = numerator(value) / denominator(value);
  if (Rational(quotient) > value) --quotient;
  return quotient;
}

Integer rounded(const Rational& value, Rounding rounding) {
  const Integer below = floor_of(value);
  if (Rational(below) == value) return below;
  const Integer above = below + 1;
  const Rational down = value - below;
  const Rational up = above - value;
  const Integer nearest = down < up ? below : above;
  const bool tie = down == up;
  const Integer inner = value > 0 ? below : above;
  const Integer outer = value > 0 ? above : below;
  switch (rounding) {
    case Rounding::floor:
      return below;
    case Rounding::ceil:
      return above;
    case Rounding::toward_zero:
      return inner;
    case Rounding::away_from_zero:
      return outer;
    case Rounding::half_up:
      return tie ? above : nearest;
    case Rounding::half_down:
      return tie ? below : nearest;
    case Rounding::half_even:
      return tie ? (below % 2 == 0 ? below : above) : nearest;
    case Rounding::half_away:
      return tie ? outer : nearest;
    case Rounding::half_toward_zero:
      return tie ? inner : nearest;
  }
  return below;
}

Integer overflowed(Integer value, Overflow overflow, Type type) {
  const Integer period = Integer(1) << type.width;
  const Integer most = highest(type);
  Integer least = lowest(type);
  switch (overflow) {
    case Overflow::wrap:
      while (value > most) value -= period;
      while (value < least) value += period;
      return value;
    case Overflow::saturate_symmetric:
      if (type.is_signed) least = -most;
      break;
    case Overflow::saturate:
      break;
  }
  return value < least ? least : value > most ? most : value;
}

struct Setting {
  std::int64_t multiplier, offset;
  int shift;
  std::int64_t zero_point;
};

/// Compares the reference with the rationals on all values of an 8-bit type.
void check(const Setting& s, Rounding rounding, Overflow overflow, Type from, Type to) {
  Requantize op;
  op.multiplier = {s.multiplier};
  op.offset = {s.offset};
  op.shift = {s.shift};
  op.zero_point = {s.zero_point};
  op.rounding = rounding;
  op.overflow = overflow;
  Builder b("net");
  const NodeId x = b.input("x", {256}, from);
  b.output("y", b.add("q", op, {x}, to));
  Tensor values;
  for (std::int64_t value = lowest(from); value <= highest(from); ++value) values.push_back(value);
  const Tensor got = evaluate(b.finish(), {values})[0];
  for (std::size_t i = 0; i < values.size(); ++i) {
    const Rational exact = Rational(Integer(values[i]) * s.multiplier + s.offset) / (Integer(1) << s.shift);
    const Integer wanted = overflowed(rounded(exact, rounding) + s.zero_point, overflow, to);
    ASSERT_EQ(Integer(got[i]), wanted)
        << "x " << values[i] << " multiplier " << s.multiplier << " offset " << s.offset << " shift "
        << s.shift << " rounding " << static_cast<int>(rounding) << " overflow " << static_cast<int>(overflow)
        << " to " << to_string(to);
  }
}

class Rational8 : public testing::TestWithParam<int> {};

TEST_P(Rational8, EveryValueShiftAndType) {
  const auto rounding = static_cast<Rounding>(GetParam());
  const Setting settings[] = {{1, 0, 0, 0},
                              {1, 0, 1, 0},
                              {1, 0, 2, 0},
                              {1, 0, 3, 0},
                              {1, 0, 7, 0},
                              {1, 0, 8, 0},
                              {1, 0, 9, 0},
                              {1, 0, 62, 0},
                              {-1, 0, 1, 0},
                              {3, -1, 2, 5},
                              {77, 13, 5, -9},
                              {-6, 1, 2, 0},
                              {(1ll << 53) + 1, 1ll << 60, 57, 3}};
  for (const Setting& setting : settings) {
    for (int overflow = 0; overflow < 3; ++overflow) {
      for (int width = 1; width <= 8; ++width) {
        for (const bool is_signed : {true, false}) {
          check(setting, rounding, static_cast<Overflow>(overflow), {is_signed, 8, 0}, {true, width, 0});
          check(setting, rounding, static_cast<Overflow>(overflow), {is_signed, 8, 0}, {false, width, 0});
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Roundings, Rational8, testing::Range(0, 9));

}  // namespace
}  // namespace crible::reference
