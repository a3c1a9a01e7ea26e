#include <algorithm>

#include "hls/lowering.hpp"

/// The two operations with a model of their own inside.
namespace crible::hls {

using namespace network;

namespace {

/// One bit for each split; equal splits of different trees are one comparison.
WordId goes_left(Graph& graph, const TreeNode& node, WordId x, const std::optional<std::int64_t>& missing) {
  WordId left = graph.constant(0);
  if (node.categories.empty()) {
    left = graph.logic_not(graph.less(graph.constant(node.threshold), x));
  } else {
    for (const std::int64_t category : node.categories)
      left = graph.logic_or(left, graph.equal(x, graph.constant(category)));
  }
  if (!missing) return left;
  return graph.mux(graph.equal(x, graph.constant(*missing)), graph.constant(node.missing_left ? 1 : 0), left);
}

/// The leaf that x reaches below node `at` (a negative number is a leaf): a selector for each split.
WordId leaf_below(Graph& graph, const Tree& tree, int at, const std::vector<WordId>& x,
                  const std::optional<std::int64_t>& missing) {
  if (at < 0) return graph.constant(tree.leaves[static_cast<std::size_t>(~at)]);
  const TreeNode& node = tree.nodes[static_cast<std::size_t>(at)];
  const WordId left = goes_left(graph, node, x[static_cast<std::size_t>(node.feature)], missing);
  return graph.mux(left, leaf_below(graph, tree, node.left, x, missing),
                   leaf_below(graph, tree, node.right, x, missing));
}

}  // namespace

Forms lower_trees(const Lowering& at, const TreeEnsemble& ensemble) {
  const std::vector<WordId> x = at.words(0);
  Forms result;
  for (const std::int64_t bias : ensemble.bias) result.push_back(Form::constant(bias));
  for (const Tree& tree : ensemble.trees) {
    Form& sum = result[static_cast<std::size_t>(tree.output)];
    sum = sum + Form::of(leaf_below(at.graph, tree, tree.nodes.empty() ? ~0 : 0, x, ensemble.missing));
  }
  return result;
}

Forms lower_recurrent(const Lowering& at, const Recurrent& recurrent) {
  const int steps = at.input(0).shape[0];
  const Forms& sequence = at.input(0).elements;
  const auto step_elements = static_cast<std::ptrdiff_t>(sequence.size()) / steps;
  const std::vector<NodeId> body_inputs = inputs_of(*recurrent.body);
  const std::vector<NodeId> body_outputs = outputs_of(*recurrent.body);
  const auto shape_of = [&](NodeId id) { return recurrent.body->nodes[static_cast<std::size_t>(id)].shape; };
  std::vector<Tensor> states;
  for (std::size_t i = 1; i < at.inputs.size(); ++i) states.push_back(at.input(i));
  std::vector<Forms> emitted(static_cast<std::size_t>(steps));
  for (int count = 0; count < steps; ++count) {
    const int time = recurrent.reverse ? steps - 1 - count : count;
    const auto begin = sequence.begin() + time * step_elements;
    std::vector<Tensor> fed{{shape_of(body_inputs.front()), Forms(begin, begin + step_elements)}};
    fed.insert(fed.end(), states.begin(), states.end());
    std::vector<Tensor> tensors =
        lower_nodes(at.graph, *recurrent.body, fed, at.extra_depth, at.saturations, {});
    for (std::size_t i = 0; i < states.size(); ++i) {
      states[i] = std::move(tensors[static_cast<std::size_t>(body_outputs[i])]);
      for (Form& form : states[i].elements) form = Form::of(materialise(at.graph, form));
    }
    emitted[static_cast<std::size_t>(time)] = states[static_cast<std::size_t>(recurrent.emit)].elements;
  }
  if (!recurrent.sequence) return states[static_cast<std::size_t>(recurrent.emit)].elements;
  Forms all;
  for (const Forms& state : emitted) all.insert(all.end(), state.begin(), state.end());
  return all;
}

}  // namespace crible::hls
