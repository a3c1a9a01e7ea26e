#include <cmath>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

Coefficients elements(const Constant& constant) {
  return {constant.shape, exact_elements(constant)};
}

void add(const Scope& scope) {
  scope.out(sum(scope.lowering(), scope.in(0), scope.in(1)));
}

void subtract(const Scope& scope) {
  const Value& b = scope.in(1);
  if (scope.in(0).is_constant() && b.is_constant() && b.is_integer) {
    Constant minus = *b.constant;
    for (std::int64_t& value : minus.integers)
      value = static_cast<std::int64_t>(0 - static_cast<std::uint64_t>(value));
    return scope.out(sum(scope.lowering(), scope.in(0), constant_value(minus)));
  }
  scope.out(sum(scope.lowering(), scope.in(0), negated(scope.lowering(), b)));
}

void multiply(const Scope& scope) {
  scope.out(product(scope.lowering(), scope.in(0), scope.in(1)));
}

void divide(const Scope& scope) {
  const Value& x = scope.in(0);
  const Constant& divisor = scope.constant(1, "divisor");
  if (x.is_constant() && x.is_integer && divisor.is_integer) {
    const std::vector<std::int64_t> a = whole_numbers(*x.constant);
    const std::vector<std::int64_t> b = whole_numbers(divisor);
    if (b.size() != 1 || b[0] == 0) throw Error("its integer divisor is not one number other than zero");
    std::vector<std::int64_t> quotients;
    for (const std::int64_t value : a) quotients.push_back(b[0] == -1 ? -value : value / b[0]);
    return scope.out(constant_value(make_integers(x.shape, quotients)));
  }
  if (x.is_integer) throw Error("it divides integers, which drops the remainder; put a quantizer there");
  const Coefficients inverse =
      transform(elements(divisor), [](const Real& value) { return Real(1) / value; });
  scope.out(times(scope.lowering(), x, inverse));
}

void negate(const Scope& scope) {
  scope.out(negated(scope.lowering(), scope.in(0)));
}

Real power(const Real& base, const Rational& exponent) {
  if (exponent == Rational(1, 2)) {
    if (!base.is_rational()) throw Error("it takes a root of a root");
    return Real::square_root(base.rational());
  }
  const auto whole = to_int64(floor(exponent));
  if (!whole || Rational(*whole) != exponent || std::abs(*whole) > 16)
    throw Error("its exponent is neither one half nor a whole number up to 16");
  Real result = 1;
  for (std::int64_t i = 0; i < std::abs(*whole); ++i) result = result * base;
  return *whole < 0 ? Real(1) / result : result;
}

void pow(const Scope& scope) {
  const Value& x = scope.in(0);
  const std::vector<Real> exponents = exact_elements(scope.constant(1, "exponent"));
  if (exponents.size() != 1 || !exponents[0].is_rational()) throw Error("its exponent is not one number");
  const Rational exponent = exponents[0].rational();
  if (x.is_constant()) {
    const Coefficients result =
        transform(elements(*x.constant), [&](const Real& v) { return power(v, exponent); });
    return scope.out(constant_value(from_coefficients(result)));
  }
  if (exponent != 2)
    throw Error("a power of a computed value other than its square is not exact in integers");
  scope.out(product(scope.lowering(), x, x));
}

void square_root(const Scope& scope) {
  const Coefficients result = transform(elements(scope.constant(0, "argument")),
                                        [](const Real& v) { return power(v, Rational(1, 2)); });
  scope.out(constant_value(from_coefficients(result)));
}

void reciprocal(const Scope& scope) {
  const Coefficients result =
      transform(elements(scope.constant(0, "argument")), [](const Real& v) { return Real(1) / v; });
  scope.out(constant_value(from_coefficients(result)));
}

void relu(const Scope& scope) {
  scope.out(clipped(scope.lowering(), scope.in(0), Rational(0), std::nullopt));
}

std::optional<Rational> limit(const Scope& scope, std::size_t index, const char* attribute) {
  if (scope.has(index)) {
    const std::vector<Real> values = exact_elements(scope.constant(index, "limit"));
    if (values.size() != 1 || !values[0].is_rational()) throw Error("its limit is not one number");
    return values[0].rational();
  }
  const double value = scope.op().real(attribute, NAN);
  if (std::isnan(value) || std::abs(value) > 3e38) return std::nullopt;
  return to_rational(value);
}

void clip(const Scope& scope) {
  scope.out(clipped(scope.lowering(), scope.in(0), limit(scope, 1, "min"), limit(scope, 2, "max")));
}

void leaky_relu(const Scope& scope) {
  const Rational slope = to_rational(scope.op().real("alpha", 0.01F));
  const auto exponent = exponent_of_two(slope);
  if (scope.in(0).is_constant()) throw Error("its input is a constant; fold constants before the import");
  if (!exponent || *exponent > 0)
    return scope.out(
        with_negative_slope(scope.lowering(), scope.in(0), Coefficients::uniform(0, Real(slope))));
  Value x = scope.lowering().emit_plain(scope.in(0));
  const int shift = -*exponent;
  Value result = x;
  result.is_integer = false;
  result.node =
      scope.lowering().builder().add(scope.lowering().next_name(), network::LeakyRelu{shift}, {x.node});
  result.scale = Coefficients::uniform(x.rank(), x.scale.values[0] * Real(slope));
  scope.out(result);
}

void p_relu(const Scope& scope) {
  const Value& x = scope.in(0);
  if (x.is_constant()) throw Error("its input is a constant; fold constants before the import");
  const Coefficients slope = elements(scope.constant(1, "slope"));
  if (broadcast(x.shape, slope.shape) != x.shape) throw Error("its slope does not fit its input");
  scope.out(with_negative_slope(scope.lowering(), x, slope));
}

void absolute(const Scope& scope) {
  if (scope.in(0).is_constant()) throw Error("it works on constants; fold constants before the import");
  Value result = with_negative_slope(scope.lowering(), scope.in(0), Coefficients::uniform(0, -1));
  result.is_integer = scope.in(0).is_integer;
  scope.out(result);
}

/// y = gamma * (x - mean) / sqrt(variance + epsilon) + beta along axis 1 (the last for channels-last models).
void batch_norm(const Scope& scope, bool channels_last) {
  const Value& x = scope.in(0);
  if (scope.op().integer("training_mode", 0) != 0)
    throw Error("it is in training mode; export the model for inference");
  if (x.rank() < 2) throw Error("its input has no channel axis");
  const std::size_t axis = channels_last ? x.rank() - 1 : 1;
  const Rational epsilon = to_rational(static_cast<float>(scope.op().real("epsilon", 1e-5F)));
  const auto parameter = [&](std::size_t index, const char* what) {
    Coefficients values = elements(scope.constant(index, what));
    if (values.shape.size() != 1 || (values.shape[0] != x.shape[axis] && values.shape[0] != 1))
      throw Error(std::string("its ") + what + " does not have one value for each channel");
    Extents shape(x.rank(), 1);
    shape[axis] = values.shape[0];
    values.shape = shape;
    return values;
  };
  const Coefficients gamma = parameter(1, "scale");
  const Coefficients beta = parameter(2, "bias");
  const Coefficients mean = parameter(3, "mean");
  const Coefficients variance = parameter(4, "variance");
  const Coefficients factor = combine(gamma, variance, [&](const Real& g, const Real& v) {
    const Rational sum = v.rational() + epsilon;
    if (sum <= 0) throw Error("its variance plus epsilon is not positive");
    return g / Real::square_root(sum);
  });
  const auto minus_product = [](const Real& m, const Real& f) { return -(m * f); };
  const Coefficients shift =
      combine(beta, combine(mean, factor, minus_product), [](const Real& a, const Real& b) { return a + b; });
  scope.out(plus(scope.lowering(), times(scope.lowering(), x, factor), shift));
}

void batch_norm_first(const Scope& scope) {
  batch_norm(scope, false);
}
void batch_norm_last(const Scope& scope) {
  batch_norm(scope, true);
}

void identity(const Scope& scope) {
  scope.out(scope.in(0));
}

void constant(const Scope& scope) {
  const Operator& op = scope.op();
  const auto found = op.attributes.find("value");
  if (found != op.attributes.end() && found->second.tensor)
    return scope.out(constant_value(*found->second.tensor));
  if (op.attributes.contains("value_float"))
    return scope.out(constant_value(make_reals({}, {op.real("value_float", 0)})));
  if (op.attributes.contains("value_int"))
    return scope.out(constant_value(make_integers({}, {op.integer("value_int", 0)})));
  if (const auto values = op.integers("value_ints"); !values.empty())
    return scope.out(constant_value(make_integers({static_cast<std::int64_t>(values.size())}, values)));
  if (const auto reals = op.attributes.find("value_floats"); reals != op.attributes.end())
    return scope.out(constant_value(
        make_reals({static_cast<std::int64_t>(reals->second.reals.size())}, reals->second.reals)));
  throw Error("its value is of a kind that crible does not read (sparse or text)");
}

/// A final function that keeps the order of the outputs; it is left to whoever reads them.
void drop(const Scope& scope) {
  if (scope.in(0).is_constant()) throw Error("it works on constants; fold constants before the import");
  Value result = scope.in(0);
  result.dropped = scope.op().kind;
  scope.out(result);
}

void drop_along_axis(const Scope& scope) {
  if (scope.in(0).is_constant()) throw Error("it works on constants; fold constants before the import");
  Value result = scope.in(0);
  result.dropped = scope.op().kind;
  // Before operator set 13 it works on a matrix of all axes before `axis` and all from there on.
  const bool new_form = scope.model().opset >= 13;
  const int axis = axis_in(scope.op().integer("axis", new_form ? -1 : 1), result.rank());
  result.dropped_axis =
      new_form || axis + 1 == static_cast<int>(result.rank()) ? axis : static_cast<int>(result.rank());
  scope.out(result);
}

}  // namespace

std::vector<OperatorEntry> elementwise_operators() {
  return {
      {"", "Add", add, Place::before_input},
      {"", "Sub", subtract, Place::before_input},
      {"", "Mul", multiply, Place::before_input},
      {"", "Div", divide, Place::before_input},
      {"", "Neg", negate, Place::before_input},
      {"", "Pow", pow},
      {"", "Sqrt", square_root},
      {"", "Reciprocal", reciprocal},
      {"", "Relu", relu, Place::before_input},
      {"", "Clip", clip, Place::before_input},
      {"", "LeakyRelu", leaky_relu},
      {"", "PRelu", p_relu},
      {"", "Abs", absolute},
      {"", "BatchNormalization", batch_norm_first},
      {"qonnx", "BatchNormalization", batch_norm_last},
      {"", "Identity", identity, Place::rearranging},
      {"", "Dropout", identity, Place::rearranging},
      {"", "Constant", constant},
      {"", "Softmax", drop_along_axis},
      {"", "LogSoftmax", drop_along_axis},
      {"", "Sigmoid", drop},
      {"", "Tanh", drop},
  };
}

}  // namespace crible::importers::graph
