#include "engine/reference/reference.hpp"

#include "engine/base/error.hpp"
#include "engine/reference/operations.hpp"

namespace crible::reference {

using namespace network;

std::size_t position(const Shape& shape, const Index& index) {
  std::size_t at = 0;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    at = at * static_cast<std::size_t>(shape[axis]) + static_cast<std::size_t>(index[axis]);
  }
  return at;
}

bool advance(const Shape& shape, Index& index) {
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    if (++index[axis] < shape[axis]) return true;
    index[axis] = 0;
  }
  return false;
}

namespace {

Tensor evaluate_node(const Step& step, const Tensor* fed) {
  return match(
      step.node.operation, [&](const Input&) { return *fed; }, [](const Constant& o) { return o.values; },
      [&](const Dense& o) { return dense(step, o); }, [&](const Conv& o) { return conv(step, o); },
      [&](const Add&) { return add(step); }, [&](const Subtract&) { return subtract(step); },
      [&](const Multiply&) { return multiply(step); },
      [&](const Requantize& o) { return requantize(step, o); },
      [&](const Threshold& o) { return threshold(step, o); },
      [&](const Lookup& o) { return lookup(step, o); }, [&](const Pool& o) { return pool(step, o); },
      [&](const Concat& o) { return concat(step, o); }, [&](const Reshape&) { return step.input(0).data; },
      [&](const Transpose& o) { return transpose(step, o); }, [&](const Slice& o) { return slice(step, o); },
      [&](const Pad& o) { return pad(step, o); }, [&](const Resize& o) { return resize(step, o); },
      [&](const Reduce& o) { return reduce(step, o); }, [&](const Sort& o) { return sort(step, o); },
      [&](const Compare& o) { return compare(step, o); }, [&](const Select&) { return select(step); },
      [&](const Clamp& o) { return clamp(step, o); }, [&](const LeakyRelu& o) { return leaky_relu(step, o); },
      [&](const TreeEnsemble& o) { return tree_ensemble(step, o); },
      [&](const Recurrent& o) { return recurrent(step, o); },
      [&](const Output&) { return step.input(0).data; });
}

void check_inputs(const Network& network, const std::vector<Tensor>& inputs) {
  const std::vector<NodeId> ids = inputs_of(network);
  if (inputs.size() != ids.size()) {
    throw Error("network '" + network.name + "' has " + std::to_string(ids.size()) +
                " inputs and was given " + std::to_string(inputs.size()) + "; give one array for each");
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Node& node = network.nodes[static_cast<std::size_t>(ids[i])];
    if (inputs[i].size() != element_count(node.shape)) {
      throw Error("input '" + node.name + "' has " + std::to_string(element_count(node.shape)) +
                  " elements and was given " + std::to_string(inputs[i].size()) + "; reshape the data");
    }
    for (const std::int64_t value : inputs[i]) {
      if (value < lowest(node.type) || value > highest(node.type)) {
        throw Error("input '" + node.name + "' of type " + to_string(node.type) + " was given the value " +
                    std::to_string(value) + "; keep the data inside the type");
      }
    }
  }
}

}  // namespace

std::vector<Tensor> evaluate_all(const Network& network, const std::vector<Tensor>& inputs) {
  check_inputs(network, inputs);
  std::vector<Value> values;
  values.reserve(network.nodes.size());
  std::size_t next_input = 0;
  for (const Node& node : network.nodes) {
    Step step{node, {}};
    for (const NodeId id : node.inputs) step.inputs.push_back(&values[static_cast<std::size_t>(id)]);
    const bool is_input = std::holds_alternative<Input>(node.operation);
    values.push_back({node.shape, evaluate_node(step, is_input ? &inputs[next_input] : nullptr)});
    if (is_input) ++next_input;
  }
  std::vector<Tensor> tensors;
  for (Value& value : values) tensors.push_back(std::move(value.data));
  return tensors;
}

std::vector<Tensor> evaluate(const Network& network, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> all = evaluate_all(network, inputs);
  std::vector<Tensor> outputs;
  for (const NodeId id : outputs_of(network)) outputs.push_back(std::move(all[static_cast<std::size_t>(id)]));
  return outputs;
}

}  // namespace crible::reference
