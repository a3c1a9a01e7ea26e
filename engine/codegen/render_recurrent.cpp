#include "engine/codegen/renderer.hpp"

namespace crible::codegen {

using namespace network;

/// The body is rendered once, inside a loop over time. Each step computes the next states into arrays of
/// their own, which then become the states.
void Renderer::recurrent(Scope& scope, NodeId id, const Recurrent& o) {
  const Node& node = scope.node(id);
  const NodeId sequence = node.inputs[0];
  const int steps = scope.node(sequence).shape[0];
  const auto step_elements = static_cast<int>(element_count(scope.node(sequence).shape)) / steps;
  const std::string prefix = scope.name(id) + "_";
  Scope body = open_scope(*o.body, prefix);
  const std::vector<NodeId> inputs = inputs_of(*o.body);
  const std::vector<NodeId> outputs = outputs_of(*o.body);

  std::vector<Place> states;
  for (std::size_t s = 0; s < outputs.size(); ++s) {
    const Node& state = body.node(inputs[s + 1]);
    const Element element = smallest_element({lowest(state.type), highest(state.type)});
    const std::size_t elements = element_count(state.shape);
    states.push_back(new_array(join("s_", prefix, s), element, elements));
    open_each(elements);
    code_.line(at(states[s], "i"), " = (", name(element), ")", read(scope, node.inputs[s + 1], "i"), ";");
    close_each();
    Place next = new_array(join("s_", prefix, "next_", s), element, elements);
    body.outputs[static_cast<std::size_t>(outputs[s])] = next;
    body.place(inputs[s + 1]) = states[s];
    body.done[static_cast<std::size_t>(inputs[s + 1])] = true;
  }
  const std::size_t count = element_count(body.node(inputs[static_cast<std::size_t>(o.emit) + 1]).shape);
  const Element element = smallest_element(scope.range(id));
  Place all;
  if (o.sequence) {
    all = new_array(join("t_", scope.name(id), "_all"), element, element_count(node.shape));
  }

  const std::string time = fresh("time_" + scope.name(id));
  if (o.reverse) {
    code_.open("for (i32 ", time, " = ", steps - 1, "; ", time, " >= 0; --", time, ")");
  } else {
    code_.open("for (i32 ", time, " = 0; ", time, " < ", steps, "; ++", time, ")");
  }
  arena_.begin_loop();
  Place step = scope.place(sequence);
  step.base.emplace_back(time, step_elements);
  body.place(inputs[0]) = step;
  body.done[static_cast<std::size_t>(inputs[0])] = true;
  render_scope(body);
  for (std::size_t s = 0; s < outputs.size(); ++s) {
    const Place& next = body.outputs[static_cast<std::size_t>(outputs[s])];
    open_each(element_count(body.node(inputs[s + 1]).shape));
    code_.line(at(states[s], "i"), " = ", at(next, "i"), ";");
    if (o.sequence && s == static_cast<std::size_t>(o.emit)) {
      code_.line(at(all, join(time, " * ", count, " + i")), " = (", name(element), ")", at(next, "i"), ";");
    }
    close_each();
  }
  arena_.end_loop();
  code_.close();

  const Place& result = o.sequence ? all : states[static_cast<std::size_t>(o.emit)];
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  finish(scope, chain, at(result, "i"), "i");
  close_each();
}

}  // namespace crible::codegen
