#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

using network::Comparison;

bool holds(Comparison comparison, const Real& a, const Real& b) {
  switch (comparison) {
    case Comparison::less:
      return a < b;
    case Comparison::less_equal:
      return !(b < a);
    case Comparison::greater:
      return b < a;
    case Comparison::greater_equal:
      return !(a < b);
    case Comparison::equal:
      return a == b;
    case Comparison::not_equal:
      return !(a == b);
  }
  return false;
}

/// Elements of a constant, broadcast to `shape`.
std::vector<Real> spread(const Value& value, const Extents& shape) {
  const std::vector<Real> elements = exact_elements(*value.constant);
  std::vector<Real> result;
  for (const std::size_t index : broadcast_indices(with_rank(value.shape, shape.size()), shape))
    result.push_back(elements[index]);
  return result;
}

/// The result of a comparison: integers 0 and 1.
Value truth(Value like, network::NodeId node, const Extents& shape) {
  like.shape = shape;
  like.node = node;
  like.is_integer = true;
  like.scale = Coefficients::uniform(shape.size(), 1);
  like.offset = Coefficients::uniform(shape.size(), 0);
  return like;
}

Value compared(Lowering& lowering, const Value& x, const Value& y, Comparison comparison) {
  const Extents shape = broadcast(x.shape, y.shape);
  if (x.is_constant() && y.is_constant()) {
    const std::vector<Real> left = spread(x, shape);
    const std::vector<Real> right = spread(y, shape);
    std::vector<std::int64_t> values;
    for (std::size_t i = 0; i < left.size(); ++i)
      values.push_back(holds(comparison, left[i], right[i]) ? 1 : 0);
    return constant_value(make_integers(shape, std::move(values)));
  }
  const auto [a, b] = on_one_scale(lowering, x, y);
  return truth(
      a, lowering.builder().add(lowering.next_name(), network::Compare{comparison}, {a.node, b.node}), shape);
}

template <Comparison comparison>
void compare(const Scope& scope) {
  scope.out(compared(scope.lowering(), scope.in(0), scope.in(1), comparison));
}

void logical_not(const Scope& scope) {
  const Value zero = constant_value(make_integers({}, {0}));
  scope.out(compared(scope.lowering(), scope.in(0), zero, Comparison::equal));
}

/// condition ? x : y.
Value selected(Lowering& lowering, const Value& condition, const Value& x, const Value& y) {
  const Extents shape = broadcast(condition.shape, broadcast(x.shape, y.shape));
  if (condition.is_constant() && x.is_constant() && y.is_constant()) {
    const std::vector<Real> choice = spread(condition, shape);
    std::vector<Real> values = spread(x, shape);
    const std::vector<Real> otherwise = spread(y, shape);
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (choice[i] == Real(0)) values[i] = otherwise[i];
    }
    Constant result = from_coefficients({shape, values});
    if (x.is_integer && y.is_integer) result = make_integers(shape, whole_numbers(result));
    return constant_value(std::move(result));
  }
  const auto [a, b] = on_one_scale(lowering, x, y);
  auto [c, a_beside] = aligned(lowering, condition, a);
  const auto [c_beside, b_beside] = aligned(lowering, c, b);
  c = lowering.emit_plain(c_beside);
  const network::Type type = lowering.builder().node(c.node).type;
  if (type.is_signed || type.width != 1) throw Error("its condition is not the result of a comparison");
  Value result = a_beside;
  result.shape = shape;
  result.batch = std::max({a_beside.batch, b_beside.batch, c.batch});
  result.is_integer = x.is_integer && y.is_integer;
  result.scale = Coefficients::uniform(shape.size(), a.scale.values[0]);
  result.offset = Coefficients::uniform(shape.size(), 0);
  result.node =
      lowering.builder().add(lowering.next_name(), network::Select{}, {c.node, a_beside.node, b_beside.node});
  return result;
}

void where(const Scope& scope) {
  scope.out(selected(scope.lowering(), scope.in(0), scope.in(1), scope.in(2)));
}

/// And, Or, Xor of truth values.
void both(const Scope& scope) {
  scope.out(selected(scope.lowering(), scope.in(0), scope.in(1), scope.in(0)));
}
void either(const Scope& scope) {
  scope.out(selected(scope.lowering(), scope.in(0), scope.in(0), scope.in(1)));
}

/// Max and Min of any number of tensors; single constants become limits.
void extreme(const Scope& scope, bool largest) {
  Value result = scope.in(0);
  for (std::size_t i = 1; i < scope.op().inputs.size(); ++i) {
    Value other = scope.in(i);
    if (result.is_constant()) std::swap(result, other);
    const bool is_limit = other.is_constant() && element_count(other.shape) == 1 && !result.is_constant() &&
                          other.rank() <= result.rank();
    const auto number = is_limit ? exact_elements(*other.constant).at(0) : Real(0);
    if (is_limit && number.is_rational()) {
      const std::optional<Rational> limit = number.rational();
      result = largest ? clipped(scope.lowering(), result, limit, std::nullopt)
                       : clipped(scope.lowering(), result, std::nullopt, limit);
      continue;
    }
    const Value first = compared(scope.lowering(), result, other,
                                 largest ? Comparison::greater_equal : Comparison::less_equal);
    result = selected(scope.lowering(), first, result, other);
  }
  scope.out(result);
}

void largest(const Scope& scope) {
  extreme(scope, true);
}
void smallest(const Scope& scope) {
  extreme(scope, false);
}

}  // namespace

std::vector<OperatorEntry> compare_operators() {
  return {
      {"", "Greater", compare<Comparison::greater>},
      {"", "GreaterOrEqual", compare<Comparison::greater_equal>},
      {"", "Less", compare<Comparison::less>},
      {"", "LessOrEqual", compare<Comparison::less_equal>},
      {"", "Equal", compare<Comparison::equal>},
      {"", "Xor", compare<Comparison::not_equal>},
      {"", "Not", logical_not},
      {"", "And", both},
      {"", "Or", either},
      {"", "Where", where},
      {"", "Max", largest},
      {"", "Min", smallest},
  };
}

}  // namespace crible::importers::graph
