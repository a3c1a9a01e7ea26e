#include "engine/importers/graph/value.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"

namespace crible::importers::graph {

namespace {

/// Exponent of the unit in the last place that `value` really uses.
int lowest_bit(double value) {
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  const auto integer = static_cast<std::int64_t>(std::ldexp(std::abs(mantissa), 53));
  return exponent - 53 + __builtin_ctzll(static_cast<unsigned long long>(integer));
}

Constant reals_to_integers(const Constant& constant) {
  constexpr int widest_bits = 31;
  int lowest = 5000;
  double largest = 0;
  for (const double value : constant.reals) {
    if (!std::isfinite(value)) throw Error("a constant is infinite or not a number");
    if (value == 0) continue;
    lowest = std::min(lowest, lowest_bit(value));
    largest = std::max(largest, std::abs(value));
  }
  if (largest == 0) lowest = 0;
  if (largest != 0 && std::ilogb(largest) - lowest >= widest_bits)
    throw Error(
        "its weights are floats without a common step of 32 bits; train or export it with quantized weights");
  Constant result;
  result.shape = constant.shape;
  result.integers.reserve(constant.reals.size());
  for (const double value : constant.reals)
    result.integers.push_back(static_cast<std::int64_t>(std::ldexp(value, -lowest)));
  const Integer power = Integer(1) << std::abs(lowest);
  const Rational unit = lowest >= 0 ? Rational(power) : Rational(Integer(1), power);
  result.scale = Coefficients::uniform(constant.shape.size(), unit);
  result.offset = Coefficients::uniform(constant.shape.size(), 0);
  return result;
}

std::int64_t whole(const Real& value) {
  const auto integer = to_int64(value.floor());
  if (!integer || !(Real(Rational(*integer)) == value)) throw Error("a whole number is needed");
  return *integer;
}

}  // namespace

Value constant_value(Constant constant) {
  Value value;
  value.shape = constant.shape;
  value.is_integer = constant.is_integer;
  value.constant = std::make_shared<const Constant>(std::move(constant));
  return value;
}

Constant as_integers(const Constant& constant) {
  if (!constant.has_integers()) return reals_to_integers(constant);
  if (constant.offset.all(0)) return constant;
  const Coefficients steps =
      combine(constant.offset, constant.scale, [](const Real& offset, const Real& scale) {
        const Real ratio = scale.sign() == 0 ? Real(0) : offset / scale;
        const Integer below = ratio.floor();
        if (!(Real(Rational(below)) == ratio) || abs(below) > (Integer(1) << 40))
          throw Error("its constant has a zero point that is no whole number of steps");
        return Real(Rational(below));
      });
  Constant result = constant;
  const auto indices = broadcast_indices(steps.shape, constant.shape);
  for (std::size_t i = 0; i < result.integers.size(); ++i)
    result.integers[i] += whole(steps.values[indices[i]]);
  result.offset = Coefficients::uniform(constant.shape.size(), 0);
  return result;
}

std::vector<Real> exact_elements(const Constant& constant) {
  std::vector<Real> elements;
  if (!constant.has_integers()) {
    for (const double value : constant.reals) elements.push_back(Real(to_rational(value)));
    return elements;
  }
  const auto scales = broadcast_indices(constant.scale.shape, constant.shape);
  const auto offsets = broadcast_indices(constant.offset.shape, constant.shape);
  for (std::size_t i = 0; i < constant.integers.size(); ++i)
    elements.push_back(constant.scale.values[scales[i]] * Real(Rational(constant.integers[i])) +
                       constant.offset.values[offsets[i]]);
  return elements;
}

std::vector<std::int64_t> whole_numbers(const Constant& constant) {
  if (constant.is_integer && constant.has_integers()) return constant.integers;
  std::vector<std::int64_t> numbers;
  for (const Real& element : exact_elements(constant)) numbers.push_back(whole(element));
  return numbers;
}

Coefficients as_coefficients(const Constant& constant, std::size_t rank) {
  Coefficients result{with_rank(constant.shape, std::max(rank, constant.shape.size())),
                      exact_elements(constant)};
  return simplify(std::move(result));
}

Constant from_coefficients(const Coefficients& coefficients) {
  Constant result;
  result.shape = coefficients.shape;
  std::vector<double> reals;
  for (const Real& value : coefficients.values) {
    const auto exact = value.is_rational() ? exact_double(value.rational()) : std::nullopt;
    if (!exact) break;
    reals.push_back(*exact);
  }
  if (reals.size() == coefficients.values.size()) return make_reals(result.shape, std::move(reals));
  result.integers.assign(coefficients.values.size(), 1);
  result.scale = coefficients;
  result.offset = Coefficients::uniform(coefficients.rank(), 0);
  return result;
}

}  // namespace crible::importers::graph
