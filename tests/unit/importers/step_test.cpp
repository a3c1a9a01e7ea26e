// Quantizers as step functions: the integer forms must be equal to the definition at every integer.

#include "engine/importers/step.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "engine/base/error.hpp"

namespace crible::importers {
namespace {

using network::Rounding;

constexpr Rounding all_modes[] = {Rounding::floor,          Rounding::ceil,      Rounding::toward_zero,
                                  Rounding::away_from_zero, Rounding::half_up,   Rounding::half_down,
                                  Rounding::half_even,      Rounding::half_away, Rounding::half_toward_zero};

std::int64_t rounded(int numerator, int denominator, Rounding rounding) {
  return round_exactly(Real(Rational(numerator, denominator)), rounding).convert_to<std::int64_t>();
}

TEST(RoundExactly, FollowsEveryModeAtTiesAndBesideThem) {
  struct Row {
    Rounding rounding;
    std::int64_t minus_seven_quarters, minus_three_halves, minus_half, half, three_halves, seven_quarters;
  };
  const Row rows[] = {
      {Rounding::floor, -2, -2, -1, 0, 1, 1},           {Rounding::ceil, -1, -1, 0, 1, 2, 2},
      {Rounding::toward_zero, -1, -1, 0, 0, 1, 1},      {Rounding::away_from_zero, -2, -2, -1, 1, 2, 2},
      {Rounding::half_up, -2, -1, 0, 1, 2, 2},          {Rounding::half_down, -2, -2, -1, 0, 1, 2},
      {Rounding::half_even, -2, -2, 0, 0, 2, 2},        {Rounding::half_away, -2, -2, -1, 1, 2, 2},
      {Rounding::half_toward_zero, -2, -1, 0, 0, 1, 2},
  };
  for (const Row& row : rows) {
    const int mode = static_cast<int>(row.rounding);
    EXPECT_EQ(rounded(-7, 4, row.rounding), row.minus_seven_quarters) << mode;
    EXPECT_EQ(rounded(-3, 2, row.rounding), row.minus_three_halves) << mode;
    EXPECT_EQ(rounded(-1, 2, row.rounding), row.minus_half) << mode;
    EXPECT_EQ(rounded(1, 2, row.rounding), row.half) << mode;
    EXPECT_EQ(rounded(3, 2, row.rounding), row.three_halves) << mode;
    EXPECT_EQ(rounded(7, 4, row.rounding), row.seven_quarters) << mode;
    EXPECT_EQ(rounded(3, 1, row.rounding), 3) << mode;
    EXPECT_EQ(rounded(-3, 1, row.rounding), -3) << mode;
  }
}

/// The definition of requantize in SEMANTICS.md, then the quantizer's own limits.
std::int64_t apply(const RequantizeRows& rows, std::size_t row, const StepFunction& function,
                   std::int64_t q) {
  const Rational sum =
      Rational(Integer(q) * rows.multiplier[row] + rows.offset[row], Integer(1) << rows.shift[row]);
  const Integer k = round_exactly(Real(sum), rows.rounding) + rows.zero_point[row];
  return std::clamp<Integer>(k, function.low, function.high).convert_to<std::int64_t>();
}

std::int64_t apply(const ThresholdRows& rows, std::size_t row, std::int64_t q) {
  std::int64_t count = 0;
  for (int i = 0; i < rows.steps; ++i)
    count += q >= rows.thresholds[row * static_cast<std::size_t>(rows.steps) + static_cast<std::size_t>(i)];
  return rows.base[row] + rows.sign[row] * count;
}

/// The forms that exist are equal to the definition at every integer; thresholds always exist. Half to even
/// can round neighbouring ties in opposite directions, which no multiplier of a scale like 1/6 does.
struct Forms {
  bool shift = false;
  bool multiplier = false;
};

Forms expect_equal_everywhere(const std::vector<StepFunction>& functions) {
  Exactness exactness;
  const auto multiplier = as_multiplier(functions, exactness);
  const auto shift = as_shift(functions);
  const ThresholdRows thresholds = as_thresholds(functions);
  std::size_t differences = 0;
  for (std::size_t row = 0; row < functions.size(); ++row) {
    const StepFunction& function = functions[row];
    for (std::int64_t q = function.range.low; q <= function.range.high; ++q) {
      const std::int64_t expected = evaluate(function, q);
      differences += apply(thresholds, row, q) != expected;
      differences += multiplier && apply(*multiplier, row, function, q) != expected;
      differences += shift && apply(*shift, row, function, q) != expected;
    }
  }
  EXPECT_EQ(differences, 0U);
  return {shift.has_value(), multiplier.has_value()};
}

TEST(StepFunction, RandomQuantizersAreEqualAtEveryInteger) {
  std::mt19937 random(20240607);
  const auto between = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(random);
  };
  int multipliers = 0;
  for (int repeat = 0; repeat < 60; ++repeat) {
    const Rounding rounding = all_modes[repeat % 9];
    std::vector<StepFunction> functions;
    const int width = between(1, 8);
    const std::int64_t low = -between(0, 1 << (width - 1));
    for (int row = 0; row < 3; ++row) {
      // Small denominators give many exact ties.
      const Rational scale(between(-40, 40), between(1, repeat % 2 ? 16 : 1000003));
      const Rational offset(between(-200, 200), between(1, 16));
      functions.push_back({Real(scale),
                           Real(offset),
                           between(-20, 20),
                           rounding,
                           low,
                           low + (1 << width) - 1,
                           {between(-300, 0), between(0, 300)}});
    }
    multipliers += expect_equal_everywhere(functions).multiplier;
  }
  EXPECT_GT(multipliers, 40);
}

TEST(StepFunction, IrrationalScalesAreDecidedExactly) {
  const Real root = Real(1) / Real::square_root(Rational(346, 3));
  std::vector<StepFunction> functions;
  for (const int gamma : {3, -5, 0}) {
    functions.push_back({Real(gamma) * root,
                         Real(Rational(1, 3)) - Real(gamma) * root * Real(7),
                         0,
                         Rounding::half_even,
                         -8,
                         7,
                         {-500, 500}});
  }
  EXPECT_TRUE(expect_equal_everywhere(functions).multiplier);
}

TEST(StepFunction, TiesOnTheIntegersThemselves) {
  for (const Rounding rounding : all_modes)
    expect_equal_everywhere(
        {{Real(Rational(1, 2)), Real(0), 3, rounding, -128, 127, {-400, 400}},
         {Real(Rational(-1, 2)), Real(Rational(1, 2)), -3, rounding, -128, 127, {-400, 400}}});
}

TEST(StepFunction, APowerOfTwoIsAShiftWithTheModelsRounding) {
  const auto rows =
      as_shift({{Real(Rational(1, 32)), Real(0), 0, Rounding::half_even, 0, 255, {-9000, 9000}}});
  ASSERT_TRUE(rows.has_value());
  EXPECT_EQ(rows->multiplier[0], 1);
  EXPECT_EQ(rows->shift[0], 5);
  EXPECT_EQ(rows->rounding, Rounding::half_even);
  EXPECT_FALSE(as_shift({{Real(Rational(1, 3)), Real(0), 0, Rounding::floor, 0, 255, {0, 9}}}).has_value());
}

TEST(StepFunction, RefusesTooManySteps) {
  Exactness exactness;
  const std::vector<StepFunction> wide{{Real(Rational(1, 3)),
                                        Real(0),
                                        0,
                                        Rounding::half_even,
                                        -(1 << 23),
                                        (1 << 23) - 1,
                                        {-(1 << 25), 1 << 25}}};
  try {
    as_multiplier(wide, exactness);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("use at most 16 bits or a power-of-two scale"));
  }
}

TEST(StepFunction, CountsSumsNearAnEdge) {
  Exactness exactness;
  // 10000001 / 20000002 of a step is a half within float32, 1 / 3 never is.
  as_multiplier({{Real(Rational(10000001, 20000003)), Real(0), 0, Rounding::half_even, -8, 7, {-3, 3}}},
                exactness);
  EXPECT_GT(exactness.near_edges, 0U);
  Exactness clear;
  as_multiplier({{Real(Rational(1, 3)), Real(0), 0, Rounding::half_even, -8, 7, {-30, 30}}}, clear);
  EXPECT_EQ(clear.near_edges, 0U);
  EXPECT_EQ(clear.steps, 15U);
}

TEST(RealNumbers, RootsAreComparedExactly) {
  const Real two = Real::square_root(2);
  EXPECT_TRUE(two * two == Real(2));
  EXPECT_TRUE(Real::square_root(8) == two + two);
  EXPECT_EQ((two + Real::square_root(8)).floor(), 4);
  EXPECT_EQ((-two).floor(), -2);
  EXPECT_TRUE(Real::square_root(Rational(9, 4)) == Real(Rational(3, 2)));
  EXPECT_FALSE(two == Real::square_root(3));
  EXPECT_TRUE(Real(1) / (two - Real(1)) == two + Real(1));
  // 577/408 is above the root of 2 by two millionths.
  EXPECT_TRUE(two < Real(Rational(577, 408)));
  EXPECT_THROW(two + Real::square_root(3), Error);
  EXPECT_THROW(Real::square_root(-1), Error);
  EXPECT_THROW(Real(1) / Real(0), Error);
}

}  // namespace
}  // namespace crible::importers
