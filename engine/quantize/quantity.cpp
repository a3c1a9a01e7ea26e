#include "engine/quantize/quantity.hpp"

#include <algorithm>
#include <cmath>

#include "engine/network/verify.hpp"
#include "engine/quantize/calibrate.hpp"

namespace crible::quantize {

namespace {

using network::Builder;
using network::Interval;
using network::NodeId;
using network::Type;

/// The n of 2^n, when value is that.
std::optional<int> exponent_of(double value) {
  int exponent = 0;
  if (std::frexp(value, &exponent) != 0.5) return std::nullopt;
  return exponent - 1;
}

/// x * multiplier / 2^shift.
struct Ratio {
  std::int64_t multiplier = 0;
  int shift = 0;
};

/// The ratio for integers up to `reach`; exact for powers of two unless they reach beyond 62 bits, where the
/// result is beyond every type (large ratios) or rounds to zero (small ones).
Ratio ratio_of(double value, double reach) {
  constexpr int precision_bits = 24;
  constexpr int most_bits = 61;  // of a product, as requantize demands
  constexpr int most_shift = 62;
  const int reach_bits = std::ilogb(std::max(reach, 1.0)) + 1;
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  const int precision = mantissa == 0.5 ? 1 : std::min(precision_bits, most_bits - reach_bits);
  Ratio ratio{static_cast<std::int64_t>(std::llround(std::ldexp(mantissa, precision))), precision - exponent};
  if (ratio.shift < 0) {
    const int room = std::max(0, most_bits - reach_bits - precision);
    ratio.multiplier <<= std::min(-ratio.shift, room);
    ratio.shift = 0;
  }
  if (ratio.shift > most_shift) {
    const int drop = ratio.shift - most_shift;
    ratio.multiplier = drop < 62 ? ratio.multiplier >> drop : 0;
    ratio.shift = most_shift;
  }
  return ratio;
}

double magnitude(Interval interval) {
  return std::max(std::abs(static_cast<double>(interval.low)), std::abs(static_cast<double>(interval.high)));
}

double squared_error(const double* first, const double* last, int bits, int fraction) {
  const double most = std::ldexp(1.0, bits - 1) - 1;
  double sum = 0;
  for (; first != last; ++first) {
    const double q = std::clamp(std::floor(std::ldexp(*first, fraction) + 0.5), -most, most);
    const double error = *first - std::ldexp(q, -fraction);
    sum += error * error;
  }
  return sum;
}

int weight_fraction(const double* first, const double* last, int bits) {
  double most = 0;
  for (const double* w = first; w != last; ++w) most = std::max(most, std::abs(*w));
  if (most == 0) return bits - 1;
  // A signed type reaches one step further down; weights use it symmetrically.
  int best = fitting_fraction(0, most, bits, true);
  double least = squared_error(first, last, bits, best);
  for (int finer = best + 1; finer <= best + 2; ++finer) {
    const double error = squared_error(first, last, bits, finer);
    if (error >= least) continue;
    least = error;
    best = finer;
  }
  return best;
}

int coarse_enough(int fraction, double bias, double input_scale) {
  constexpr int most_bias_bits = 30;
  if (bias == 0) return fraction;
  const int bias_bits = std::ilogb(std::abs(bias) / input_scale) + 1;
  return std::min(fraction, most_bias_bits - bias_bits);
}

}  // namespace

bool Quantity::has_clip() const {
  return low != -std::numeric_limits<double>::infinity() || high != std::numeric_limits<double>::infinity();
}

std::int64_t to_step(double value, double step) {
  return static_cast<std::int64_t>(std::floor(value / step + 0.5));
}

Type type_of(bool is_signed, int width, double scale) {
  const auto exponent = exponent_of(scale);
  return {is_signed, width, exponent ? -*exponent : 0};
}

FixedRows fix_weights(const std::vector<double>& weights, const std::vector<double>& bias, double input_scale,
                      int bits, bool per_channel) {
  FixedRows rows;
  const std::size_t columns = weights.size() / bias.size();
  const double most = std::ldexp(1.0, bits - 1) - 1;
  int common = per_channel ? 0 : weight_fraction(weights.data(), weights.data() + weights.size(), bits);
  if (!per_channel) {
    for (const double b : bias) common = coarse_enough(common, b, input_scale);
  }
  for (std::size_t row = 0; row < bias.size(); ++row) {
    const double* first = weights.data() + row * columns;
    const int fraction =
        per_channel ? coarse_enough(weight_fraction(first, first + columns, bits), bias[row], input_scale)
                    : common;
    rows.fraction.push_back(fraction);
    for (std::size_t k = 0; k < columns; ++k)
      rows.values.push_back(static_cast<std::int64_t>(
          std::clamp(std::floor(std::ldexp(first[k], fraction) + 0.5), -most, most)));
  }
  return rows;
}

NodeId requantize(Builder& builder, const std::string& name, const Quantity& quantity, Type type,
                  double scale) {
  const double reach = magnitude(network::hull(builder.range(quantity.node)));
  network::Requantize operation;
  operation.axis = quantity.axis;
  operation.rounding = network::Rounding::half_up;
  operation.overflow = network::Overflow::saturate;
  operation.multiplier.clear();
  operation.shift.clear();
  for (const double from : quantity.scale) {
    const Ratio ratio = ratio_of(from / scale, reach);
    operation.multiplier.push_back(ratio.multiplier);
    operation.shift.push_back(ratio.shift);
  }
  const auto shorten = [](auto& list) {
    if (std::all_of(list.begin(), list.end(), [&](auto value) { return value == list.front(); }))
      list.resize(1);
  };
  shorten(operation.multiplier);
  shorten(operation.shift);
  return builder.add(builder.unique_name(name), std::move(operation), {quantity.node}, type);
}

Quantity uniform(Builder& builder, const std::string& name, const Quantity& quantity) {
  if (quantity.is_uniform()) return quantity;
  double scale = *std::min_element(quantity.scale.begin(), quantity.scale.end());
  const double coarsest = *std::max_element(quantity.scale.begin(), quantity.scale.end());
  if (!exponent_of(scale)) scale /= 256;  // ratios that are no whole numbers are rounded well below one step
  const double reach = magnitude(network::hull(builder.range(quantity.node))) * coarsest;
  constexpr double most = 0x1p31 - 1;
  while (reach / scale > most) scale *= 2;
  Quantity result = quantity;
  const int width = std::min(32, std::ilogb(std::max(1.0, reach / scale)) + 2);
  result.node = requantize(builder, name, quantity, type_of(true, width, scale), scale);
  result.scale = {scale};
  return result;
}

}  // namespace crible::quantize
