#include "engine/quantize/reader.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/quantize/read.hpp"

namespace crible::quantize {

namespace {

using importers::element_count;
using importers::graph::Declaration;
using importers::graph::Model;
using importers::graph::Operator;

constexpr std::size_t most_elements = std::size_t{1} << 22;  // as in a network

const NodeEntry* find_entry(const std::string& kind) {
  static const std::vector<NodeEntry> all = [] {
    std::vector<NodeEntry> entries;
    for (const auto table : {linear_nodes, elementwise_nodes, layout_nodes, pool_nodes, recurrent_nodes}) {
      const auto part = table();
      entries.insert(entries.end(), part.begin(), part.end());
    }
    return entries;
  }();
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& e) { return e.kind == kind; });
  return found == all.end() ? nullptr : &*found;
}

bool is_quantizer(const Operator& op) {
  for (const char* kind : {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "Quant", "IntQuant",
                           "BipolarQuant", "FloatQuant", "Trunc", "MultiThreshold"}) {
    if (op.kind == kind) return true;
  }
  return op.kind.starts_with("QLinear") || op.kind.ends_with("Integer");
}

Tensor tensor_of(const importers::graph::Constant& constant) {
  std::vector<double> values = constant.reals;
  if (constant.has_integers()) values.assign(constant.integers.begin(), constant.integers.end());
  return constant_tensor(constant.shape, std::move(values));
}

}  // namespace

Tensor constant_tensor(Extents shape, std::vector<double> values) {
  Tensor tensor;
  tensor.shape = std::move(shape);
  tensor.values = std::move(values);
  return tensor;
}

network::Shape event_shape(const Tensor& tensor) {
  network::Shape shape;
  for (std::size_t i = 0; i < tensor.rank(); ++i) {
    if (static_cast<int>(i) != tensor.batch) shape.push_back(static_cast<int>(tensor.shape[i]));
  }
  return shape;
}

std::size_t axis_in(std::int64_t axis, std::size_t rank) {
  const auto extent = static_cast<std::int64_t>(rank);
  if (axis < -extent || axis >= extent)
    throw Error("its axis " + std::to_string(axis) + " is outside a tensor of " + std::to_string(rank) +
                " axes");
  return static_cast<std::size_t>(axis < 0 ? axis + extent : axis);
}

int event_axis(const Tensor& tensor, std::int64_t axis) {
  const int place = static_cast<int>(axis_in(axis, tensor.rank()));
  if (place == tensor.batch) throw Error("it works along the axis of events; an event is decided by itself");
  return tensor.batch >= 0 && place > tensor.batch ? place - 1 : place;
}

std::vector<std::int64_t> whole_numbers(const Tensor& constant) {
  constexpr double most = 0x1p53;
  std::vector<std::int64_t> numbers;
  for (const double value : constant.values) {
    if (std::isnan(value)) throw Error("a whole number is needed");
    numbers.push_back(static_cast<std::int64_t>(std::clamp(value, -most, most)));
  }
  return numbers;
}

const Tensor& Node::in(std::size_t index) const {
  if (!has(index)) throw Error("input " + std::to_string(index + 1) + " is missing");
  return reader_.tensor(op_.inputs[index]);
}

const Tensor& Node::constant(std::size_t index, const char* what) const {
  const Tensor& tensor = in(index);
  if (!tensor.is_constant())
    throw Error(std::string("its ") + what + " is computed from the model's input; it must be a constant");
  for (const double value : tensor.values) {
    if (!std::isfinite(value))
      throw Error(std::string("its ") + what + " holds an infinity or NaN; train the model again");
  }
  return tensor;
}

const Tensor& Node::computed(std::size_t index, const char* what) const {
  const Tensor& tensor = in(index);
  if (tensor.is_constant())
    throw Error(std::string("its ") + what + " is a constant; fold constants before (onnxsim)");
  return tensor;
}

void Node::out(Tensor tensor, std::size_t index) const {
  if (has_output(index)) reader_.set(op_.outputs[index], std::move(tensor));
}

void Node::out_step(Operation operation, const std::vector<const Tensor*>& inputs, Extents shape, int batch,
                    std::size_t index) const {
  Tensor result;
  result.shape = std::move(shape);
  result.batch = batch;
  std::vector<StepId> ids;
  for (const Tensor* input : inputs) ids.push_back(input->step);
  result.step = reader_.add(op_.name, std::move(operation), std::move(ids), event_shape(result));
  out(std::move(result), index);
}

Reader::Reader(const Model& model, std::string source) : model_(model) {
  program_.source = std::move(source);
  program_.producer = model.producer;
}

const Tensor& Reader::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) throw Error("it reads '" + name + "', which nothing before it produces");
  return found->second;
}

void Reader::set(const std::string& name, Tensor tensor) {
  if (element_count(tensor.shape) > most_elements)
    throw Error("its result " + importers::to_string(tensor.shape) +
                " is larger than a network may be (2^22 elements)");
  tensors_[name] = std::move(tensor);
}

void Reader::note(const std::string& sentence) {
  auto& notes = program_.notes;
  if (std::find(notes.begin(), notes.end(), sentence) == notes.end()) notes.push_back(sentence);
}

StepId Reader::add(const std::string& name, Operation operation, std::vector<StepId> inputs,
                   network::Shape shape) {
  program_.steps.push_back({name, {name}, std::move(operation), std::move(inputs), std::move(shape)});
  return static_cast<StepId>(program_.steps.size()) - 1;
}

StepId Reader::replace(StepId id, const std::string& name, Operation operation) {
  Step step = program_.step(id);
  step.layers.push_back(name);
  step.operation = std::move(operation);
  program_.steps.push_back(std::move(step));
  return static_cast<StepId>(program_.steps.size()) - 1;
}

void Reader::declare_inputs() {
  for (const Declaration& input : model_.inputs) {
    const auto refuse = [&](const std::string& why) {
      throw Error(program_.source + ": input '" + input.name + "' " + why);
    };
    if (!input.has_shape) refuse("has no shape; export the model with one");
    Tensor tensor;
    tensor.shape = input.shape;
    if (!tensor.shape.empty() && (tensor.shape[0] == -1 || tensor.shape[0] == 1)) {
      tensor.shape[0] = 1;
      tensor.batch = 0;
    }
    for (const std::int64_t extent : tensor.shape) {
      if (extent < 1) refuse("has an open extent besides the events; export the model with a fixed shape");
    }
    if (element_count(tensor.shape) > most_elements)
      refuse("is larger than a network may be (2^22 elements)");
    tensor.step = add(input.name, Input{}, {}, event_shape(tensor));
    program_.inputs.push_back(tensor.step);
    tensors_[input.name] = std::move(tensor);
  }
  if (program_.inputs.empty()) throw Error(program_.source + ": it has no input");
}

void Reader::translate(const Operator& op) {
  if (is_quantizer(op))
    throw Error("it quantizes, so that this is no float model any more; use `crible import`, which is exact");
  const Node node(*this, op);
  const NodeEntry* entry = op.domain.empty() ? find_entry(op.kind) : nullptr;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    if (!node.has(i) || node.in(i).dropped.empty() || (entry && entry->after_final)) continue;
    throw Error("it follows a " + node.in(i).dropped +
                ", which an integer network has only at its end; remove it, or end the model before it");
  }
  if (fold_constants(node)) return;
  if (entry) return entry->handler(node);
  std::string what = "crible quantize does not know this operator";
  if (!op.domain.empty()) what += " of domain '" + op.domain + "'";
  throw Error(what + "; replace it by operators that docs/quantize.md lists");
}

void Reader::make_outputs() {
  if (model_.outputs.empty()) throw Error(program_.source + ": it has no output");
  for (const Declaration& output : model_.outputs) {
    const auto found = tensors_.find(output.name);
    if (found == tensors_.end() || found->second.is_constant())
      throw Error(program_.source + ": output '" + output.name + "' does not depend on the model's input");
    StepId id = found->second.step;
    std::string dropped = found->second.dropped;
    if (const auto* function = std::get_if<Function>(&step(id).operation)) {
      dropped = function->curve == Curve::tanh ? "Tanh" : "Sigmoid";
      id = step(id).inputs[0];
    }
    program_.outputs.push_back({output.name, id});
    if (!dropped.empty())
      note("output '" + output.name + "': the final " + dropped + " is left out; the output is its argument");
  }
}

void Reader::remove_unused() {
  std::vector<bool> used(program_.steps.size(), false);
  for (const StepId id : program_.inputs) used[static_cast<std::size_t>(id)] = true;
  for (const ProgramOutput& output : program_.outputs) used[static_cast<std::size_t>(output.step)] = true;
  for (std::size_t i = used.size(); i-- > 0;) {
    if (!used[i]) continue;
    for (const StepId input : program_.steps[i].inputs) used[static_cast<std::size_t>(input)] = true;
  }
  std::vector<StepId> place(used.size(), -1);
  std::vector<Step> kept;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) continue;
    place[i] = static_cast<StepId>(kept.size());
    kept.push_back(std::move(program_.steps[i]));
    for (StepId& input : kept.back().inputs) input = place[static_cast<std::size_t>(input)];
  }
  program_.steps = std::move(kept);
  for (StepId& id : program_.inputs) id = place[static_cast<std::size_t>(id)];
  for (ProgramOutput& output : program_.outputs) output.step = place[static_cast<std::size_t>(output.step)];
}

Program Reader::run() {
  for (const auto& [name, constant] : model_.constants) tensors_[name] = tensor_of(constant);
  declare_inputs();
  for (const Operator& op : model_.operators) {
    if (op.outputs.empty()) continue;
    try {
      translate(op);
    } catch (const Error& error) {
      throw Error(program_.source + ": node '" + op.name + "' (" + op.kind + "): " + error.what());
    }
  }
  make_outputs();
  remove_unused();
  return std::move(program_);
}

Program parse_program(std::string_view bytes, const std::string& source) {
  const Model model = importers::graph::read_model(bytes, source);
  return Reader(model, source).run();
}

Program read_program(const std::filesystem::path& path) {
  constexpr std::size_t most_bytes = std::size_t{1} << 31;
  const std::string bytes = read_file(path);
  if (bytes.size() >= most_bytes) throw Error(path.string() + ": larger than 2 GiB; no trigger network is");
  return parse_program(bytes, path.string());
}

}  // namespace crible::quantize
