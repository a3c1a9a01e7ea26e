#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

using network::Rounding;

Rounding rounding_of(const Operator& op, const std::string& otherwise) {
  std::string name = op.text("rounding_mode", otherwise);
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
  const std::pair<const char*, Rounding> modes[] = {
      {"ROUND", Rounding::half_even},
      {"HALF_EVEN", Rounding::half_even},
      {"FLOOR", Rounding::floor},
      {"CEIL", Rounding::ceil},
      {"UP", Rounding::away_from_zero},
      {"DOWN", Rounding::toward_zero},
      {"HALF_UP", Rounding::half_away},
      {"HALF_DOWN", Rounding::half_toward_zero},
      {"ROUND_TO_ZERO", Rounding::toward_zero},
  };
  for (const auto& [text, mode] : modes) {
    if (name == text) return mode;
  }
  throw Error("its rounding mode '" + name +
              "' is not one of ROUND, FLOOR, CEIL, UP, DOWN, HALF_UP, HALF_DOWN");
}

/// One exact number, where per-channel values make no sense.
Rational scalar(const Constant& constant, const char* what) {
  const std::vector<Real> elements = exact_elements(constant);
  for (const Real& element : elements) {
    if (!element.is_rational() || !(element == elements.front()))
      throw Error(std::string("its ") + what + " differs by channel; one value is supported");
  }
  if (elements.empty()) throw Error(std::string("its ") + what + " is empty");
  return elements.front().rational();
}

int bit_width(const Constant& constant) {
  const Rational width = scalar(constant, "bit width");
  const auto whole = to_int64(floor(width));
  if (!whole || Rational(*whole) != width || *whole < 1 || *whole > 32)
    throw Error("its bit width is not a whole number from 1 to 32");
  return static_cast<int>(*whole);
}

struct Limits {
  std::int64_t low;
  std::int64_t high;
};

Limits limits_of(bool is_signed, bool narrow, int bits) {
  const std::int64_t one = 1;
  if (is_signed) return {-(one << (bits - 1)) + narrow, (one << (bits - 1)) - 1};
  return {0, (one << bits) - 1 - narrow};
}

/// real = integer * scale + offset of a value that carries integers.
Value scaled(Value value, const Coefficients& scale, const Coefficients& offset) {
  const auto ranked = [&](const Coefficients& a) { return simplify(with_rank(a, value.rank())); };
  value.is_integer = false;
  value.scale = ranked(scale);
  value.offset = ranked(offset);
  return value;
}

Constant scaled(Constant constant, const Coefficients& scale, const Coefficients& offset) {
  constant.is_integer = false;
  constant.element = "float";
  constant.scale = simplify(with_rank(scale, constant.shape.size()));
  constant.offset = simplify(with_rank(offset, constant.shape.size()));
  return constant;
}

Real multiply(const Real& x, const Real& y) {
  return x * y;
}

/// +scale where x / scale + zero >= 0, else -scale (less zero * scale).
void bipolar(const Scope& scope, const Coefficients& scale, const Coefficients& zero) {
  const Value& x = scope.in(0);
  Quantizer quantizer;
  quantizer.scale = scale;
  quantizer.zero_inside = zero;
  quantizer.zero_after = Coefficients::uniform(0, 1);
  quantizer.rounding = Rounding::floor;
  quantizer.low = 0;
  quantizer.high = 1;
  quantizer.type = {false, 1, 0};
  quantizer.integer_result = true;
  const Coefficients decode_offset =
      combine(scale, zero, [](const Real& s, const Real& z) { return -(s * z); });
  Value bit = scope.quantize(x, quantizer);
  if (bit.is_constant()) {
    Constant signs = *bit.constant;
    for (std::int64_t& integer : signs.integers) integer = 2 * integer - 1;
    return scope.out(constant_value(scaled(signs, scale, decode_offset)));
  }
  if (bit.is_unknown) return scope.out(bit);
  const Coefficients twice = transform(scale, [](const Real& s) { return s + s; });
  const Coefficients lowest =
      combine(decode_offset, scale, [](const Real& o, const Real& s) { return o - s; });
  scope.out(scaled(bit, twice, lowest));
}

void quant(const Scope& scope) {
  const std::size_t rank = scope.in(0).rank();
  const Operator& op = scope.op();
  const Coefficients scale = as_coefficients(scope.constant(1, "scale"), rank);
  const Coefficients zero = as_coefficients(scope.constant(2, "zero point"), rank);
  const int bits = bit_width(scope.constant(3, "bit width"));
  const bool is_signed = op.integer("signed", 1) != 0;
  const bool narrow = op.integer("narrow", 0) != 0;
  if (bits == 1 && is_signed) {
    scope.note("node '" + op.name +
               "': a signed quantizer of one bit is taken as bipolar (-1 and +1), as QONNX does");
    return bipolar(scope, scale, zero);
  }
  const Limits limits = limits_of(is_signed, narrow, bits);
  Quantizer quantizer;
  quantizer.scale = scale;
  quantizer.zero_inside = zero;
  quantizer.zero_after = Coefficients::uniform(0, 0);
  quantizer.rounding = rounding_of(op, "ROUND");
  quantizer.low = limits.low;
  quantizer.high = limits.high;
  quantizer.type = {is_signed, bits, 0};
  scope.out(scope.quantize(scope.in(0), quantizer));
}

void bipolar_quant(const Scope& scope) {
  const Coefficients scale = as_coefficients(scope.constant(1, "scale"), scope.in(0).rank());
  // The sign of x alone decides.
  bipolar(scope, scale, Coefficients::uniform(0, 0));
}

/// Inputs: x, scale, zero point, input bits, output bits (version 1), or
/// x, scale, zero point, input bits, output scale, output zero point, output bits (version 2).
void trunc(const Scope& scope) {
  const Operator& op = scope.op();
  const bool second = op.inputs.size() >= 7;
  const Rational scale = scalar(scope.constant(1, "scale"), "scale");
  const Rational zero = scalar(scope.constant(2, "zero point"), "zero point");
  const int input_bits = bit_width(scope.constant(3, "input bit width"));
  const int output_bits = bit_width(scope.constant(second ? 6 : 4, "output bit width"));
  const Rational output_scale = second ? scalar(scope.constant(4, "output scale"), "output scale") : scale;
  if (scale <= 0 || output_scale <= 0) throw Error("its scale is not positive");
  const int exponent = second ? static_cast<int>(std::lround(std::log2(to_double(output_scale / scale))))
                              : input_bits - output_bits;
  if (exponent < 0 || exponent > 62) throw Error("it widens its input or drops more than 62 bits");
  const Rational factor(Integer(1) << exponent);

  const Value x = scope.in(0).is_constant() ? scope.in(0) : scope.lowering().emit(scope.in(0));
  if (!x.is_constant()) {
    const auto on_grid = [&](const Coefficients& a, const Rational& plus) {
      return std::all_of(a.values.begin(), a.values.end(), [&](const Real& value) {
        const Real steps = value / Real(scale) + Real(plus);
        return Real(Rational(steps.floor())) == steps;
      });
    };
    if (!on_grid(x.scale, 0) || !on_grid(x.offset, zero))
      throw Error("its input is not a whole number of its scale; quantize it first or correct the scale");
  }
  const bool is_signed = op.integer("signed", 1) != 0;
  const Limits limits = second ? limits_of(is_signed, op.integer("narrow", 0) != 0, output_bits)
                               : Limits{-(std::int64_t{1} << 31), (std::int64_t{1} << 31) - 1};
  Quantizer quantizer;
  quantizer.scale = Coefficients::uniform(0, scale * factor);
  quantizer.zero_inside = Coefficients::uniform(0, zero / factor);
  quantizer.zero_after = Coefficients::uniform(0, 0);
  quantizer.rounding = rounding_of(op, "FLOOR");
  quantizer.low = limits.low;
  quantizer.high = limits.high;
  quantizer.type = second ? network::Type{is_signed, output_bits, 0} : network::Type{true, 32, 0};
  quantizer.integer_result = true;
  const Coefficients result_scale = Coefficients::uniform(0, output_scale);
  const Rational result_zero = second ? zero / factor : zero;
  const Coefficients offset = Coefficients::uniform(0, -(result_zero * output_scale));
  const Value k = scope.quantize(x, quantizer);
  if (k.is_constant()) return scope.out(constant_value(scaled(*k.constant, result_scale, offset)));
  scope.out(scaled(k, result_scale, offset));
}

/// Rows of integer thresholds for one channel each, from real ones.
void threshold_row(const Real& scale, const Real& offset, std::vector<Real> reals, network::Interval range,
                   network::Threshold& node) {
  std::vector<std::int64_t> row;
  const auto inside = [&](const Integer& value) {
    const Integer least = range.low;
    const Integer most = Integer(range.high) + 1;
    return std::clamp(value, least, most).convert_to<std::int64_t>();
  };
  const bool falling = scale.sign() < 0;
  for (const Real& real : reals) {
    if (scale.sign() == 0) {
      row.push_back(offset < real ? range.high + 1 : range.low);
      continue;
    }
    const Real edge = (real - offset) / scale;
    row.push_back(inside(falling ? edge.floor() + 1 : edge.ceil()));
  }
  std::sort(row.begin(), row.end());
  node.thresholds.insert(node.thresholds.end(), row.begin(), row.end());
  node.base.push_back(falling ? node.steps : 0);
  node.sign.push_back(falling ? -1 : 1);
}

void multi_threshold(const Scope& scope) {
  const Operator& op = scope.op();
  if (scope.in(0).is_constant()) throw Error("its input is a constant; fold it before the import");
  const Value x = scope.lowering().emit_unclamped(scope.in(0));
  const Constant& thresholds = scope.constant(1, "thresholds");
  if (thresholds.shape.size() != 2 || thresholds.shape[1] < 1 || thresholds.shape[1] > 65536)
    throw Error("its thresholds are not [channels, steps]");
  const bool channels_last = op.text("data_layout", "NCHW") == "NHWC" || (x.rank() != 2 && x.rank() != 4);
  const std::size_t axis = channels_last ? x.rank() - 1 : 1;
  if (axis >= x.rank()) throw Error("its input has no channel axis");
  const auto channels = static_cast<std::size_t>(x.shape[axis]);
  const auto rows = static_cast<std::size_t>(thresholds.shape[0]);
  if (rows != 1 && rows != channels) throw Error("it has thresholds for another number of channels");
  const auto steps = static_cast<std::size_t>(thresholds.shape[1]);
  const std::vector<Real> reals = exact_elements(thresholds);

  Extents along(x.rank(), 1);
  along[axis] = x.shape[axis];
  const auto per_channel = [&](const Coefficients& a) {
    const Spread spread = spread_of(a);
    if (spread.kind == Spread::Kind::element ||
        (spread.kind == Spread::Kind::axis && spread.axis != static_cast<int>(axis)))
      throw Error("its input's scale differs within a channel; put a quantizer before it");
    return expand(a, along);
  };
  const Coefficients scale = per_channel(x.scale);
  const Coefficients offset = per_channel(x.offset);
  const auto channel_of = broadcast_indices(along, x.shape);
  const auto& ranges = scope.lowering().builder().range(x.node);
  std::vector<network::Interval> range(channels, {1, 0});
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    network::Interval& hull = range[channel_of[i]];
    hull = hull.low > hull.high
               ? ranges[i]
               : network::Interval{std::min(hull.low, ranges[i].low), std::max(hull.high, ranges[i].high)};
  }
  network::Threshold node;
  node.steps = static_cast<int>(steps);
  node.axis = Lowering::axis_of(x, static_cast<int>(axis));
  for (std::size_t channel = 0; channel < channels; ++channel) {
    const auto first = reals.begin() + static_cast<std::ptrdiff_t>((rows == 1 ? 0 : channel) * steps);
    threshold_row(scale.values[channel], offset.values[channel],
                  {first, first + static_cast<std::ptrdiff_t>(steps)}, range[channel], node);
  }
  Value result = x;
  int width = 1;
  while (steps >> width) ++width;
  Lowering& lowering = scope.lowering();
  result.node = lowering.builder().add(lowering.next_name(), node, {x.node}, network::Type{false, width, 0});
  lowering.report().exactness.tables += 1;
  scope.out(scaled(result, Coefficients::uniform(0, to_rational(op.real("out_scale", 1))),
                   Coefficients::uniform(0, to_rational(op.real("out_bias", 0)))));
}

void float_quant(const Scope&) {
  throw Error(
      "it rounds to floating-point numbers, which an integer network cannot hold; train with Quant "
      "(fixed point) instead");
}

void dynamic_quantize(const Scope&) {
  throw Error(
      "it computes its scale from the data, so that no fixed integer program is equal to it; calibrate and "
      "export static quantization");
}

}  // namespace

Coefficients along_axis(const Constant& constant, std::size_t rank, std::int64_t axis, const Extents& shape) {
  if (constant.shape.empty() || element_count(constant.shape) == 1)
    return Coefficients::uniform(rank, exact_elements(constant).at(0));
  if (constant.shape.size() != 1)
    throw Error("its scale is given by blocks; one value per tensor or channel is supported");
  if (axis < 0) axis += static_cast<std::int64_t>(rank);
  if (axis < 0 || axis >= static_cast<std::int64_t>(rank)) throw Error("its axis is outside its input");
  if (shape[static_cast<std::size_t>(axis)] != constant.shape[0])
    throw Error("its scale has " + std::to_string(constant.shape[0]) + " values for an axis of " +
                std::to_string(shape[static_cast<std::size_t>(axis)]));
  Coefficients result{Extents(rank, 1), exact_elements(constant)};
  result.shape[static_cast<std::size_t>(axis)] = constant.shape[0];
  return result;
}

Quantizer linear_quantizer(const Constant& scale, const Constant* zero, const Value& x, std::int64_t axis,
                           const std::string& element) {
  Quantizer quantizer;
  quantizer.scale = along_axis(scale, x.rank(), axis, x.shape);
  quantizer.zero_inside = Coefficients::uniform(0, 0);
  quantizer.zero_after = zero ? along_axis(*zero, x.rank(), axis, x.shape) : Coefficients::uniform(0, 0);
  const std::string name = zero && !zero->element.empty() ? zero->element : element;
  const auto type = integer_type(name);
  if (!type) throw Error("it quantizes to " + name + ", which is no integer type of at most 32 bits");
  quantizer.type = *type;
  quantizer.low = network::lowest(*type);
  quantizer.high = network::highest(*type);
  quantizer.integer_result = true;
  return quantizer;
}

Value dequantized(const Value& x, const Constant& scale, const Constant* zero, std::int64_t axis) {
  const Coefficients steps = along_axis(scale, x.rank(), axis, x.shape);
  const Coefficients zeros =
      zero ? along_axis(*zero, x.rank(), axis, x.shape) : Coefficients::uniform(x.rank(), 0);
  const Coefficients offset = combine(steps, zeros, [](const Real& s, const Real& z) { return -(s * z); });
  for (const Real& step : steps.values) {
    if (step.sign() < 0) throw Error("its scale is negative");
  }
  if (x.is_constant()) {
    Constant constant = as_integers(*x.constant);
    if (!constant.scale.all(1)) throw Error("it dequantizes a constant that is not of an integer type");
    return constant_value(scaled(constant, steps, offset));
  }
  Value result = x;
  if (x.has_clamp() || !x.is_integer) throw Error("it dequantizes a value that is not of an integer type");
  result.is_integer = false;
  result.scale = simplify(combine(x.scale, steps, multiply));
  result.offset = simplify(combine(combine(x.offset, steps, multiply), offset,
                                   [](const Real& a, const Real& b) { return a + b; }));
  return result;
}

namespace {

void quantize_linear(const Scope& scope) {
  const Operator& op = scope.op();
  if (op.integer("block_size", 0) != 0)
    throw Error("it quantizes by blocks; per tensor or per channel is supported");
  const Constant* zero = scope.has(2) ? &scope.constant(2, "zero point") : nullptr;
  const std::string stated = element_name(op.integer("output_dtype", 0));
  const Value& x = scope.in(0);
  const Quantizer quantizer = linear_quantizer(scope.constant(1, "scale"), zero, x, op.integer("axis", 1),
                                               stated.empty() ? "uint8" : stated);
  scope.out(scope.quantize(x, quantizer));
}

void dequantize_linear(const Scope& scope) {
  const Operator& op = scope.op();
  if (op.integer("block_size", 0) != 0)
    throw Error("it dequantizes by blocks; per tensor or per channel is supported");
  const Constant* zero = scope.has(2) ? &scope.constant(2, "zero point") : nullptr;
  scope.out(dequantized(scope.in(0), scope.constant(1, "scale"), zero, op.integer("axis", 1)));
}

void cast(const Scope& scope) {
  const std::string element = element_name(scope.op().integer("to", 0));
  const bool to_integer = integer_type(element) || element == "int64" || element == "uint64";
  const Value& x = scope.in(0);
  if (element.empty()) throw Error("it casts to an element type that crible does not know");
  if (!to_integer || x.is_integer) {
    Value result = x;
    if (x.is_constant()) {
      Constant constant = *x.constant;
      constant.is_integer = to_integer;
      constant.element = element;
      result = constant_value(constant);
    }
    result.is_integer = to_integer;
    return scope.out(result);
  }
  Quantizer quantizer;
  quantizer.scale = Coefficients::uniform(0, 1);
  quantizer.zero_inside = Coefficients::uniform(0, 0);
  quantizer.zero_after = Coefficients::uniform(0, 0);
  quantizer.rounding = Rounding::toward_zero;
  quantizer.type = integer_type(element).value_or(network::Type{true, 32, 0});
  quantizer.low = network::lowest(quantizer.type);
  quantizer.high = network::highest(quantizer.type);
  quantizer.integer_result = true;
  scope.out(scope.quantize(x, quantizer));
}

}  // namespace

std::vector<OperatorEntry> quantizer_operators() {
  return {
      {"qonnx", "Quant", quant, Place::quantizing},
      {"qonnx", "IntQuant", quant, Place::quantizing},
      {"qonnx", "BipolarQuant", bipolar_quant, Place::quantizing},
      {"qonnx", "Trunc", trunc},
      {"qonnx", "MultiThreshold", multi_threshold},
      {"qonnx", "FloatQuant", float_quant},
      {"", "QuantizeLinear", quantize_linear, Place::quantizing},
      {"com.microsoft", "QuantizeLinear", quantize_linear, Place::quantizing},
      {"", "DequantizeLinear", dequantize_linear},
      {"com.microsoft", "DequantizeLinear", dequantize_linear},
      {"", "DynamicQuantizeLinear", dynamic_quantize, Place::before_input},
      {"", "Cast", cast, Place::before_input},
  };
}

}  // namespace crible::importers::graph
