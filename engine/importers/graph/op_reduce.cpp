#include <algorithm>
#include <set>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

using network::ReduceKind;

std::vector<int> reduced_axes(const Scope& scope, const Value& x) {
  std::vector<std::int64_t> given =
      scope.has(1) ? whole_numbers(scope.constant(1, "axes")) : scope.op().integers("axes");
  std::set<int> axes;
  for (const std::int64_t axis : given) axes.insert(axis_in(axis, x.rank()));
  if (axes.empty() && scope.op().integer("noop_with_empty_axes", 0) == 0) {
    for (std::size_t axis = 0; axis < x.rank(); ++axis) axes.insert(static_cast<int>(axis));
  }
  return {axes.rbegin(), axes.rend()};  // last first: the numbers of the others stay
}

bool same_along(const Coefficients& a, int axis) {
  return a.shape[static_cast<std::size_t>(axis)] == 1;
}

Coefficients without_axis(Coefficients a, int axis) {
  a.shape.erase(a.shape.begin() + axis);
  return a;
}

Value reduce_axis(Lowering& lowering, const Value& x, int axis, ReduceKind kind) {
  Value result = x;
  const std::int64_t extent = x.shape[static_cast<std::size_t>(axis)];
  result.shape.erase(result.shape.begin() + axis);
  result.batch = axis == x.batch ? -1 : x.batch > axis ? x.batch - 1 : x.batch;
  result.scale = without_axis(x.scale, axis);
  result.offset = without_axis(x.offset, axis);
  if (axis == x.batch) return result;  // one event: nothing to add up
  const network::Reduce operation{kind, Lowering::axis_of(x, axis)};
  result.node = lowering.builder().add(lowering.next_name(), operation, {x.node});
  if (kind == ReduceKind::sum)
    result.offset =
        transform(result.offset, [&](const Real& offset) { return offset * Real(Rational(extent)); });
  return result;
}

void reduce(const Scope& scope, ReduceKind kind, bool mean) {
  Lowering& lowering = scope.lowering();
  const Value& x = scope.in(0);
  if (x.is_constant()) throw Error("it works on constants; fold constants before the import");
  const std::vector<int> axes = reduced_axes(scope, x);
  if (axes.empty()) return scope.out(x);
  const bool order = kind == ReduceKind::max || kind == ReduceKind::min;
  Value value = order ? lowering.emit(x) : lowering.emit_unclamped(x);
  const bool positive = std::all_of(value.scale.values.begin(), value.scale.values.end(),
                                    [](const Real& scale) { return scale.sign() >= 0; });
  const bool mixes = std::any_of(axes.begin(), axes.end(), [&](int axis) {
    return !same_along(value.scale, axis) || !same_along(value.offset, axis);
  });
  if (mixes || (order && !positive)) value = lowering.emit_plain(x);
  Rational count = 1;
  for (const int axis : axes) {
    count *= Rational(value.shape[static_cast<std::size_t>(axis)]);
    value = reduce_axis(lowering, value, axis, kind);
  }
  if (mean) value = times(lowering, value, Coefficients::uniform(0, Rational(1) / count));
  if (scope.op().integer("keepdims", 1) != 0) {
    Extents kept = x.shape;
    for (const int axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
    value = reshaped(lowering, value, kept);
  }
  scope.out(value);
}

void reduce_sum(const Scope& scope) {
  reduce(scope, ReduceKind::sum, false);
}
void reduce_mean(const Scope& scope) {
  reduce(scope, ReduceKind::sum, true);
}
void reduce_max(const Scope& scope) {
  reduce(scope, ReduceKind::max, false);
}
void reduce_min(const Scope& scope) {
  reduce(scope, ReduceKind::min, false);
}

void reduce_sum_of_squares(const Scope& scope) {
  Lowering& lowering = scope.lowering();
  const Value& x = scope.in(0);
  if (x.is_constant()) throw Error("it works on constants; fold constants before the import");
  const std::vector<int> axes = reduced_axes(scope, x);
  Value value = lowering.emit_plain(x);
  const Real squared = value.scale.values[0] * value.scale.values[0];
  bool first = true;
  for (const int axis : axes) {
    if (axis == value.batch) {
      value = reduce_axis(lowering, value, axis, ReduceKind::sum);
      continue;
    }
    value = reduce_axis(lowering, value, axis, first ? ReduceKind::sum_of_squares : ReduceKind::sum);
    first = false;
  }
  if (first) throw Error("it reduces no axis besides the events");
  value.is_integer = false;
  value.scale = Coefficients::uniform(value.rank(), squared);
  if (scope.op().integer("keepdims", 1) != 0) {
    Extents kept = x.shape;
    for (const int axis : axes) kept[static_cast<std::size_t>(axis)] = 1;
    value = reshaped(lowering, value, kept);
  }
  scope.out(value);
}

/// A value whose integers are in the order of its real numbers along `axis`.
Value ordered(Lowering& lowering, const Value& x, int axis) {
  Value value = lowering.emit_unclamped(x);
  const bool positive = std::all_of(value.scale.values.begin(), value.scale.values.end(),
                                    [](const Real& scale) { return scale.sign() > 0; });
  if (!positive || !same_along(value.scale, axis) || !same_along(value.offset, axis))
    value = lowering.emit_plain(x);
  return value;
}

Value reversed(Lowering& lowering, const Value& x, int axis) {
  std::vector<std::int64_t> start(x.rank(), 0);
  std::vector<std::int64_t> step(x.rank(), 1);
  start[static_cast<std::size_t>(axis)] = x.shape[static_cast<std::size_t>(axis)] - 1;
  step[static_cast<std::size_t>(axis)] = -1;
  return sliced(lowering, x, start, step, x.shape);
}

/// The index of the largest (smallest) element: of the first one, or the last.
void arg_extreme(const Scope& scope, bool largest) {
  Lowering& lowering = scope.lowering();
  const Value& x = scope.in(0);
  if (x.is_constant()) throw Error("it works on constants; fold constants before the import");
  const int axis = axis_in(scope.op().integer("axis", 0), x.rank());
  Lowering::axis_of(x, axis);
  if (x.dropped_axis >= 0 && x.dropped_axis != axis)
    throw Error("it follows a " + x.dropped +
                " along another axis, which changes the order; end the model before it");
  const bool last = scope.op().integer("select_last_index", 0) != 0;
  Value value = ordered(lowering, largest ? x : negated(lowering, x), axis);
  if (last) value = reversed(lowering, value, axis);
  value = reduce_axis(lowering, value, axis, ReduceKind::argmax);
  value.dropped.clear();
  value.dropped_axis = -1;
  value.is_integer = true;
  value.scale = Coefficients::uniform(value.rank(), last ? -1 : 1);
  value.offset = Coefficients::uniform(
      value.rank(), last ? Rational(x.shape[static_cast<std::size_t>(axis)] - 1) : Rational(0));
  if (scope.op().integer("keepdims", 1) != 0) {
    Extents kept = x.shape;
    kept[static_cast<std::size_t>(axis)] = 1;
    value = reshaped(lowering, value, kept);
  }
  scope.out(value);
}

void arg_max(const Scope& scope) {
  arg_extreme(scope, true);
}
void arg_min(const Scope& scope) {
  arg_extreme(scope, false);
}

void top_k(const Scope& scope) {
  Lowering& lowering = scope.lowering();
  const Value& x = scope.in(0);
  if (x.is_constant()) throw Error("it works on constants; fold constants before the import");
  const int axis = axis_in(scope.op().integer("axis", -1), x.rank());
  const std::vector<std::int64_t> k =
      scope.has(1) ? whole_numbers(scope.constant(1, "k")) : std::vector{scope.op().integer("k", 0)};
  if (k.size() != 1 || k[0] < 1 || k[0] > x.shape[static_cast<std::size_t>(axis)])
    throw Error("its k is outside its input");
  const bool descending = scope.op().integer("largest", 1) != 0;
  const Value value = ordered(lowering, x, axis);
  Extents shape = x.shape;
  shape[static_cast<std::size_t>(axis)] = k[0];
  const std::vector<std::int64_t> start(x.rank(), 0);
  const std::vector<std::int64_t> step(x.rank(), 1);
  for (std::size_t index = 0; index < scope.op().outputs.size() && index < 2; ++index) {
    if (scope.op().outputs[index].empty()) continue;
    const bool indices = index == 1;
    Value sorted = value;
    const network::Sort operation{Lowering::axis_of(value, axis), descending,
                                  indices ? network::SortResult::indices : network::SortResult::values};
    sorted.node = lowering.builder().add(lowering.next_name(), operation, {value.node});
    if (indices) {
      sorted.is_integer = true;
      sorted.scale = Coefficients::uniform(x.rank(), 1);
      sorted.offset = Coefficients::uniform(x.rank(), 0);
    }
    scope.out(sliced(lowering, sorted, start, step, shape), index);
  }
}

}  // namespace

std::vector<OperatorEntry> reduce_operators() {
  return {
      {"", "ReduceSum", reduce_sum},
      {"", "ReduceMean", reduce_mean},
      {"", "ReduceMax", reduce_max},
      {"", "ReduceMin", reduce_min},
      {"", "ReduceSumSquare", reduce_sum_of_squares},
      {"", "ArgMax", arg_max, Place::after_final},
      {"", "ArgMin", arg_min, Place::after_final},
      {"", "TopK", top_k},
  };
}

}  // namespace crible::importers::graph
