#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/importers/graph/lowering.hpp"

namespace crible::importers::graph {

namespace {

using network::Interval;

/// Everything that the quantizer of one element depends on, spread over the smallest common shape.
struct Groups {
  Coefficients scale;  // of the argument, in steps of the quantizer
  Coefficients offset;
  Coefficients zero_after;
};

Real divide(const Real& x, const Real& y) {
  return x / y;
}
Real add(const Real& x, const Real& y) {
  return x + y;
}

Groups groups_of(const Value& value, const Quantizer& quantizer) {
  Groups groups;
  groups.scale = combine(value.scale, quantizer.scale, divide);
  groups.offset = combine(combine(value.offset, quantizer.scale, divide), quantizer.zero_inside, add);
  groups.zero_after = quantizer.zero_after;
  groups.scale = simplify(std::move(groups.scale));
  groups.offset = simplify(std::move(groups.offset));
  groups.zero_after = simplify(std::move(groups.zero_after));
  Extents shape = broadcast(broadcast(groups.scale.shape, groups.offset.shape), groups.zero_after.shape);
  if (shape.size() > value.rank()) throw Error("its scale has more axes than its input");
  shape = with_rank(shape, value.rank());
  const Coefficients probe{shape, std::vector<Real>(element_count(shape))};
  if (spread_of(probe).kind == Spread::Kind::element) shape = value.shape;
  for (Coefficients* part : {&groups.scale, &groups.offset, &groups.zero_after}) *part = expand(*part, shape);
  return groups;
}

std::int64_t small_integer(const Real& value) {
  return to_int64(value.floor()).value_or(0);
}

std::vector<StepFunction> step_functions(const Value& value, const Quantizer& quantizer, const Groups& groups,
                                         const std::vector<Interval>& ranges) {
  std::vector<StepFunction> rows;
  for (std::size_t i = 0; i < groups.scale.values.size(); ++i) {
    rows.push_back({groups.scale.values[i], groups.offset.values[i],
                    small_integer(groups.zero_after.values[i]), quantizer.rounding, quantizer.low,
                    quantizer.high, Interval{1, 0}});
  }
  const auto row_of_element = broadcast_indices(groups.scale.shape, value.shape);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    Interval& range = rows[row_of_element[i]].range;
    range = range.low > range.high
                ? ranges[i]
                : Interval{std::min(range.low, ranges[i].low), std::max(range.high, ranges[i].high)};
  }
  return rows;
}

/// What the quantizer makes of a limit of its argument, when that is the same for all channels.
std::optional<std::int64_t> quantized_limit(const Rational& limit, const Quantizer& quantizer) {
  std::optional<std::int64_t> common;
  const Coefficients at =
      combine(transform(quantizer.scale, [&](const Real& scale) { return Real(limit) / scale; }),
              quantizer.zero_inside, add);
  const Coefficients zero = expand(quantizer.zero_after, broadcast(at.shape, quantizer.zero_after.shape));
  const Coefficients all = expand(at, zero.shape);
  for (std::size_t i = 0; i < all.values.size(); ++i) {
    const StepFunction row{Real(0),
                           all.values[i],
                           small_integer(zero.values[i]),
                           quantizer.rounding,
                           quantizer.low,
                           quantizer.high,
                           {}};
    const std::int64_t k = evaluate(row, 0);
    if (common && *common != k) return std::nullopt;
    common = k;
  }
  return common;
}

bool is_identity(const RequantizeRows& rows) {
  const auto all = [](const auto& values, auto wanted) {
    return std::all_of(values.begin(), values.end(), [&](auto value) { return value == wanted; });
  };
  return all(rows.multiplier, 1) && all(rows.offset, 0) && all(rows.shift, 0) && all(rows.zero_point, 0);
}

/// The node's lists have one entry where all are equal.
template <class T>
std::vector<T> shortest(const std::vector<T>& values) {
  if (std::all_of(values.begin(), values.end(), [&](const T& value) { return value == values.front(); }))
    return {values.front()};
  return values;
}

void check(const Quantizer& quantizer) {
  for (const Real& scale : quantizer.scale.values) {
    if (scale.sign() <= 0) throw Error("its scale is not positive");
  }
  if (quantizer.low > quantizer.high) throw Error("its bit width leaves no value");
}

}  // namespace

void decode(Value& value, const Quantizer& quantizer) {
  value.is_integer = quantizer.integer_result;
  value.low.reset();
  value.high.reset();
  if (quantizer.integer_result) {
    value.scale = Coefficients::uniform(value.rank(), 1);
    value.offset = Coefficients::uniform(value.rank(), 0);
    return;
  }
  const Coefficients zeros = combine(quantizer.zero_inside, quantizer.zero_after, add);
  value.scale = simplify(with_rank(quantizer.scale, value.rank()));
  value.offset = simplify(with_rank(
      combine(zeros, quantizer.scale, [](const Real& zero, const Real& scale) { return -(zero * scale); }),
      value.rank()));
}

network::Type type_for(std::int64_t low, std::int64_t high, network::Type type) {
  if (low == network::lowest(type) && high == network::highest(type)) return type;
  for (int width = 1; width <= type.width; ++width) {
    for (const bool is_signed : {false, true}) {
      const network::Type candidate{is_signed, width, type.fraction};
      if (low == network::lowest(candidate) && high == network::highest(candidate)) return candidate;
    }
  }
  return type;
}

network::Type result_type(const Quantizer& quantizer) {
  network::Type type = quantizer.type;
  const Coefficients zeros = combine(quantizer.zero_inside, quantizer.zero_after, add);
  if (!quantizer.integer_result && zeros.all(0)) type.fraction = fraction_of(simplify(quantizer.scale));
  return type_for(quantizer.low, quantizer.high, type);
}

Value Lowering::quantize(const Value& argument, const Quantizer& stated) {
  check(stated);
  if (!argument.dropped.empty()) return quantize_curve(argument, stated);
  if (argument.is_constant()) return constant_value(quantize_constant(*argument.constant, stated));

  Value value = emit(argument);
  Quantizer quantizer = stated;
  // A relu or clip before the quantizer only narrows its limits.
  const auto low = value.low ? quantized_limit(*value.low, stated) : std::optional(stated.low);
  const auto high = value.high ? quantized_limit(*value.high, stated) : std::optional(stated.high);
  if (low && high) {
    quantizer.low = std::clamp(*low, stated.low, stated.high);
    quantizer.high = std::clamp(*high, quantizer.low, stated.high);
  } else {
    value = emit_plain(argument);
  }
  value.low.reset();
  value.high.reset();

  const Groups groups = groups_of(value, quantizer);
  const auto rows = step_functions(value, quantizer, groups, builder_.range(value.node));
  const network::Type type = result_type(quantizer);

  const Spread spread = spread_of(groups.scale);
  const int axis = spread.kind == Spread::Kind::axis ? axis_of(value, spread.axis) : 0;
  constexpr int comfortable_bits = 31;
  auto requantize_rows = as_shift(rows, comfortable_bits);
  const bool is_shift = requantize_rows.has_value();
  if (!requantize_rows) requantize_rows = as_multiplier(rows, report_.exactness);
  if (!requantize_rows) requantize_rows = as_shift(rows);

  Interval reach = network::hull(builder_.range(value.node));
  if (requantize_rows && is_identity(*requantize_rows) && reach.low >= quantizer.low &&
      reach.high <= quantizer.high && builder_.node(value.node).type.width <= quantizer.type.width) {
    decode(value, quantizer);
    return value;
  }
  if (requantize_rows) {
    network::Requantize node;
    node.multiplier = shortest(requantize_rows->multiplier);
    node.offset = shortest(requantize_rows->offset);
    node.shift = shortest(requantize_rows->shift);
    node.zero_point = shortest(requantize_rows->zero_point);
    node.rounding = requantize_rows->rounding;
    node.axis = axis;
    value.node = builder_.add(next_name(), node, {value.node}, type);
    (is_shift ? report_.exactness.shifts : report_.exactness.multipliers) += 1;
  } else {
    const ThresholdRows thresholds = as_thresholds(rows);
    network::Threshold node;
    node.steps = thresholds.steps;
    node.thresholds = thresholds.thresholds;
    node.base = thresholds.base;
    node.sign = thresholds.sign;
    node.axis = axis;
    value.node = builder_.add(next_name(), node, {value.node}, type);
    report_.exactness.tables += 1;
  }
  if (network::lowest(type) != quantizer.low || network::highest(type) != quantizer.high)
    value.node = emit_clamp(value.node, quantizer.low, quantizer.high);
  decode(value, quantizer);
  return value;
}

namespace {

/// round(value) when `value`, which carries the error of a few double operations, is far enough from every
/// edge of the rounding mode for that error not to matter.
std::optional<std::int64_t> round_safely(double value, network::Rounding rounding) {
  using network::Rounding;
  constexpr double error = 1e-9;
  if (!(std::abs(value) < 0x1p31)) return std::nullopt;
  const double below = std::floor(value);
  const double part = value - below;
  const bool halves = rounding != Rounding::floor && rounding != Rounding::ceil &&
                      rounding != Rounding::toward_zero && rounding != Rounding::away_from_zero;
  const double margin = error * (1 + std::abs(value));
  if (halves) {
    if (std::abs(part - 0.5) < margin) return std::nullopt;
    return static_cast<std::int64_t>(below) + (part > 0.5);
  }
  if (part < margin || 1 - part < margin) return std::nullopt;
  const bool up = rounding == Rounding::ceil || (rounding == Rounding::toward_zero && value < 0) ||
                  (rounding == Rounding::away_from_zero && value > 0);
  return static_cast<std::int64_t>(below) + up;
}

}  // namespace

Constant quantize_constant(const Constant& constant, const Quantizer& quantizer) {
  Constant result;
  result.shape = constant.shape;
  const auto in_shape = [&](const Coefficients& a) {
    if (a.rank() > constant.shape.size() && a.values.size() > 1)
      throw Error("its scale has more axes than its input");
    const Coefficients ranked = a.rank() > constant.shape.size()
                                    ? Coefficients::uniform(constant.shape.size(), a.values[0])
                                    : with_rank(a, constant.shape.size());
    return std::pair(ranked, broadcast_indices(ranked.shape, constant.shape));
  };
  const auto [scale, scale_index] = in_shape(quantizer.scale);
  const auto [inside, inside_index] = in_shape(quantizer.zero_inside);
  const auto [after, after_index] = in_shape(quantizer.zero_after);
  const std::vector<Real> elements = constant.has_integers() ? exact_elements(constant) : std::vector<Real>{};
  const auto doubles = [](const Coefficients& a) {
    std::vector<double> values;
    for (const Real& value : a.values) values.push_back(value.to_double());
    return values;
  };
  const std::vector<double> scales = doubles(scale);
  const std::vector<double> insides = doubles(inside);
  const std::size_t count = element_count(constant.shape);
  result.integers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::int64_t zero = small_integer(after.values[after_index[i]]);
    if (!constant.has_integers()) {
      const double about = constant.reals[i] / scales[scale_index[i]] + insides[inside_index[i]];
      if (const auto rounded = round_safely(about, quantizer.rounding)) {
        result.integers.push_back(std::clamp(*rounded + zero, quantizer.low, quantizer.high));
        continue;
      }
    }
    const Real x = constant.has_integers() ? elements[i] : Real(to_rational(constant.reals[i]));
    const StepFunction row{Real(0),
                           x / scale.values[scale_index[i]] + inside.values[inside_index[i]],
                           zero,
                           quantizer.rounding,
                           quantizer.low,
                           quantizer.high,
                           network::Interval{}};
    result.integers.push_back(evaluate(row, 0));
  }
  Value decoded;
  decoded.shape = constant.shape;
  decode(decoded, quantizer);
  result.is_integer = quantizer.integer_result;
  result.scale = decoded.scale;
  result.offset = decoded.offset;
  if (count == 0) return make_integers(constant.shape, {});
  return result;
}

}  // namespace crible::importers::graph
