#include "backends/cpu/plan/planner.hpp"

// A recurrent node is its body once for each step: the states are only names for the body's results.
namespace crible::backends::cpu {

using network::Node;

void Planner::plan_recurrent(Context& context, int id, const network::Recurrent& recurrent) {
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor sequence = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const auto steps =
      static_cast<std::size_t>(context.network.nodes[static_cast<std::size_t>(node.inputs[0])].shape[0]);
  const std::size_t slice = sequence.size() / steps;
  const network::Ranges body_ranges = network::verify(*recurrent.body);

  std::vector<Tensor> states;
  for (std::size_t i = 1; i < node.inputs.size(); ++i) {
    states.push_back(context.tensors[static_cast<std::size_t>(node.inputs[i])]);
  }
  std::vector<Tensor> emitted(steps);
  for (std::size_t i = 0; i < steps; ++i) {
    const std::size_t step = recurrent.reverse ? steps - 1 - i : i;
    const auto first = sequence.begin() + static_cast<std::ptrdiff_t>(step * slice);
    std::vector<Tensor> inputs{Tensor(first, first + static_cast<std::ptrdiff_t>(slice))};
    inputs.insert(inputs.end(), states.begin(), states.end());
    states = plan_nodes(*recurrent.body, body_ranges, std::move(inputs), false);
    emitted[step] = states[static_cast<std::size_t>(recurrent.emit)];
  }
  Tensor& result = context.tensors[at];
  if (!recurrent.sequence) {
    result = states[static_cast<std::size_t>(recurrent.emit)];
    return;
  }
  for (const Tensor& step : emitted) result.insert(result.end(), step.begin(), step.end());
}

}  // namespace crible::backends::cpu
