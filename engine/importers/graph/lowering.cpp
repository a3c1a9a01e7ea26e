#include "engine/importers/graph/lowering.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.hpp"

namespace crible::importers::graph {

namespace {

using network::Interval;
using network::NodeId;

/// Biases beyond this stay in the quantizer's offset: a dead channel must not widen the accumulator.
constexpr std::int64_t largest_bias = std::int64_t{1} << 30;

/// The whole number that `value` is, if it is one of at most `bits` bits.
std::optional<std::int64_t> whole(const Real& value, int bits) {
  const Integer below = value.floor();
  if (abs(below) >= (Integer(1) << bits) || !(Real(Rational(below)) == value)) return std::nullopt;
  return below.convert_to<std::int64_t>();
}

/// Whether the coefficients vary along `axis` only.
bool only_along(const Coefficients& a, int axis) {
  const Spread spread = spread_of(a);
  return spread.kind == Spread::Kind::tensor || (spread.kind == Spread::Kind::axis && spread.axis == axis);
}

const Real& at_row(const Coefficients& a, std::size_t row) {
  return a.values.size() == 1 ? a.values[0] : a.values[row];
}

std::vector<std::int64_t>& weights_of(network::Operation& operation) {
  if (auto* dense = std::get_if<network::Dense>(&operation)) return dense->weights;
  return std::get<network::Conv>(operation).weights;
}

int bits_of(std::int64_t low, std::int64_t high) {
  int width = 1;
  if (low >= 0) {
    while (width < 63 && high >> width) ++width;
    return width;
  }
  while (width < 64 &&
         (low < -(std::int64_t{1} << (width - 1)) || high > (std::int64_t{1} << (width - 1)) - 1))
    ++width;
  return width;
}

network::Type narrowest(std::int64_t low, std::int64_t high, int fraction) {
  return {low < 0, bits_of(low, high), fraction};
}

std::vector<std::int64_t> all_whole(const Coefficients& a, int bits) {
  std::vector<std::int64_t> result;
  for (const Real& value : a.values) {
    const auto integer = whole(value, bits);
    if (!integer)
      throw Error("its channels have no common step that fits 64-bit integers; put a quantizer before it");
    result.push_back(*integer);
  }
  return result;
}

}  // namespace

int fraction_of(const Coefficients& scale) {
  constexpr int largest_fraction = 60;
  if (!scale.is_uniform() || !scale.values[0].is_rational()) return 0;
  const auto exponent = exponent_of_two(scale.values[0].rational());
  return exponent && std::abs(*exponent) <= largest_fraction ? -*exponent : 0;
}

std::string Lowering::free_name(const std::string& wanted) const {
  return builder_.unique_name(reserved_.contains(wanted) ? wanted + "_value" : wanted);
}

network::Shape Lowering::shape_of(const Extents& extents, int batch) {
  network::Shape shape;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    if (static_cast<int>(axis) != batch) shape.push_back(static_cast<int>(extents[axis]));
  }
  return shape;
}

network::Shape Lowering::shape_of(const Value& value) {
  return shape_of(value.shape, value.batch);
}

int Lowering::axis_of(const Value& value, int axis) {
  if (axis == value.batch)
    throw Error("it works along the axis of events; a network sees one event at a time");
  return value.batch >= 0 && value.batch < axis ? axis - 1 : axis;
}

void Lowering::emit_linear(Linear& linear, const Value& value) {
  network::Operation operation = linear.operation;
  linear.sign.assign(linear.rows, 1);
  linear.bias.assign(linear.rows, 0);
  if (only_along(value.scale, linear.axis)) {
    auto& weights = weights_of(operation);
    const std::size_t columns = weights.size() / std::max<std::size_t>(1, linear.rows);
    for (std::size_t row = 0; row < linear.rows; ++row) {
      if (at_row(value.scale, row).sign() >= 0) continue;
      linear.sign[row] = -1;
      for (std::size_t k = 0; k < columns; ++k) weights[row * columns + k] = -weights[row * columns + k];
    }
    if (only_along(value.offset, linear.axis)) {
      std::vector<std::int64_t> bias;
      for (std::size_t row = 0; row < linear.rows; ++row) {
        const Real& scale = at_row(value.scale, row);
        const Real positive = linear.sign[row] < 0 ? -scale : scale;
        const Real& offset = at_row(value.offset, row);
        if (positive.sign() == 0) break;
        const auto integer = whole(offset / positive, 63);
        if (!integer || std::abs(*integer) > largest_bias) break;
        bias.push_back(*integer);
      }
      if (bias.size() == linear.rows) linear.bias = bias;
    }
  }
  const int fraction =
      fraction_of(simplify(transform(value.scale, [](const Real& x) { return x.sign() < 0 ? -x : x; })));
  const int weight_fraction = fraction - builder_.node(linear.input).type.fraction;
  if (auto* dense = std::get_if<network::Dense>(&operation)) {
    dense->bias = linear.bias;
    dense->weight_fraction = weight_fraction;
  } else {
    auto& conv = std::get<network::Conv>(operation);
    conv.bias = linear.bias;
    conv.weight_fraction = weight_fraction;
  }
  linear.node = builder_.add(free_name(linear.name), std::move(operation), {linear.input});
}

Value Lowering::emit(const Value& value) {
  if (value.is_constant()) return constant_node(value);
  if (!value.linear) return value;
  Linear& linear = *value.linear;
  if (linear.node < 0) emit_linear(linear, value);
  Value result = value;
  result.linear.reset();
  result.node = linear.node;
  // sum = sign * (E - bias), whatever constants this consumer adds to it.
  Coefficients sign{Extents(value.rank(), 1), {}};
  Coefficients bias = sign;
  sign.shape[static_cast<std::size_t>(linear.axis)] = static_cast<std::int64_t>(linear.rows);
  bias.shape = sign.shape;
  for (std::size_t row = 0; row < linear.rows; ++row) {
    sign.values.push_back(Real(linear.sign[row]));
    bias.values.push_back(Real(Rational(linear.bias[row])));
  }
  const auto times = [](const Real& x, const Real& y) { return x * y; };
  result.scale = simplify(combine(value.scale, simplify(sign), times));
  if (!bias.all(0)) {
    const Coefficients shift = combine(result.scale, bias, times);
    result.offset =
        simplify(combine(value.offset, shift, [](const Real& x, const Real& y) { return x - y; }));
  }
  return result;
}

NodeId Lowering::with_fraction(NodeId node, int fraction) {
  const network::Type type = builder_.node(node).type;
  if (type.fraction == fraction) return node;
  const NodeId one =
      builder_.constant(free_name(name_ + "_unit"), {1}, {false, 1, fraction - type.fraction}, {1});
  return builder_.add(next_name(), network::Multiply{}, {node, one});
}

NodeId Lowering::affine(const Value& value, const Coefficients& multiplier, const Coefficients& offset,
                        int fraction) {
  if (multiplier.all(1) && offset.all(0)) return with_fraction(value.node, fraction);
  const auto spread_shape = broadcast(multiplier.shape, offset.shape);
  const Coefficients m = expand(multiplier, spread_shape);
  const Coefficients b = expand(offset, spread_shape);
  const std::vector<std::int64_t> multipliers = all_whole(m, 62);
  const std::vector<std::int64_t> offsets = all_whole(b, 62);
  const auto rows = broadcast_indices(with_rank(spread_shape, value.rank()), value.shape);
  const auto& ranges = builder_.range(value.node);
  __int128 low = 0;
  __int128 high = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const std::int64_t q : {ranges[i].low, ranges[i].high}) {
      const __int128 y = static_cast<__int128>(q) * multipliers[rows[i]] + offsets[rows[i]];
      low = i == 0 && q == ranges[i].low ? y : std::min(low, y);
      high = std::max(i == 0 && q == ranges[i].low ? y : high, y);
    }
  }
  constexpr __int128 most = __int128{1} << 62;
  if (low <= -most || high >= most)
    throw Error("its channels have no common step that fits 64-bit integers; put a quantizer before it");
  const network::Type type =
      narrowest(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high), fraction);
  if (type.width <= 32) {
    const Spread spread = spread_of(m);
    network::Requantize requantize;
    const bool each = spread.kind == Spread::Kind::element;
    const Coefficients all_m = each ? expand(m, value.shape) : m;
    const Coefficients all_b = each ? expand(b, value.shape) : b;
    requantize.multiplier = all_whole(all_m, 62);
    requantize.offset = all_whole(all_b, 62);
    requantize.axis = spread.kind == Spread::Kind::axis ? axis_of(value, spread.axis) : 0;
    return builder_.add(next_name(), requantize, {value.node}, type);
  }
  // Wider than a stored type: products and sums are exact in 64-bit accumulators.
  const auto make_constant = [&](const char* what, const Coefficients& numbers, int bits_of_fraction) {
    const std::vector<std::int64_t> integers = all_whole(numbers, 31);
    const auto [least, largest] = std::minmax_element(integers.begin(), integers.end());
    return builder_.constant(free_name(name_ + what), shape_of(numbers.shape, value.batch),
                             narrowest(std::min<std::int64_t>(*least, 0), *largest, bits_of_fraction),
                             integers);
  };
  const int own = builder_.node(value.node).type.fraction;
  NodeId node = builder_.add(next_name(), network::Multiply{},
                             {value.node, make_constant("_multiplier", m, fraction - own)});
  if (!b.all(0))
    node = builder_.add(next_name(), network::Add{}, {node, make_constant("_offset", b, fraction)});
  return node;
}

NodeId Lowering::emit_clamp(NodeId node, std::int64_t low, std::int64_t high) {
  const Interval range = network::hull(builder_.range(node));
  if (low <= range.low && high >= range.high) return node;
  low = std::clamp(low, range.low, range.high);
  high = std::clamp(high, low, range.high);
  return builder_.add(next_name(), network::Clamp{low, high}, {node});
}

Value Lowering::emit_plain(const Value& value) {
  Value result = emit(value);
  const bool plain = result.scale.is_uniform() && result.scale.values[0].sign() > 0 && result.offset.all(0);
  if (plain && !result.has_clamp()) return result;

  // The unit is the largest number of which all scales, offsets and limits are whole multiples. It may carry
  // a common irrational factor.
  Real base = result.scale.values[0];
  for (const Real& scale : result.scale.values) {
    if (scale.sign() != 0) base = scale;
  }
  if (base.sign() == 0) base = Real(1);
  if (base.sign() < 0) base = -base;
  Rational unit = 0;
  const auto include = [&](const Real& number) {
    const Real ratio = number / base;
    if (!ratio.is_rational())
      throw Error(
          "its channels have no common step (a batch norm's square roots differ); put a quantizer before it");
    unit = gcd(unit, ratio.rational());
  };
  for (const Real& scale : result.scale.values) include(scale);
  for (const Real& offset : result.offset.values) include(offset);
  if (result.low) include(*result.low);
  if (result.high) include(*result.high);
  if (unit == 0) unit = 1;  // everything is zero
  const Real step = base * Real(unit);
  const auto in_steps = [&](const Real& x) { return x / step; };
  const Coefficients scale = Coefficients::uniform(result.rank(), step);
  result.node = affine(result, transform(result.scale, in_steps), transform(result.offset, in_steps),
                       fraction_of(scale));
  if (result.has_clamp()) {
    constexpr std::int64_t far = std::int64_t{1} << 62;
    const auto limit = [&](const std::optional<Rational>& bound, std::int64_t otherwise) {
      return bound ? to_int64((Real(*bound) / step).floor()).value_or(*bound > 0 ? far : -far) : otherwise;
    };
    result.node = emit_clamp(result.node, limit(result.low, -far), limit(result.high, far));
  }
  result.scale = scale;
  result.offset = Coefficients::uniform(result.rank(), 0);
  result.low.reset();
  result.high.reset();
  return result;
}

Value Lowering::constant_node(const Value& value) {
  const Constant constant = as_integers(*value.constant);
  Value result = value;
  result.constant.reset();
  result.scale = simplify(constant.scale);
  result.offset = simplify(constant.offset);
  if (constant.integers.empty()) throw Error("a constant without elements takes part in a computation");
  const auto [low, high] = std::minmax_element(constant.integers.begin(), constant.integers.end());
  const network::Type type = narrowest(*low, *high, fraction_of(result.scale));
  if (type.width > 32) throw Error("a constant needs more than 32 bits");
  result.node = builder_.constant(free_name(name_ + "_constant"), shape_of(value), type, constant.integers);
  return result;
}

void Lowering::output(const std::string& name, const Value& value) {
  begin(name);
  Value result = emit(value);
  const auto step_ratio = [&]() -> std::optional<std::int64_t> {
    if (!result.scale.is_uniform() || result.scale.values[0].sign() <= 0) return std::nullopt;
    const Coefficients offset = simplify(result.offset);
    if (!offset.is_uniform()) return std::nullopt;
    return whole(offset.values[0] / result.scale.values[0], 32);
  };
  auto zero = step_ratio();
  const bool one_scale = result.scale.is_uniform() && result.scale.values[0].sign() > 0;
  const bool one_offset = simplify(result.offset).is_uniform();
  network::Encoding encoding;
  if (result.has_clamp() || !one_scale || !one_offset) {
    result = emit_plain(value);
    zero = 0;
  }
  encoding.scale = result.scale.values[0].to_double();
  if (!result.scale.values[0].is_rational() || !exact_double(result.scale.values[0].rational()))
    report_.notes.push_back("output '" + name +
                            "': the integers are exact; their scale has no exact double, so " +
                            "decoded real numbers are rounded");
  if (zero) {
    encoding.zero_point = -*zero;
  } else {
    encoding.offset = simplify(result.offset).values[0].to_double();
  }
  if (!value.dropped.empty())
    report_.notes.push_back("output '" + name + "': the final " + value.dropped +
                            " is left out; its argument " + "(the logits) is the output");
  builder_.output(builder_.unique_name(name), result.node, encoding);
  report_.outputs.push_back(name);
}

}  // namespace crible::importers::graph
