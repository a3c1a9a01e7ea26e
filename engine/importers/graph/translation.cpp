#include "engine/importers/graph/translation.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::importers::graph {

namespace {

using network::Rounding;

/// Whether round(v + n) = round(v) + n for this whole number n.
bool commutes_with_rounding(const Integer& n, Rounding rounding) {
  switch (rounding) {
    case Rounding::floor:
    case Rounding::ceil:
    case Rounding::half_up:
    case Rounding::half_down:
      return true;
    case Rounding::half_even:
      return !bit_test(Integer(abs(n)), 0);
    case Rounding::toward_zero:
    case Rounding::away_from_zero:
    case Rounding::half_away:
    case Rounding::half_toward_zero:
      return n == 0;
  }
  return false;
}

/// The encoding of an input whose value x meets round(factor * x + shift) + zero.
std::optional<network::Encoding> encoding_of(const Real& factor, const Real& shift, std::int64_t zero,
                                             Rounding rounding) {
  if (!factor.is_rational() || !shift.is_rational() || factor.sign() <= 0) return std::nullopt;
  network::Encoding encoding;
  const auto scale = exact_double(1 / factor.rational());
  if (!scale) return std::nullopt;
  encoding.scale = *scale;
  encoding.rounding = rounding;
  encoding.zero_point = zero;
  const Integer whole = floor(shift.rational());
  if (Rational(whole) == shift.rational() && abs(whole) < (Integer(1) << 32) &&
      commutes_with_rounding(whole, rounding)) {
    encoding.zero_point += whole.convert_to<std::int64_t>();
    return encoding;
  }
  const auto offset = exact_double(-shift.rational() / factor.rational());
  if (!offset) return std::nullopt;
  encoding.offset = *offset;
  return encoding;
}

}  // namespace

Lowering& Scope::lowering() const {
  return translation_.lowering();
}
const Model& Scope::model() const {
  return translation_.model();
}

const Value& Scope::in(std::size_t index) const {
  if (!has(index)) throw Error("input " + std::to_string(index + 1) + " is missing");
  return translation_.value(op_.inputs[index]);
}

const Constant& Scope::constant(std::size_t index, const char* what) const {
  const Value& value = in(index);
  if (!value.is_constant())
    throw Error(std::string("its ") + what + " is computed from the model's input; it must be a constant");
  return *value.constant;
}

void Scope::out(Value value, std::size_t index) const {
  if (index < op_.outputs.size() && !op_.outputs[index].empty())
    translation_.set(op_.outputs[index], std::move(value));
}

Value Scope::quantize(const Value& value, const Quantizer& quantizer) const {
  if (translation_.resolving() && value.open_input >= 0) {
    translation_.bind(value, quantizer);
    Value unknown = value;
    unknown.is_unknown = true;
    return unknown;
  }
  return lowering().quantize(value, quantizer);
}

void Scope::note(const std::string& sentence) const {
  auto& notes = lowering().report().notes;
  if (std::find(notes.begin(), notes.end(), sentence) == notes.end()) notes.push_back(sentence);
}

Translation::Translation(const Model& model, const ImportOptions& options, std::string source)
    : model_(model), options_(options), source_(std::move(source)) {}

const Value& Translation::value(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw Error("it reads '" + name + "', which nothing before it produces");
  return found->second;
}

void Translation::set(const std::string& name, Value value) {
  if (element_count(value.shape) > (std::size_t{1} << 24))
    throw Error("its result " + to_string(value.shape) + " is larger than crible accepts (2^24 elements)");
  values_[name] = std::move(value);
}

void Translation::fail(const Operator& op, const std::string& why) const {
  throw Error(source_ + ": node '" + op.name + "' (" + op.kind + "): " + why);
}

void Translation::check_input_names() const {
  for (const auto& [name, type] : options_.input_types) {
    if (name.empty() && model_.inputs.size() == 1) continue;
    const bool known =
        std::any_of(model_.inputs.begin(), model_.inputs.end(),
                    [&, &wanted = name](const Declaration& input) { return input.name == wanted; });
    if (known) continue;
    std::string names;
    for (const Declaration& input : model_.inputs) names += (names.empty() ? "" : ", ") + input.name;
    throw Error(source_ + ": it has no input '" + name + "' to give a type to; its inputs are: " + names);
  }
}

std::optional<InputBinding> Translation::given_binding(const Declaration& input) const {
  auto found = options_.input_types.find(input.name);
  if (found == options_.input_types.end()) found = options_.input_types.find("");
  if (found == options_.input_types.end()) return std::nullopt;
  const InputType& given = found->second;
  const Rational step = given.step ? to_rational(given.step->first) / to_rational(given.step->second)
                                   : gcd(to_rational(std::ldexp(1.0, -given.type.fraction)), 0);
  InputBinding binding{given.type, {}};
  binding.encoding.scale = to_double(step);
  return binding;
}

std::optional<InputBinding> Translation::typed_binding(const Declaration& input) const {
  const auto type = integer_type(input.element);
  if (!type) return std::nullopt;
  return InputBinding{*type, {}};
}

void Translation::declare_inputs() {
  bindings_.assign(model_.inputs.size(), std::nullopt);
  obstacles_.assign(model_.inputs.size(), "");
  check_input_names();
  for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
    bindings_[i] = given_binding(model_.inputs[i]);
    if (!bindings_[i]) bindings_[i] = typed_binding(model_.inputs[i]);
  }
}

Value Translation::input_value(std::size_t index) {
  const Declaration& input = model_.inputs[index];
  const auto refuse = [&](const std::string& why) {
    throw Error(source_ + ": input '" + input.name + "' " + why);
  };
  if (!input.has_shape) refuse("has no shape; export the model with one");
  Value value;
  value.shape = input.shape;
  if (!value.shape.empty() && (value.shape[0] == -1 || value.shape[0] == 1)) {
    value.shape[0] = 1;
    value.batch = 0;
  }
  for (const std::int64_t extent : value.shape) {
    if (extent < 1) refuse("has an open extent besides the events; export the model with a fixed shape");
  }
  constexpr std::size_t most_input_elements = std::size_t{1} << 22;
  if (element_count(value.shape) > most_input_elements)
    refuse("is larger than crible accepts (2^22 elements)");
  const std::size_t rank = value.shape.size();
  // While its type is open an input stands for itself, with the widest type.
  const InputBinding binding = bindings_[index].value_or(InputBinding{{true, 32, 0}, {}});
  if (!bindings_[index]) value.open_input = static_cast<int>(index);
  const network::Encoding& encoding = binding.encoding;
  value.node = lowering_->builder().input(lowering_->builder().unique_name(input.name),
                                          Lowering::shape_of(value), binding.type, encoding);
  const Rational scale = to_rational(encoding.scale);
  value.is_integer = integer_type(input.element).has_value();
  value.scale = Coefficients::uniform(rank, scale);
  value.offset =
      Coefficients::uniform(rank, to_rational(encoding.offset) - scale * Rational(encoding.zero_point));
  return value;
}

void Translation::bind(const Value& argument, const Quantizer& quantizer) {
  const auto index = static_cast<std::size_t>(argument.open_input);
  const auto refuse = [&](const std::string& why) {
    if (obstacles_[index].empty()) obstacles_[index] = why;
  };
  const Coefficients scale = simplify(quantizer.scale);
  const Coefficients inside = simplify(quantizer.zero_inside);
  const Coefficients after = simplify(quantizer.zero_after);
  if (!argument.scale.is_uniform() || !argument.offset.is_uniform() || !scale.is_uniform() ||
      !inside.is_uniform() || !after.is_uniform())
    return refuse("meets a quantizer that differs by channel");
  const Real factor = argument.scale.values[0] / scale.values[0];
  const Real shift = argument.offset.values[0] / scale.values[0] + inside.values[0];
  const std::int64_t zero = to_int64(after.values[0].floor()).value_or(0);
  const auto encoding = encoding_of(factor, shift, zero, quantizer.rounding);
  if (!encoding) return refuse("meets a quantizer whose scale no double holds exactly");
  InputBinding found{type_for(quantizer.low, quantizer.high, quantizer.type), *encoding};
  const Coefficients step = Coefficients::uniform(0, to_rational(encoding->scale));
  if (encoding->zero_point == 0 && encoding->offset == 0) found.type.fraction = fraction_of(step);
  if (bindings_[index] && !(*bindings_[index] == found)) return refuse("meets two different quantizers");
  bindings_[index] = found;
}

void Translation::translate(const Operator& op) {
  const OperatorEntry* entry = find_operator(op.domain, op.kind);
  int open = -1;
  bool unknown = false;
  for (const std::string& input : op.inputs) {
    if (input.empty()) continue;
    const Value& argument = value(input);
    unknown = unknown || argument.is_unknown;
    if (argument.open_input >= 0) open = argument.open_input;
    const bool is_curve = argument.dropped == "Sigmoid" || argument.dropped == "Tanh";
    if (!argument.dropped.empty() && entry && entry->place != Place::rearranging &&
        entry->place != Place::after_final && !(is_curve && entry->place == Place::quantizing))
      throw Error(
          "it follows a " + argument.dropped +
          ", which has no exact integer form inside a network; put a quantizer and a table there, or end "
          "the model before it");
  }
  const auto skip = [&] {
    for (const std::string& output : op.outputs) {
      Value value;
      value.is_unknown = true;
      if (!output.empty()) set(output, value);
    }
  };
  if (unknown) return skip();
  if (!entry) {
    std::string what = "crible does not know this operator";
    if (!op.domain.empty()) what += " of domain '" + op.domain + "'";
    throw Error(what + "; remove it or replace it by operators that docs/models.md lists");
  }
  if (open >= 0 && entry->place != Place::before_input && entry->place != Place::quantizing &&
      entry->place != Place::rearranging) {
    auto& obstacle = obstacles_[static_cast<std::size_t>(open)];
    if (obstacle.empty())
      obstacle = "is used by node '" + op.name + "' (" + op.kind + ") without a quantizer";
    return skip();
  }
  lowering_->begin(op.name);
  entry->handler(Scope(*this, op));
  for (const std::string& output : op.outputs) {
    const auto found = values_.find(output);
    if (found != values_.end() && open >= 0 && !found->second.is_constant()) found->second.open_input = open;
  }
}

void Translation::walk() {
  lowering_.emplace(model_.name.empty() ? "network" : model_.name);
  for (std::size_t i = 0; i < model_.inputs.size(); ++i) values_[model_.inputs[i].name] = input_value(i);
  for (const Declaration& output : model_.outputs) lowering_->reserve(output.name);
  for (const Operator& op : model_.operators) {
    const bool done =
        !op.outputs.empty() && std::all_of(op.outputs.begin(), op.outputs.end(), [&](const auto& name) {
          const auto found = values_.find(name);
          return found != values_.end() && found->second.is_constant();
        });
    if (done) continue;
    try {
      translate(op);
    } catch (const Error& error) {
      fail(op, error.what());
    }
  }
}

void Translation::make_outputs() {
  if (model_.outputs.empty()) throw Error(source_ + ": it has no output");
  for (const Declaration& output : model_.outputs) {
    try {
      lowering_->output(output.name, value(output.name));
    } catch (const Error& error) {
      throw Error(source_ + ": output '" + output.name + "': " + error.what());
    }
  }
}

ImportResult Translation::run() {
  for (const auto& [name, constant] : model_.constants) values_[name] = constant_value(constant);
  declare_inputs();
  const bool any_open = std::any_of(bindings_.begin(), bindings_.end(), [](const auto& b) { return !b; });
  if (any_open) {
    resolving_ = true;
    walk();
    resolving_ = false;
    for (std::size_t i = 0; i < bindings_.size(); ++i) {
      if (bindings_[i] && obstacles_[i].empty()) continue;
      const std::string& name = model_.inputs[i].name;
      throw Error(
          source_ + ": input '" + name + "' " + (obstacles_[i].empty() ? "is not used" : obstacles_[i]) +
          "; give its type with --input-type " + name + "=s16.10 (signed, 16 bits, 10 of them fraction)");
    }
    std::erase_if(values_, [](const auto& entry) { return !entry.second.is_constant(); });
  }
  walk();
  make_outputs();
  ImportResult result;
  result.report = lowering_->report();
  result.report.producer = model_.producer;
  result.network = lowering_->builder().finish();
  return result;
}

}  // namespace crible::importers::graph
