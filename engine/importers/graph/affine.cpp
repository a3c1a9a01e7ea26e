#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

Real add(const Real& a, const Real& b) {
  return a + b;
}
Real multiply(const Real& a, const Real& b) {
  return a * b;
}

/// Whether `constant` broadcast against x leaves x's shape.
bool fits(const Value& x, const Coefficients& constant) {
  return broadcast(x.shape, constant.shape) == x.shape;
}

Value as_constant(const Value& x, const Coefficients& result) {
  static_cast<void>(x);
  return constant_value(from_coefficients(result));
}

Coefficients elements(const Value& constant) {
  return {constant.shape, exact_elements(*constant.constant)};
}

bool is_rational(const Coefficients& a) {
  return a.is_uniform() && a.values[0].is_rational();
}

/// Integers stay integers: shapes, axes and indices are computed with them.
std::optional<Value> on_integers(const Value& a, const Value& b, bool multiply_them) {
  if (!a.is_constant() || !b.is_constant() || !a.is_integer || !b.is_integer) return std::nullopt;
  const Extents shape = broadcast(a.shape, b.shape);
  const auto from_a = broadcast_indices(with_rank(a.shape, shape.size()), shape);
  const auto from_b = broadcast_indices(with_rank(b.shape, shape.size()), shape);
  const std::vector<std::int64_t> x = whole_numbers(*a.constant);
  const std::vector<std::int64_t> y = whole_numbers(*b.constant);
  std::vector<std::int64_t> result(from_a.size());
  for (std::size_t i = 0; i < result.size(); ++i) {
    const bool overflow = multiply_them ? __builtin_mul_overflow(x[from_a[i]], y[from_b[i]], &result[i])
                                        : __builtin_add_overflow(x[from_a[i]], y[from_b[i]], &result[i]);
    if (overflow) throw Error("its constants overflow 64 bits");
  }
  Constant constant = make_integers(shape, std::move(result));
  constant.element = a.constant->element;
  return constant_value(std::move(constant));
}

/// Both values with a node and one common scale; offsets are left to the caller.
void to_common_scale(Lowering& lowering, Value& a, Value& b) {
  const auto ratio_to = [](const Value& value, const Real& step) {
    return transform(value.scale, [&](const Real& scale) { return scale / step; });
  };
  if (!a.scale.is_uniform() || !b.scale.is_uniform()) {
    const bool same = a.scale.shape == b.scale.shape &&
                      std::equal(a.scale.values.begin(), a.scale.values.end(), b.scale.values.begin());
    if (same) return;
    a = lowering.emit_plain(a);
    b = lowering.emit_plain(b);
  }
  const Real base = a.scale.values[0].sign() == 0 ? Real(1) : a.scale.values[0];
  const Real ratio = b.scale.values[0] / base;
  if (!ratio.is_rational())
    throw Error("its two inputs have no common step; put a quantizer before one of them");
  const Real step = base * Real(gcd(Rational(1), ratio.rational()));
  const Real positive = step.sign() < 0 ? -step : step;
  for (Value* value : {&a, &b}) {
    const Coefficients none = Coefficients::uniform(value->rank(), 0);
    const Coefficients scale = Coefficients::uniform(value->rank(), positive);
    value->node = lowering.affine(*value, ratio_to(*value, positive), none, fraction_of(scale));
    value->scale = scale;
  }
}

/// The values with equal rank, so that the network broadcasts them as the model does.
Value at_rank(Lowering& lowering, const Value& x, std::size_t rank) {
  return x.rank() == rank ? x : reshaped(lowering, x, with_rank(x.shape, rank));
}

int common_batch(const Value& a, const Value& b) {
  return a.batch >= 0 ? a.batch : b.batch;
}

}  // namespace

int axis_in(std::int64_t axis, std::size_t rank) {
  const auto extent = static_cast<std::int64_t>(rank);
  if (axis < -extent || axis >= extent)
    throw Error("its axis " + std::to_string(axis) + " is outside a tensor of " + std::to_string(rank) +
                " axes");
  return static_cast<int>(axis < 0 ? axis + extent : axis);
}

Value plus(Lowering& lowering, const Value& x, const Coefficients& constant) {
  if (x.is_constant()) return as_constant(x, combine(elements(x), constant, add));
  if (!fits(x, constant)) return sum(lowering, x, constant_value(from_coefficients(constant)));
  const Coefficients shift = simplify(with_rank(constant, x.rank()));
  Value result = x.has_clamp() && !is_rational(shift) ? lowering.emit_plain(x) : x;
  result.is_integer = false;
  if (result.low) *result.low += shift.values[0].rational();
  if (result.high) *result.high += shift.values[0].rational();
  result.offset = simplify(combine(result.offset, shift, add));
  return result;
}

Value times(Lowering& lowering, const Value& x, const Coefficients& constant) {
  if (x.is_constant()) return as_constant(x, combine(elements(x), constant, multiply));
  if (!fits(x, constant)) return product(lowering, x, constant_value(from_coefficients(constant)));
  const Coefficients factor = simplify(with_rank(constant, x.rank()));
  Value result = x.has_clamp() && !is_rational(factor) ? lowering.emit_plain(x) : x;
  result.is_integer = false;
  if (result.has_clamp()) {
    const Rational& f = factor.values[0].rational();
    if (result.low) *result.low *= f;
    if (result.high) *result.high *= f;
    if (f < 0) std::swap(result.low, result.high);
    if (f == 0) result.low = result.high = Rational(0);
  }
  result.scale = simplify(combine(result.scale, factor, multiply));
  result.offset = simplify(combine(result.offset, factor, multiply));
  return result;
}

Value clipped(Lowering& lowering, const Value& x, const std::optional<Rational>& low,
              const std::optional<Rational>& high) {
  static_cast<void>(lowering);
  if (low && high && *low > *high) throw Error("its lower limit is above its upper limit");
  if (x.is_constant()) {
    Coefficients all = elements(x);
    for (Real& value : all.values) {
      if (low && value < Real(*low)) value = Real(*low);
      if (high && Real(*high) < value) value = Real(*high);
    }
    return as_constant(x, all);
  }
  Value result = x;
  // clamp(clamp(x, a, b), c, d) = clamp(x, a', b') with the inner limits clamped by the outer ones.
  const auto clamp = [&](const Rational& bound) {
    if (low && bound < *low) return *low;
    if (high && bound > *high) return *high;
    return bound;
  };
  result.low = x.low ? std::optional(clamp(*x.low)) : low;
  result.high = x.high ? std::optional(clamp(*x.high)) : high;
  return result;
}

Value negated(Lowering& lowering, const Value& x) {
  return times(lowering, x, Coefficients::uniform(0, -1));
}

Value with_negative_slope(Lowering& lowering, const Value& x, const Coefficients& slope) {
  const Value positive = clipped(lowering, x, Rational(0), std::nullopt);
  const Value negative = clipped(lowering, x, std::nullopt, Rational(0));
  return sum(lowering, positive, times(lowering, negative, slope));
}

std::pair<Value, Value> aligned(Lowering& lowering, Value a, Value b) {
  const std::size_t rank = std::max(a.rank(), b.rank());
  a = at_rank(lowering, a, rank);
  b = at_rank(lowering, b, rank);
  const int batch = common_batch(a, b);
  for (Value* value : {&a, &b}) {
    if (value->batch == batch) continue;
    if (value->shape[static_cast<std::size_t>(batch)] != 1)
      throw Error("its two inputs disagree on the axis of events");
    Value moved = *value;
    moved.batch = batch;
    if (!moved.is_constant()) {
      moved = lowering.emit(moved);
      moved.batch = batch;
      lowering.begin(lowering.next_name());
      moved.node = lowering.builder().add(lowering.next_name(), network::Reshape{}, {moved.node},
                                          Lowering::shape_of(moved));
    }
    *value = moved;
  }
  return {a, b};
}

std::pair<Value, Value> on_one_scale(Lowering& lowering, const Value& x, const Value& y) {
  auto [a, b] = aligned(lowering, x, y);
  a = lowering.emit_plain(a);
  b = lowering.emit_plain(b);
  to_common_scale(lowering, a, b);
  const int fraction = fraction_of(a.scale);
  a.node = lowering.with_fraction(a.node, fraction);
  b.node = lowering.with_fraction(b.node, fraction);
  return {a, b};
}

Value sum(Lowering& lowering, const Value& x, const Value& y) {
  if (auto integers = on_integers(x, y, false)) return *integers;
  if (y.is_constant() && (x.is_constant() || broadcast(x.shape, y.shape) == x.shape))
    return plus(lowering, x, elements(y));
  if (x.is_constant() && broadcast(x.shape, y.shape) == y.shape) return plus(lowering, y, elements(x));
  auto [a, b] = aligned(lowering, x, y);
  a = lowering.emit_unclamped(a);
  b = lowering.emit_unclamped(b);
  to_common_scale(lowering, a, b);
  const int fraction = fraction_of(a.scale);
  Value result = a;
  result.is_integer = false;
  result.shape = broadcast(a.shape, b.shape);
  result.batch = common_batch(a, b);
  result.offset = simplify(combine(a.offset, b.offset, add));
  const network::NodeId left = lowering.with_fraction(a.node, fraction);
  const network::NodeId right = lowering.with_fraction(b.node, fraction);
  result.node = lowering.builder().add(lowering.next_name(), network::Add{}, {left, right});
  return result;
}

Value product(Lowering& lowering, const Value& x, const Value& y) {
  if (auto integers = on_integers(x, y, true)) return *integers;
  if (y.is_constant() && (x.is_constant() || broadcast(x.shape, y.shape) == x.shape))
    return times(lowering, x, elements(y));
  if (x.is_constant() && broadcast(x.shape, y.shape) == y.shape) return times(lowering, y, elements(x));
  auto [a, b] = aligned(lowering, x, y);
  a = lowering.emit_plain(a);
  b = lowering.emit_plain(b);
  Value result = a;
  result.is_integer = false;
  result.shape = broadcast(a.shape, b.shape);
  result.batch = common_batch(a, b);
  result.scale = Coefficients::uniform(result.rank(), a.scale.values[0] * b.scale.values[0]);
  result.offset = Coefficients::uniform(result.rank(), 0);
  result.node = lowering.builder().add(lowering.next_name(), network::Multiply{}, {a.node, b.node});
  return result;
}

}  // namespace crible::importers::graph
