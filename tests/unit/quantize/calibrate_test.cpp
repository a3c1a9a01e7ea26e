// Types from distributions, weights to integers, ratios to shifts, and the figures of the comparison.

#include "engine/quantize/calibrate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/quantize/compare.hpp"
#include "engine/quantize/quantity.hpp"
#include "engine/reference/reference.hpp"
#include "tests/unit/quantize/float_models.hpp"

namespace crible::quantize {
namespace {

using network::Type;
using testing::ElementsAre;
using testing::HasSubstr;
using Kind = RangeRule::Kind;

Distribution of(const std::vector<double>& values) {
  Distribution distribution;
  distribution.widen(values);
  distribution.count(values);
  return distribution;
}

TEST(Distribution, ATypeHoldsAllThatWasSeen) {
  EXPECT_EQ(of({0, 1, 3.9}).type(8, {Kind::all, 100}), (Type{false, 8, 6}));
  EXPECT_EQ(of({0, 1, 3.999}).type(8, {Kind::all, 100}), (Type{false, 8, 5}));  // 3.999 rounds to 256
  EXPECT_EQ(of({-4, 3.9}).type(8, {Kind::all, 100}), (Type{true, 8, 5}));
  EXPECT_EQ(of({-4.1, 0}).type(8, {Kind::all, 100}), (Type{true, 8, 4}));
  EXPECT_EQ(of({70000}).type(8, {Kind::all, 100}), (Type{false, 8, -9}));
  EXPECT_EQ(of({0, 0}).type(8, {Kind::all, 100}), (Type{false, 8, 7}));
}

TEST(Distribution, RareLargeValuesAreCutByPercentileAndByLeastError) {
  std::vector<double> values(10000);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i % 1000) / 1000.0;
  values[0] = 8.5;
  EXPECT_EQ(of(values).type(8, {Kind::all, 100}).fraction, 4);
  EXPECT_EQ(of(values).type(8, {Kind::percentile, 99.9}).fraction, 7);
  EXPECT_EQ(of(values).type(6, {Kind::least_error, 100}).fraction, 3);  // one clipped event weighs less
  values[1] = -8.5;
  EXPECT_EQ(of(values).type(8, {Kind::percentile, 99.9}), (Type{true, 8, 6}));
}

TEST(Calibration, AValueThatIsNoNumberNamesItsNodeAndEvent) {
  FloatModel model = load_float_model("mlp");
  for (std::size_t i = 0; i < 12; ++i) model.rows.inputs[0][3 * 12 + i] = 1e308;
  try {
    Calibration(model.program, model.rows);
    FAIL() << "accepted";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("gives an infinity or NaN for event 3 of the calibration"));
  }
}

TEST(Weights, EachRowHasTheStepOfLeastError) {
  const std::vector<double> weights{0.5, -0.25, 0.1, 7, -3, 2};
  const FixedRows rows = fix_weights(weights, {0, 0}, 1, 8, true);
  EXPECT_THAT(rows.fraction, ElementsAre(7, 4));
  EXPECT_THAT(rows.values, ElementsAre(64, -32, 13, 112, -48, 32));
  const FixedRows same = fix_weights(weights, {0, 0}, 1, 8, false);
  EXPECT_THAT(same.fraction, ElementsAre(4, 4));
  EXPECT_THAT(same.values, ElementsAre(8, -4, 2, 112, -48, 32));
}

TEST(Weights, ALargeBiasMakesTheStepCoarser) {
  const FixedRows rows = fix_weights({1e-7, -1e-7}, {1000, 0}, 0x1p-7, 8, true);
  EXPECT_LE(1000 * std::ldexp(128, rows.fraction[0]), 0x1p30);
  EXPECT_EQ(rows.fraction[1], 30);
  EXPECT_EQ(fix_weights({0, 0}, {0}, 1, 8, true).values, (std::vector<std::int64_t>{0, 0}));
}

/// requantize of q with these scales, on the reference.
std::int64_t rounded(std::int64_t q, double from, Type type, double to) {
  network::Builder builder("b");
  const auto x = builder.input("x", {1}, {true, 32, 0});
  builder.output("y", requantize(builder, "r", {x, {from}}, type, to));
  return reference::evaluate(builder.finish(), {{q}})[0][0];
}

TEST(Requantize, RatiosAreExactForPowersOfTwoAndCloseOtherwise) {
  const Type s16{true, 16, 0};
  EXPECT_EQ(rounded(100, 0x1p-5, s16, 0x1p-2), 13);  // 12.5 rounds up
  EXPECT_EQ(rounded(-100, 0x1p-5, s16, 0x1p-2), -12);
  EXPECT_EQ(rounded(3, 1, s16, 0x1p-4), 48);
  EXPECT_EQ(rounded(1 << 20, 1, s16, 1), 32767);  // saturates
  EXPECT_EQ(rounded(1000, 1.0 / 9, s16, 1), 111);
  EXPECT_EQ(rounded(-1000000, 1.0 / 49, s16, 1), -20408);
  EXPECT_EQ(rounded(2147483647, 1e-12, s16, 1), 0);
  EXPECT_EQ(rounded(-5, 1e12, s16, 1e-12), -32768);
}

TEST(Uniform, RowsOfDifferentScaleAreAlignedWithoutLoss) {
  network::Builder builder("b");
  const auto x = builder.input("x", {3}, {true, 8, 0});
  const Quantity aligned = uniform(builder, "u", {x, {0x1p-3, 0x1p-5, 0x1p-4}, 0});
  builder.output("y", aligned.node);
  EXPECT_EQ(aligned.scale, std::vector<double>{0x1p-5});
  EXPECT_THAT(reference::evaluate(builder.finish(), {{5, -7, 127}})[0], ElementsAre(20, -7, 254));
}

TEST(Compare, AreaUnderCurveCountsTiesHalf) {
  EXPECT_DOUBLE_EQ(*area_under_curve({1, 2, 3, 4}, {false, false, true, true}), 1.0);
  EXPECT_DOUBLE_EQ(*area_under_curve({1, 2, 3, 4}, {true, false, true, false}), 0.25);
  EXPECT_DOUBLE_EQ(*area_under_curve({1, 1, 1}, {true, false, false}), 0.5);
  EXPECT_FALSE(area_under_curve({1, 2}, {true, true}).has_value());
}

TEST(Compare, DifferencesAreCountedByTheirSign) {
  const Difference d = difference({0, 0, 0, 0}, {-1, 0, 0, 3}, 4);
  EXPECT_DOUBLE_EQ(d.largest, 3);
  EXPECT_DOUBLE_EQ(d.mean, 1);
  EXPECT_DOUBLE_EQ(d.rms, std::sqrt(2.5));
  EXPECT_THAT(d.histogram, ElementsAre(1, 2, 0, 1));
  EXPECT_THAT(difference({1, 2}, {1, 2}, 3).histogram, ElementsAre(2, 0, 0));
  EXPECT_DOUBLE_EQ(same_largest({1, 2, 5, 4}, {0, 3, 1, 2}, 2), 0.5);
}

}  // namespace
}  // namespace crible::quantize
