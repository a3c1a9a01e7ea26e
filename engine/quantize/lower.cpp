#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/quantize/lowering.hpp"

namespace crible::quantize {

namespace {

using network::Builder;
using network::NodeId;
using network::Type;

constexpr int end_bits = 16;  // of outputs that have to be rounded

double step_of(Type type) {
  return std::ldexp(1.0, -type.fraction);
}

bool all_equal(const std::vector<int>& values) {
  return std::all_of(values.begin(), values.end(), [&](int value) { return value == values.front(); });
}

std::vector<std::int64_t> fix_bias(const std::vector<double>& bias, const std::vector<double>& scale) {
  std::vector<std::int64_t> fixed;
  for (std::size_t i = 0; i < bias.size(); ++i)
    fixed.push_back(to_step(bias[i], scale[scale.size() == 1 ? 0 : i]));
  return fixed;
}

/// Scales of the sums of fixed weights, one entry where all are equal.
std::vector<double> sum_scales(const FixedRows& rows, double input_scale) {
  std::vector<double> scales;
  for (const int fraction : rows.fraction) scales.push_back(std::ldexp(input_scale, -fraction));
  if (all_equal(rows.fraction)) scales.resize(1);
  return scales;
}

/// The weight fraction of a node whose rows may differ: then its sums are integers of fraction 0, and the
/// requantize after it knows the scale of each.
int common_fraction(const FixedRows& rows, Type input) {
  return all_equal(rows.fraction) ? rows.fraction.front() : -input.fraction;
}

template <class Map>
std::string names_of(const Map& names) {
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + name;
  return list;
}

}  // namespace

Quantity add_dense(Builder& builder, const std::string& name, const Dense& layer, const Quantity& x, int bits,
                   bool per_channel) {
  const FixedRows rows = fix_weights(layer.weights, layer.bias, x.scale[0], bits, per_channel);
  Quantity result;
  result.scale = sum_scales(rows, x.scale[0]);
  network::Dense operation;
  operation.outputs = layer.outputs;
  operation.inputs = layer.inputs;
  operation.weight_fraction = common_fraction(rows, builder.node(x.node).type);
  operation.weights = rows.values;
  operation.bias = fix_bias(layer.bias, result.scale);
  result.node = builder.add(builder.unique_name(name), std::move(operation), {x.node});
  result.axis = static_cast<int>(builder.node(result.node).shape.size()) - 1;
  return result;
}

NodeId add_curve(Builder& builder, const std::string& name, Curve curve, const Quantity& argument,
                 int table_bits, Type type) {
  // Beyond these a curve is flat: tanh within 0.0007, the sigmoid within 0.0004.
  const int range_bits = curve == Curve::tanh ? 2 : 3;
  const Type index{true, table_bits, table_bits - 1 - range_bits};
  const NodeId place = requantize(builder, name + ".argument", argument, index, step_of(index));
  network::Lookup table;
  table.first = network::lowest(index);
  for (std::int64_t q = network::lowest(index); q <= network::highest(index); ++q) {
    const double y = apply(curve, std::ldexp(static_cast<double>(q), -index.fraction));
    table.table.push_back(
        std::clamp(to_step(y, step_of(type)), network::lowest(type), network::highest(type)));
  }
  return builder.add(builder.unique_name(name), std::move(table), {place}, type);
}

Widths::Widths(const Program& program, const Calibration& calibration, const Options& options)
    : program_(program), calibration_(calibration), options_(options) {}

Bits Widths::bits(StepId id) const {
  for (StepId at = id; at >= 0;) {
    const Step& step = program_.step(at);
    for (const std::string& name : step.layers) {
      const auto found = options_.layers.find(name);
      if (found != options_.layers.end()) return found->second;
    }
    // A clip belongs to the layer that it follows.
    at = std::holds_alternative<Clip>(step.operation) ? step.inputs[0] : -1;
  }
  return options_.bits;
}

int Widths::table_bits(StepId id) const {
  constexpr int most_usual = 12;
  if (options_.table_bits > 0) return options_.table_bits;
  return std::min(bits(id).activations + 3, most_usual);
}

Type Widths::type(StepId id, int bits, Slot slot) const {
  return calibration_.of(id, slot).type(bits, options_.range);
}

Type Widths::whole_type(StepId id, int bits, Slot slot) const {
  return calibration_.of(id, slot).type(bits, {RangeRule::Kind::all, 100});
}

Lowering::Lowering(const Program& program, const Calibration& calibration, const Options& options)
    : program_(program),
      calibration_(calibration),
      widths_(program, calibration, options),
      builder_("quantized") {}

std::string Lowering::free_name(const std::string& wanted) const {
  return reserved_.contains(wanted) ? builder_.unique_name(wanted + ".sum") : builder_.unique_name(wanted);
}

void Lowering::find_ends() {
  is_end_.assign(program_.steps.size(), true);
  for (std::size_t i = program_.steps.size(); i-- > 0;) {
    const Step& step = program_.steps[i];
    const bool moves = std::holds_alternative<network::Reshape>(step.operation) ||
                       std::holds_alternative<network::Transpose>(step.operation) ||
                       std::holds_alternative<network::Slice>(step.operation) ||
                       std::holds_alternative<Clip>(step.operation);
    for (const StepId input : step.inputs) {
      if (!moves || !is_end_[i]) is_end_[static_cast<std::size_t>(input)] = false;
    }
  }
}

Quantity Lowering::rounded(StepId id, const std::string& name, Type type) {
  const Quantity& from = wide(id);
  Quantity result;
  result.scale = {step_of(type)};
  const Type has = builder_.node(from.node).type;
  const bool same = has == type && from.is_uniform() && from.scale == result.scale;
  result.node = same ? from.node : requantize(builder_, free_name(name), from, type, result.scale[0]);
  const auto limit = [&](double value, std::int64_t otherwise) {
    return std::isfinite(value)
               ? std::clamp(to_step(value, result.scale[0]), network::lowest(type), network::highest(type))
               : otherwise;
  };
  const std::int64_t low = limit(from.low, network::lowest(type));
  const std::int64_t high = limit(from.high, network::highest(type));
  if (low > network::lowest(type) || high < network::highest(type))
    result.node = builder_.add(free_name(name + ".clip"), network::Clamp{low, high}, {result.node});
  return result;
}

Quantity Lowering::narrow(StepId id) {
  if (const auto found = narrow_.find(id); found != narrow_.end()) return found->second;
  const int bits = widths_.bits(id).activations;
  const Quantity& exact = wide(id);
  const bool is_narrow =
      exact.is_uniform() && !exact.has_clip() && builder_.node(exact.node).type.width <= bits;
  const Quantity result =
      is_narrow ? exact : rounded(id, program_.step(id).name + ".rounded", widths_.type(id, bits));
  narrow_.emplace(id, result);
  return result;
}

Quantity Lowering::input(StepId id) {
  const Step& step = program_.step(id);
  const auto& given = widths_.options().input_types;
  auto found = given.find(step.name);
  if (found == given.end()) found = given.find("");
  network::Encoding encoding;
  Type type;
  if (found != given.end()) {
    type = found->second.type;
    encoding.scale =
        found->second.step ? found->second.step->first / found->second.step->second : step_of(type);
  } else {
    type = widths_.type(id, widths_.bits(id).activations);
    encoding.scale = step_of(type);
  }
  Quantity result;
  result.scale = {encoding.scale};
  result.node = builder_.input(free_name(step.name), step.shape, type, encoding);
  return result;
}

Quantity Lowering::dense(StepId id, const Dense& layer) {
  const Step& step = program_.step(id);
  return add_dense(builder_, free_name(step.name), layer, narrow(step.inputs[0]), widths_.bits(id).weights,
                   widths_.options().per_channel);
}

Quantity Lowering::conv(StepId id, const Conv& layer) {
  const Step& step = program_.step(id);
  const Quantity x = narrow(step.inputs[0]);
  const FixedRows rows = fix_weights(layer.weights, layer.bias, x.scale[0], widths_.bits(id).weights,
                                     widths_.options().per_channel);
  Quantity result;
  result.scale = sum_scales(rows, x.scale[0]);
  network::Conv operation;
  operation.filters = layer.filters;
  operation.groups = layer.groups;
  operation.window = layer.window;
  operation.weight_fraction = common_fraction(rows, builder_.node(x.node).type);
  operation.weights = rows.values;
  operation.bias = fix_bias(layer.bias, result.scale);
  result.node = builder_.add(free_name(step.name), std::move(operation), {x.node});
  return result;
}

/// One requantize: factor and shift become its multipliers and offsets.
Quantity Lowering::affine(StepId id, const Affine& layer) {
  constexpr int precision_bits = 20;
  const Step& step = program_.step(id);
  const Quantity& exact = wide(step.inputs[0]);
  const bool direct =
      exact.is_uniform() && !exact.has_clip() && builder_.node(exact.node).type.width <= end_bits;
  const Quantity x = direct ? exact : narrow(step.inputs[0]);
  const Type type =
      widths_.type(id, is_end_[static_cast<std::size_t>(id)] ? end_bits : widths_.bits(id).activations);
  const double out = step_of(type);
  double most = 0;
  for (std::size_t i = 0; i < layer.factor.size(); ++i)
    most = std::max(
        {most, std::abs(layer.factor[i]) * x.scale[0] / out, std::abs(layer.shift[i]) / out * 0x1p-20});
  network::Requantize operation;
  const int shift = most > 0 ? std::clamp(precision_bits - std::ilogb(most), 0, 40) : 0;
  operation.shift = {shift};
  operation.axis = layer.axis;
  operation.rounding = network::Rounding::half_up;
  operation.multiplier.clear();
  operation.offset.clear();
  for (std::size_t i = 0; i < layer.factor.size(); ++i) {
    operation.multiplier.push_back(to_step(layer.factor[i] * x.scale[0] / out, std::ldexp(1.0, -shift)));
    operation.offset.push_back(to_step(layer.shift[i] / out, std::ldexp(1.0, -shift)));
  }
  Quantity result;
  result.scale = {out};
  result.node = builder_.add(free_name(step.name), std::move(operation), {x.node}, type);
  return result;
}

Quantity Lowering::sum(StepId id, const Sum& layer) {
  const Step& step = program_.step(id);
  std::vector<Quantity> parts{narrow(step.inputs[0]), narrow(step.inputs[1])};
  // The finer step, but no more than 12 bits below the coarser one.
  const double coarse = std::max(parts[0].scale[0], parts[1].scale[0]);
  const double scale = std::max(std::min(parts[0].scale[0], parts[1].scale[0]), std::ldexp(coarse, -12));
  for (Quantity& part : parts) {
    if (part.scale[0] == scale) continue;
    const Type has = builder_.node(part.node).type;
    const int wider = std::max(0, std::ilogb(part.scale[0] / scale) + 1);
    part.node = requantize(builder_, free_name(step.name + ".aligned"), part,
                           type_of(has.is_signed, std::min(32, has.width + wider), scale), scale);
  }
  Quantity result;
  result.scale = {scale};
  network::Operation operation = network::Add{};
  if (layer.subtract) operation = network::Subtract{};
  result.node = builder_.add(free_name(step.name), operation, {parts[0].node, parts[1].node});
  return result;
}

Quantity Lowering::product(StepId id) {
  const Step& step = program_.step(id);
  const Quantity a = narrow(step.inputs[0]);
  const Quantity b = narrow(step.inputs[1]);
  Quantity result;
  result.scale = {a.scale[0] * b.scale[0]};
  result.node = builder_.add(free_name(step.name), network::Multiply{}, {a.node, b.node});
  return result;
}

Quantity Lowering::clip(StepId id, const Clip& layer) {
  Quantity result = wide(program_.step(id).inputs[0]);
  const double low = std::clamp(result.low, layer.low, layer.high);
  result.high = std::clamp(result.high, layer.low, layer.high);
  result.low = low;
  return result;
}

Quantity Lowering::leaky_relu(StepId id, const network::LeakyRelu& layer) {
  const Step& step = program_.step(id);
  Quantity result = wide(step.inputs[0]).has_clip() ? narrow(step.inputs[0]) : wide(step.inputs[0]);
  result.node = builder_.add(free_name(step.name), layer, {result.node});
  for (double& scale : result.scale) scale = std::ldexp(scale, -layer.shift);
  return result;
}

Quantity Lowering::average_pool(StepId id, const AveragePool& layer) {
  const Step& step = program_.step(id);
  const Quantity x = narrow(step.inputs[0]);
  Quantity result;
  result.node =
      builder_.add(free_name(step.name), network::Pool{network::PoolKind::sum, layer.window}, {x.node});
  const std::vector<double> counts = window_counts(layer, program_.step(step.inputs[0]).shape);
  const bool same =
      std::all_of(counts.begin(), counts.end(), [&](double count) { return count == counts[0]; });
  result.scale.clear();
  const std::size_t elements = same ? 1 : network::element_count(step.shape);
  for (std::size_t i = 0; i < elements; ++i) result.scale.push_back(x.scale[0] / counts[i % counts.size()]);
  return result;
}

Quantity Lowering::reduce(StepId id, const Reduce& layer) {
  const Step& step = program_.step(id);
  Quantity result = narrow(step.inputs[0]);
  result.node = builder_.add(free_name(step.name), network::Reduce{layer.kind, layer.axis}, {result.node});
  result.scale[0] *= layer.factor;
  return result;
}

Quantity Lowering::function(StepId id, const Function& layer) {
  const Step& step = program_.step(id);
  const Quantity& exact = wide(step.inputs[0]);
  const Type type = widths_.type(id, widths_.bits(id).activations);
  Quantity result;
  result.scale = {step_of(type)};
  result.node = add_curve(builder_, free_name(step.name), layer.curve,
                          exact.has_clip() ? narrow(step.inputs[0]) : exact, widths_.table_bits(id), type);
  return result;
}

Quantity Lowering::concat(StepId id, const network::Concat& layer) {
  const Step& step = program_.step(id);
  const Type type =
      widths_.type(id, is_end_[static_cast<std::size_t>(id)] ? end_bits : widths_.bits(id).activations);
  Quantity result;
  result.scale = {step_of(type)};
  std::vector<NodeId> parts;
  for (const StepId input : step.inputs)
    parts.push_back(rounded(input, program_.step(input).name + ".joined", type).node);
  result.node = builder_.add(free_name(step.name), layer, parts);
  return result;
}

Quantity Lowering::moved(StepId id, network::Operation operation, bool is_layout) {
  const Step& step = program_.step(id);
  const bool exact = is_layout && is_end_[static_cast<std::size_t>(id)];
  Quantity result = exact ? uniform(builder_, free_name(step.name + ".aligned"), wide(step.inputs[0]))
                          : narrow(step.inputs[0]);
  const bool has_shape = std::holds_alternative<network::Reshape>(operation) ||
                         std::holds_alternative<network::Slice>(operation);
  const std::string name = free_name(step.name);
  result.node = has_shape ? builder_.add(name, std::move(operation), {result.node}, step.shape)
                          : builder_.add(name, std::move(operation), {result.node});
  return result;
}

Quantity Lowering::recurrent(StepId id, const Recurrent& layer) {
  const Step& step = program_.step(id);
  RecurrentParts parts = lower_recurrent(builder_, step.name, layer, id, narrow(step.inputs[0]), widths_);
  std::vector<NodeId> inputs{parts.gates.node};
  for (std::size_t i = 0; i < parts.initial.size(); ++i)
    inputs.push_back(builder_.constant(free_name(step.name + (i == 0 ? ".hidden" : ".cell")), {layer.hidden},
                                       parts.state_types[i], parts.initial[i]));
  Quantity result;
  result.scale = {step_of(parts.state_types[layer.emit == Emit::hidden ? 0 : 1])};
  result.node = builder_.add(free_name(step.name), std::move(parts.scan), inputs);
  return result;
}

Quantity Lowering::lower(StepId id) {
  return std::visit(network::Overloaded{
                        [&](const Input&) { return input(id); },
                        [&](const Dense& layer) { return dense(id, layer); },
                        [&](const Conv& layer) { return conv(id, layer); },
                        [&](const Affine& layer) { return affine(id, layer); },
                        [&](const Sum& layer) { return sum(id, layer); },
                        [&](const Product&) { return product(id); },
                        [&](const Clip& layer) { return clip(id, layer); },
                        [&](const network::LeakyRelu& layer) { return leaky_relu(id, layer); },
                        [&](const network::Pool& layer) { return moved(id, layer, false); },
                        [&](const AveragePool& layer) { return average_pool(id, layer); },
                        [&](const Reduce& layer) { return reduce(id, layer); },
                        [&](const Function& layer) { return function(id, layer); },
                        [&](const network::Concat& layer) { return concat(id, layer); },
                        [&](const network::Reshape& layer) { return moved(id, layer, true); },
                        [&](const network::Transpose& layer) { return moved(id, layer, true); },
                        [&](const network::Slice& layer) { return moved(id, layer, true); },
                        [&](const Recurrent& layer) { return recurrent(id, layer); },
                    },
                    program_.step(id).operation);
}

void Lowering::output(const ProgramOutput& output) {
  Quantity value = uniform(builder_, builder_.unique_name(output.name + ".aligned"), wide(output.step));
  if (value.has_clip()) {
    const network::Interval has = network::hull(builder_.range(value.node));
    const auto limit = [&](double real, std::int64_t otherwise) {
      return std::isfinite(real) ? std::clamp(to_step(real, value.scale[0]), has.low, has.high) : otherwise;
    };
    value.node =
        builder_.add(builder_.unique_name(output.name + ".clip"),
                     network::Clamp{limit(value.low, has.low), limit(value.high, has.high)}, {value.node});
  }
  network::Encoding encoding;
  encoding.scale = value.scale[0];
  reserved_.erase(output.name);
  builder_.output(builder_.unique_name(output.name), value.node, encoding);
}

LayerReport Lowering::report(StepId id) const {
  const Step& step = program_.step(id);
  LayerReport layer;
  layer.name = step.name;
  layer.kind = keyword(step.operation);
  const bool has_weights = std::holds_alternative<Dense>(step.operation) ||
                           std::holds_alternative<Conv>(step.operation) ||
                           std::holds_alternative<Recurrent>(step.operation);
  if (has_weights) layer.weight_bits = widths_.bits(id).weights;
  const auto found = narrow_.find(id);
  const Quantity& shown = found == narrow_.end() ? wide(id) : found->second;
  layer.rounded = found != narrow_.end();
  layer.type = builder_.node(shown.node).type;
  layer.low = calibration_.of(id).low();
  layer.high = calibration_.of(id).high();
  return layer;
}

Result Lowering::run() {
  find_ends();
  for (const ProgramOutput& output : program_.outputs) reserved_.insert(output.name);
  for (std::size_t i = 0; i < program_.steps.size(); ++i) {
    const auto id = static_cast<StepId>(i);
    try {
      wide_.push_back(lower(id));
    } catch (const Error& error) {
      throw Error(program_.source + ": node '" + program_.step(id).name + "': " + error.what());
    }
  }
  for (const ProgramOutput& end : program_.outputs) output(end);
  Result result;
  for (std::size_t i = 0; i < program_.steps.size(); ++i)
    result.layers.push_back(report(static_cast<StepId>(i)));
  result.network = builder_.finish();
  return result;
}

namespace {

void check_names(const Program& program, const Options& options) {
  std::set<std::string> layers;
  for (const Step& step : program.steps) layers.insert(step.layers.begin(), step.layers.end());
  for (const auto& [name, bits] : options.layers) {
    if (!layers.contains(name))
      throw Error(program.source + ": it has no node '" + name +
                  "' to give bits to; its nodes are: " + names_of(layers));
  }
  std::set<std::string> inputs;
  for (const StepId id : program.inputs) inputs.insert(program.step(id).name);
  for (const auto& [name, type] : options.input_types) {
    if (inputs.contains(name) || (name.empty() && inputs.size() == 1)) continue;
    throw Error(program.source + ": it has no input '" + name +
                "' to give a type to; its inputs are: " + names_of(inputs));
  }
}

}  // namespace

Bits parse_bits(const std::string& text, Bits bits) {
  const auto fail = [&] {
    throw Error("bits '" + text +
                "': give one number for all, as in 8, or wNaM, as in w6a8; weights and activations have 2 to "
                "16 bits");
  };
  std::size_t at = 0;
  const auto number = [&] {
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first || at - first > 2) fail();
    const int value = std::stoi(text.substr(first, at - first));
    if (value < 2 || value > 16) fail();
    return value;
  };
  if (text.empty()) fail();
  if (text[0] != 'w' && text[0] != 'a') bits.weights = bits.activations = number();
  if (at < text.size() && text[at] == 'w') ++at, bits.weights = number();
  if (at < text.size() && text[at] == 'a') ++at, bits.activations = number();
  if (at != text.size()) fail();
  return bits;
}

Result quantize(const Program& program, const Calibration& calibration, const Options& options) {
  check_names(program, options);
  return Lowering(program, calibration, options).run();
}

}  // namespace crible::quantize
