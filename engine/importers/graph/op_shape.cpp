#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

/// Shapes are constants: one event at a time, all other extents fixed.
void shape(const Scope& scope) {
  const Extents& all = scope.in(0).shape;
  const auto rank = static_cast<std::int64_t>(all.size());
  const auto bound = [&](std::int64_t axis) {
    return std::clamp<std::int64_t>(axis < 0 ? axis + rank : axis, 0, rank);
  };
  const std::int64_t start = bound(scope.op().integer("start", 0));
  const std::int64_t end = std::max(start, bound(scope.op().integer("end", rank)));
  const Extents part(all.begin() + start, all.begin() + end);
  scope.out(constant_value(make_integers({static_cast<std::int64_t>(part.size())}, part)));
}

void size(const Scope& scope) {
  scope.out(constant_value(make_integers({}, {static_cast<std::int64_t>(element_count(scope.in(0).shape))})));
}

void constant_of_shape(const Scope& scope) {
  const Extents extents = whole_numbers(scope.constant(0, "shape"));
  const std::size_t count = element_count(extents);
  const auto found = scope.op().attributes.find("value");
  if (found == scope.op().attributes.end() || !found->second.tensor)
    return scope.out(constant_value(make_reals(extents, std::vector<double>(count, 0.0))));
  const Constant& value = *found->second.tensor;
  if (element_count(value.shape) != 1) throw Error("its value is not one number");
  if (value.is_integer)
    return scope.out(constant_value(make_integers(extents, std::vector(count, value.integers[0]))));
  scope.out(constant_value(make_reals(extents, std::vector(count, value.reals[0]))));
}

void range(const Scope& scope) {
  const auto number = [&](std::size_t index, const char* what) {
    const std::vector<std::int64_t> values = whole_numbers(scope.constant(index, what));
    if (values.size() != 1 || std::abs(values[0]) > (std::int64_t{1} << 40))
      throw Error("its limits are not single whole numbers");
    return values[0];
  };
  const std::int64_t start = number(0, "start");
  const std::int64_t limit = number(1, "limit");
  const std::int64_t step = number(2, "step");
  if (step == 0) throw Error("its step is zero");
  std::vector<std::int64_t> values;
  constexpr std::size_t most_values = 1 << 20;
  for (std::int64_t value = start; step > 0 ? value < limit : value > limit; value += step) {
    if (values.size() == most_values) throw Error("it has more than 2^20 values");
    values.push_back(value);
  }
  scope.out(constant_value(make_integers({static_cast<std::int64_t>(values.size())}, values)));
}

void round_constant(const Scope& scope, network::Rounding rounding) {
  Quantizer quantizer;
  quantizer.scale = Coefficients::uniform(0, 1);
  quantizer.zero_inside = quantizer.zero_after = Coefficients::uniform(0, 0);
  quantizer.rounding = rounding;
  quantizer.type = {true, 32, 0};
  quantizer.low = network::lowest(quantizer.type);
  quantizer.high = network::highest(quantizer.type);
  scope.out(scope.quantize(scope.in(0), quantizer));
}

void floor_values(const Scope& scope) {
  round_constant(scope, network::Rounding::floor);
}
void ceil_values(const Scope& scope) {
  round_constant(scope, network::Rounding::ceil);
}
void round_values(const Scope& scope) {
  round_constant(scope, network::Rounding::half_even);
}

}  // namespace

std::vector<OperatorEntry> shape_operators() {
  return {
      {"", "Shape", shape, Place::rearranging},
      {"", "Size", size, Place::rearranging},
      {"", "ConstantOfShape", constant_of_shape},
      {"", "Range", range},
      {"", "Floor", floor_values},
      {"", "Ceil", ceil_values},
      {"", "Round", round_values},
  };
}

}  // namespace crible::importers::graph
