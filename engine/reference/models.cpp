#include <algorithm>

#include "engine/reference/operations.hpp"

/// The two operations with a model of their own inside.
namespace crible::reference {

using namespace network;

namespace {

bool goes_left(const TreeNode& node, std::int64_t x, const std::optional<std::int64_t>& missing) {
  if (missing && x == *missing) return node.missing_left;
  if (!node.categories.empty()) {
    return std::find(node.categories.begin(), node.categories.end(), x) != node.categories.end();
  }
  return x <= node.threshold;
}

std::int64_t leaf_of(const Tree& tree, const Tensor& x, const std::optional<std::int64_t>& missing) {
  int at = tree.nodes.empty() ? ~0 : 0;
  while (at >= 0) {
    const TreeNode& node = tree.nodes[static_cast<std::size_t>(at)];
    at = goes_left(node, x[static_cast<std::size_t>(node.feature)], missing) ? node.left : node.right;
  }
  return tree.leaves[static_cast<std::size_t>(~at)];
}

}  // namespace

Tensor tree_ensemble(const Step& step, const TreeEnsemble& ensemble) {
  Tensor y = ensemble.bias;
  for (const Tree& tree : ensemble.trees) {
    y[static_cast<std::size_t>(tree.output)] += leaf_of(tree, step.input(0).data, ensemble.missing);
  }
  return y;
}

Tensor recurrent(const Step& step, const Recurrent& recurrent) {
  const Value& sequence = step.input(0);
  const int steps = sequence.shape[0];
  const auto step_elements = static_cast<std::ptrdiff_t>(sequence.data.size()) / steps;
  std::vector<Tensor> states;
  for (std::size_t i = 1; i < step.inputs.size(); ++i) states.push_back(step.input(i).data);
  std::vector<Tensor> emitted(static_cast<std::size_t>(steps));
  for (int count = 0; count < steps; ++count) {
    const int time = recurrent.reverse ? steps - 1 - count : count;
    const auto begin = sequence.data.begin() + time * step_elements;
    std::vector<Tensor> fed{Tensor(begin, begin + step_elements)};
    fed.insert(fed.end(), states.begin(), states.end());
    states = evaluate(*recurrent.body, fed);
    emitted[static_cast<std::size_t>(time)] = states[static_cast<std::size_t>(recurrent.emit)];
  }
  if (!recurrent.sequence) return states[static_cast<std::size_t>(recurrent.emit)];
  Tensor all;
  for (const Tensor& state : emitted) all.insert(all.end(), state.begin(), state.end());
  return all;
}

}  // namespace crible::reference
