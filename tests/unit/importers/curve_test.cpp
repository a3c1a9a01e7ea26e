// Quantizers behind sigmoid and tanh: every step against high-precision brute force, and cells made of them.

#include "engine/importers/curve.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/unit/importers/onnx_builder.hpp"

namespace crible::importers {
namespace {

using network::Rounding;
using testing::HasSubstr;

long double value_of(Curve curve, long double x) {
  return curve == Curve::tanh ? std::tanh(x) : 1 / (1 + std::exp(-x));
}

/// k(q) in long double; nothing near a rounding edge, where only the exact answer counts.
std::optional<std::int64_t> brute_force(const CurveQuantizer& row, std::int64_t q) {
  const long double x =
      row.argument.scale.to_double() * static_cast<long double>(q) + row.argument.offset.to_double();
  const long double v = value_of(row.curve, x) * to_double(row.factor) + to_double(row.shift);
  constexpr long double margin = 1e-9L;
  if (std::abs(v * 2 - std::round(v * 2)) < margin) return std::nullopt;
  const Real value(to_rational(static_cast<double>(v)));
  const std::int64_t k =
      round_exactly(value, row.argument.rounding).convert_to<std::int64_t>() + row.argument.zero_point;
  return std::clamp(k, row.argument.low, row.argument.high);
}

std::int64_t evaluate_row(const ThresholdRows& rows, std::size_t row, std::int64_t q) {
  std::int64_t passed = 0;
  for (int i = 0; i < rows.steps; ++i)
    passed += q >= rows.thresholds[row * static_cast<std::size_t>(rows.steps) + static_cast<std::size_t>(i)];
  return rows.base[row] + rows.sign[row] * passed;
}

void expect_exact(const std::vector<CurveQuantizer>& functions) {
  const ThresholdRows rows = as_thresholds(functions);
  std::size_t compared = 0;
  for (std::size_t i = 0; i < functions.size(); ++i) {
    const network::Interval range = functions[i].argument.range;
    for (std::int64_t q = range.low; q <= range.high; ++q) {
      const auto wanted = brute_force(functions[i], q);
      if (!wanted) continue;
      ++compared;
      ASSERT_EQ(evaluate_row(rows, i, q), *wanted) << "row " << i << ", q " << q;
    }
  }
  EXPECT_GT(compared, 0U);
}

constexpr Rounding all_roundings[] = {
    Rounding::floor,          Rounding::ceil,      Rounding::toward_zero,
    Rounding::away_from_zero, Rounding::half_up,   Rounding::half_down,
    Rounding::half_even,      Rounding::half_away, Rounding::half_toward_zero};

TEST(Logarithm, BoundsHoldItAndAreNarrow) {
  for (const double value : {1.0, 2.0, 0.5, 0.75, 3.0, 1e-9, 1e12, 0.999999, 1.0000001, 2.0 / 3, 4.0 / 3}) {
    for (const int bits : {64, 128, 700}) {
      const LogBounds bounds = log_bounds(to_rational(value), bits);
      const Rational unit(Integer(1) << bits);
      EXPECT_LE(bounds.low, bounds.high);
      EXPECT_LT(bounds.high - bounds.low, 100000) << value << " " << bits;
      EXPECT_NEAR(to_double(Rational(bounds.low) / unit), std::log(value),
                  1e-14 * (1 + std::abs(std::log(value))));
      EXPECT_NEAR(to_double(Rational(bounds.high) / unit), std::log(value),
                  1e-14 * (1 + std::abs(std::log(value))));
    }
  }
  // ln 2 to 64 bits.
  const LogBounds two = log_bounds(Rational(2), 64);
  const Integer wanted("12786308645202655659");
  EXPECT_LE(two.low, wanted);
  EXPECT_GE(two.high, wanted);
}

TEST(CurveSteps, AreThoseOfTheDefinitionInEveryRoundingMode) {
  for (const Curve curve : {Curve::sigmoid, Curve::tanh}) {
    for (const Rounding rounding : all_roundings) {
      for (const double scale : {0.01, -0.013, 0x1p-6, 1.7}) {
        expect_exact({{curve,
                       {Real(to_rational(scale)), Real(to_rational(0.3)), 5, rounding, -100, 90, {-900, 900}},
                       Rational(64),
                       Rational(1, 4)}});
      }
    }
  }
}

TEST(CurveSteps, EveryWidth) {
  for (int bits = 1; bits <= 12; ++bits) {
    const std::int64_t most = (1 << bits) - 1;
    expect_exact({{Curve::sigmoid,
                   {Real(Rational(1, 256)), Real(0), 0, Rounding::half_even, 0, most, {-4000, 4000}},
                   Rational(1 << bits),
                   0}});
    expect_exact({{Curve::tanh,
                   {Real(Rational(3, 700)), Real(0), 0, Rounding::half_even, -most - 1, most, {-4000, 4000}},
                   Rational(1 << bits),
                   0}});
  }
}

TEST(CurveSteps, RowsMayDifferAndBeIrrationalAndConstant) {
  const Real root = Real::square_root(Rational(2)) / Real(300);
  const auto row = [&](const Real& scale, const Real& offset) {
    return CurveQuantizer{
        Curve::tanh, {scale, offset, 0, Rounding::half_up, -128, 127, {-1000, 1000}}, Rational(127), 0};
  };
  expect_exact({row(root, Real(0)), row(-root, root), row(Real(Rational(1, 90)), Real(1)),
                row(Real(0), Real(Rational(1, 3)))});
}

TEST(CurveSteps, AnArgumentOfZeroIsDecidedByTheRoundingMode) {
  const auto at_zero = [](Curve curve, Rounding rounding, std::int64_t factor) {
    const CurveQuantizer row{
        curve, {Real(Rational(1, 16)), Real(0), 0, rounding, -8, 8, {-64, 64}}, Rational(factor), 0};
    return evaluate_row(as_thresholds({row}), 0, 0);
  };
  EXPECT_EQ(at_zero(Curve::sigmoid, Rounding::half_even, 1), 0);  // 0.5
  EXPECT_EQ(at_zero(Curve::sigmoid, Rounding::half_even, 3), 2);  // 1.5
  EXPECT_EQ(at_zero(Curve::sigmoid, Rounding::half_up, 1), 1);
  EXPECT_EQ(at_zero(Curve::sigmoid, Rounding::half_down, 1), 0);
  EXPECT_EQ(at_zero(Curve::sigmoid, Rounding::floor, 4), 2);
  EXPECT_EQ(at_zero(Curve::sigmoid, Rounding::ceil, 4), 2);
  EXPECT_EQ(at_zero(Curve::tanh, Rounding::floor, 4), 0);
  EXPECT_EQ(at_zero(Curve::tanh, Rounding::ceil, 4), 0);
}

TEST(CurveSteps, TooManyAreRefused) {
  const CurveQuantizer row{
      Curve::tanh, {Real(1), Real(0), 0, Rounding::floor, -100000, 100000, {-1, 1}}, Rational(100000), 0};
  try {
    as_thresholds({row});
    FAIL();
  } catch (const std::exception& error) {
    EXPECT_THAT(error.what(), HasSubstr("has more than 65536 steps; use at most 16 bits"));
  }
}

/// round half to even, as QONNX does, of numbers that are nowhere near an edge.
double quantized(double x, double scale, double low, double high) {
  return std::clamp(std::nearbyint(x / scale), low, high) * scale;
}

TEST(CurveImport, AQuantizerAfterACurveIsExactForEveryInput) {
  std::vector<std::int64_t> inputs(1024);
  std::iota(inputs.begin(), inputs.end(), -512);
  for (const std::string kind : {"Sigmoid", "Tanh"}) {
    for (const float bits : {2.0F, 4.0F, 8.0F, 11.0F}) {
      OnnxBuilder model({1, static_cast<std::int64_t>(inputs.size())});
      const float scale = std::ldexp(1.0F, 1 - static_cast<int>(bits));
      model.node(kind, {"x"}, {"s"}).quant("s", "y", scale, 0, bits, true);
      const double most = std::ldexp(1.0, static_cast<int>(bits) - 1);
      const std::vector<double> outputs = model.evaluate("s10.6", inputs);
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        const double x = static_cast<double>(inputs[i]) / 64;
        const double curve = kind == "Tanh" ? std::tanh(x) : 1 / (1 + std::exp(-x));
        EXPECT_EQ(outputs[i], quantized(curve, scale, -most, most - 1)) << kind << bits << " " << inputs[i];
      }
    }
  }
}

TEST(CurveImport, SmallRangesAreTablesAndLargeOnesThresholds) {
  const auto keyword_of = [](const std::string& input_type) {
    OnnxBuilder model({-1, 1});
    model.node("Tanh", {"x"}, {"s"}).quant("s", "y", 0x1p-7F, 0, 8, true);
    for (const network::Node& node : model.import(input_type).network.nodes) {
      if (std::holds_alternative<network::Lookup>(node.operation)) return "table";
      if (std::holds_alternative<network::Threshold>(node.operation)) return "thresholds";
    }
    return "neither";
  };
  EXPECT_STREQ(keyword_of("s10.6"), "table");
  EXPECT_STREQ(keyword_of("s20.10"), "thresholds");
}

TEST(CurveImport, ScalesOfOnnxAndChannelsAreExact) {
  // A row for each channel: the batch norm's factors are irrational and one is negative.
  OnnxBuilder model({-1, 2, 1, 1});
  model.constant("g", {2}, {1.5F, -0.7F})
      .constant("b", {2}, {0.1F, 0.2F})
      .constant("m", {2}, {0, 0.3F})
      .constant("v", {2}, {2, 3});
  model.node("BatchNormalization", {"x", "g", "b", "m", "v"}, {"n"}).node("Sigmoid", {"n"}, {"s"});
  model.scalar("scale", 0.003921569F).integers("zero", ::onnx::TensorProto::UINT8, {}, {3});
  model.node("QuantizeLinear", {"s", "scale", "zero"}, {"q"})
      .node("DequantizeLinear", {"q", "scale", "zero"}, {"y"});
  const double scale = 0.003921569F;
  for (std::int64_t q = -128; q < 128; q += 5) {
    const double x = static_cast<double>(q) / 16;
    const auto norm = [&](float g, float b, float m, float v) {
      return g * (x - static_cast<double>(m)) /
                 std::sqrt(static_cast<double>(v) + static_cast<double>(1e-5F)) +
             static_cast<double>(b);
    };
    const auto y = model.evaluate("s8.4", {q, q});
    const auto wanted = [&](double n) {
      return (std::clamp(std::nearbyint(1 / (1 + std::exp(-n)) / scale) + 3, 0.0, 255.0) - 3) * scale;
    };
    EXPECT_NEAR(y.at(0), wanted(norm(1.5F, 0.1F, 0, 2)), 1e-12) << q;
    EXPECT_NEAR(y.at(1), wanted(norm(-0.7F, 0.2F, 0.3F, 3)), 1e-12) << q;
  }
}

TEST(CurveImport, OtherUsesOfACurveAreRefused) {
  OnnxBuilder inside({-1, 1});
  inside.node("Sigmoid", {"x"}, {"s"}).node("Mul", {"s", "x"}, {"y"});
  EXPECT_THAT(inside.refusal("s8.4"), HasSubstr("it follows a Sigmoid, which has no exact integer form"));
  OnnxBuilder softmax({-1, 4});
  softmax.node("Softmax", {"x"}, {"s"}).quant("s", "y", 0.5F, 0, 8, true);
  EXPECT_THAT(softmax.refusal("s8.4"), HasSubstr("it follows a Softmax, which has no exact integer form"));
}

TEST(RecurrentImport, WholeCellsAreRefusedWithARemedy) {
  const auto refusal = [](const std::string& kind, const std::string& domain) {
    OnnxBuilder model({5, 1, 3});
    model.constant("w", {1, 6, 3}, std::vector<float>(18, 1))
        .constant("r", {1, 6, 2}, std::vector<float>(12, 1));
    model.node(kind, {"x", "w", "r"}, {"a", "y"}, domain).attribute("hidden_size", std::int64_t{2});
    return model.refusal("s8.4");
  };
  for (const char* kind : {"GRU", "LSTM", "RNN"})
    EXPECT_THAT(refusal(kind, ""),
                AllOf(HasSubstr(std::string("(") + kind +
                                "): it computes its gates and states in float, and no quantizer "
                                "inside says where to round; approximate the float model with "
                                "`crible quantize`")));
  EXPECT_THAT(refusal("DynamicQuantizeLSTM", "com.microsoft"),
              HasSubstr("it chooses the scale of its input anew for each event"));
  EXPECT_THAT(refusal("DynamicQuantizeMatMul", "com.microsoft"),
              HasSubstr("it chooses the scale of its input anew for each event"));
  EXPECT_THAT(refusal("QuantLSTMCell", "onnx.brevitas"),
              HasSubstr("it keeps a whole quantized cell in one node"));
  EXPECT_THAT(refusal("LSTMCell", "onnx.brevitas"), HasSubstr("it keeps a whole quantized cell in one node"));
}

TEST(RecurrentImport, QuantizersAroundACellDoNotMakeItAnInteger) {
  OnnxBuilder model({5, 1, 3});
  model.constant("w", {1, 6, 3}, std::vector<float>(18, 1))
      .constant("r", {1, 6, 2}, std::vector<float>(12, 1));
  model.scalar("s", 0.5F).integers("z", ::onnx::TensorProto::INT8, {}, {0});
  model.node("QuantizeLinear", {"x", "s", "z"}, {"q"}).node("DequantizeLinear", {"q", "s", "z"}, {"d"});
  model.node("GRU", {"d", "w", "r"}, {"a", "h"}).attribute("hidden_size", std::int64_t{2});
  model.node("QuantizeLinear", {"h", "s", "z"}, {"hq"}).node("DequantizeLinear", {"hq", "s", "z"}, {"y"});
  EXPECT_THAT(model.refusal(),
              AllOf(HasSubstr("node 'GRU_a' (GRU): it computes its gates and states in float"),
                    HasSubstr("`crible quantize`")));
}

}  // namespace
}  // namespace crible::importers
