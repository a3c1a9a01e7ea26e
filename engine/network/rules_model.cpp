#include <algorithm>
#include <cmath>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/strides.hpp"
#include "engine/network/verify.hpp"
#include "engine/network/verify_scope.hpp"

/// Ends of the network, and the two operations with a model of their own inside.
namespace crible::network::rules {

namespace {

void check_edges(const Call& call, const std::vector<std::vector<double>>& edges) {
  const Shape& shape = call.declared_shape();
  const std::size_t lanes = shape.empty() ? 1 : static_cast<std::size_t>(shape.back());
  call.require(edges.size() == 1 || edges.size() == lanes,
               "has neither one row of edges nor one for each element of the last axis");
  std::size_t longest = 0;
  for (const std::vector<double>& row : edges) {
    longest = std::max(longest, row.size());
    bool good = true;
    for (std::size_t i = 0; good && i < row.size(); ++i) {
      good = std::isfinite(row[i]) && (i == 0 || row[i - 1] < row[i]);
    }
    call.require(good, "has edges that are not finite or do not ascend");
  }
  call.require(contains(call.declared_type(), static_cast<std::int64_t>(longest) + 1),
               "has more edges than its type can count; use a wider type");
}

void check_encoding(const Call& call, const Encoding& encoding) {
  call.require(std::isfinite(encoding.scale) && encoding.scale > 0, "has a scale that is not positive");
  call.require(std::isfinite(encoding.offset), "has an offset that is not finite");
  call.require(encoding.zero_point >= -max_product && encoding.zero_point <= max_product,
               "has a zero_point beyond 2^62");
}

/// Every inner node but the root is the child of exactly one earlier node, and all indices are inside.
void check_tree(const Call& call, const Tree& tree, int outputs, int features) {
  call.require(tree.output >= 0 && tree.output < outputs, "has a tree for an output that it does not have");
  call.require(!tree.leaves.empty(), "has a tree without leaves");
  const auto nodes = static_cast<int>(tree.nodes.size());
  const auto leaves = static_cast<long long>(tree.leaves.size());
  std::vector<int> parents(tree.nodes.size(), 0);
  for (int i = 0; i < nodes; ++i) {
    const TreeNode& node = tree.nodes[static_cast<std::size_t>(i)];
    call.require(node.feature >= 0 && node.feature < features, "splits on a feature that its input lacks");
    call.require(node.categories.empty() || node.threshold == 0,
                 "has a categorical split with a threshold; it must be 0");
    for (std::size_t k = 1; k < node.categories.size(); ++k) {
      call.require(node.categories[k - 1] < node.categories[k], "has categories that do not ascend");
    }
    for (const int child : {node.left, node.right}) {
      if (child >= 0) {
        call.require(child > i && child < nodes, "has a tree node whose child is not a later node");
        call.require(++parents[static_cast<std::size_t>(child)] == 1, "has a tree node with two parents");
      } else {
        call.require(~static_cast<long long>(child) < leaves, "has a tree node whose leaf does not exist");
      }
    }
  }
  for (int i = 1; i < nodes; ++i) {
    call.require(parents[static_cast<std::size_t>(i)] == 1, "has a tree node that nothing leads to");
  }
}

struct Body {
  std::vector<NodeId> inputs;
  std::vector<NodeId> outputs;
};

/// Checks step, states and results of the body against the node's inputs.
Body check_body_ends(const Call& call, const Network& body) {
  const Body ends{inputs_of(body), outputs_of(body)};
  const auto node = [&](NodeId id) -> const Node& { return body.nodes[static_cast<std::size_t>(id)]; };
  call.require(ends.inputs.size() == ends.outputs.size() + 1,
               "has a body that needs one more input than outputs: the step, then each state");
  call.require(call.inputs.size() == ends.inputs.size(),
               "needs the sequence and one initial state for each state of its body");
  const Shape& sequence = call[0].shape();
  call.require(!sequence.empty(), "needs a sequence: an input with at least one axis");
  const Node& step = node(ends.inputs[0]);
  call.require(step.type == call[0].type() && step.shape == Shape(sequence.begin() + 1, sequence.end()),
               "has a body whose first input is not one step of its sequence in type and shape");
  for (std::size_t i = 0; i < ends.outputs.size(); ++i) {
    const Node& state = node(ends.inputs[i + 1]);
    const Node& next = node(ends.outputs[i]);
    const Node& initial = *call[i + 1].node;
    if (next.type != state.type || next.shape != state.shape) {
      call.fail("has a body that turns state '" + state.name + "' of " + network::to_string(state.type) +
                " " + network::to_string(state.shape) + " into " + network::to_string(next.type) + " " +
                network::to_string(next.shape) + "; both must be equal");
    }
    if (initial.type != state.type || initial.shape != state.shape) {
      call.fail("starts state '" + state.name + "' of " + network::to_string(state.type) + " " +
                network::to_string(state.shape) + " from " + network::to_string(initial.type) + " " +
                network::to_string(initial.shape) + "; both must be equal");
    }
  }
  return ends;
}

}  // namespace

Result input_rule(const Call& call, const Input& input) {
  call.require_inputs(0);
  Result result;
  result.type_rule = TypeRule::declared;
  result.type = call.declared_type();
  result.shape = call.declared_shape();
  if (result.type.width > 32) call.fail("has the type s64; an input has at most 32 bits");
  check_encoding(call, input.encoding);
  if (!input.encoding.edges.empty()) check_edges(call, input.encoding.edges);
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  result.range.assign(element_count(result.shape), {lowest(result.type), highest(result.type)});
  return result;
}

Result constant_rule(const Call& call, const Constant& constant) {
  call.require_inputs(0);
  Result result;
  result.type_rule = TypeRule::declared;
  result.type = call.declared_type();
  result.shape = call.declared_shape();
  if (constant.values.size() != element_count(result.shape)) {
    call.fail("has " + std::to_string(constant.values.size()) + " values for shape " +
              network::to_string(result.shape));
  }
  for (const std::int64_t value : constant.values) {
    if (!contains(result.type, value)) {
      call.fail("has the value " + std::to_string(value) + " outside its type " +
                network::to_string(result.type));
    }
    result.range.push_back({value, value});
  }
  return result;
}

Result output_rule(const Call& call, const Output& output) {
  call.require_inputs(1);
  check_encoding(call, output.encoding);
  call.require(output.encoding.edges.empty(), "has edges; only inputs are encoded by rank");
  Result result;
  result.type = call[0].type();
  result.shape = call[0].shape();
  result.range = *call[0].range;
  return result;
}

Result tree_ensemble_rule(const Call& call, const TreeEnsemble& ensemble) {
  call.require_inputs(1);
  const Shape& shape = call[0].shape();
  if (shape.size() != 1) {
    call.fail("has an input of shape " + network::to_string(shape) + "; its features are one axis");
  }
  if (call[0].type().width > 32) call.fail("has a 64-bit input; requantize it to at most 32 bits first");
  call.require(ensemble.outputs > 0 && static_cast<std::size_t>(ensemble.outputs) <= max_elements,
               "has no outputs, or too many");
  const auto outputs = static_cast<std::size_t>(ensemble.outputs);
  call.require(ensemble.bias.size() == outputs, "has not one bias for each output");
  call.require(ensemble.leaf_fraction >= -max_fraction && ensemble.leaf_fraction <= max_fraction,
               "has fraction bits beyond 4096; rescale its leaves");
  std::vector<LinearBounds> bounds(outputs);
  for (std::size_t o = 0; o < outputs; ++o) {
    add_term(bounds[o].total, bounds[o].sums, ensemble.bias[o], ensemble.bias[o]);
  }
  for (const Tree& tree : ensemble.trees) {
    check_tree(call, tree, ensemble.outputs, shape[0]);
    const auto [low, high] = std::minmax_element(tree.leaves.begin(), tree.leaves.end());
    LinearBounds& bound = bounds[static_cast<std::size_t>(tree.output)];
    add_term(bound.total, bound.sums, *low, *high);
  }
  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = ensemble.leaf_fraction;
  result.shape = {ensemble.outputs};
  for (const LinearBounds& bound : bounds) {
    include(result.sums, bound.sums);
    result.range.push_back(narrow(bound.total));
  }
  return result;
}

Result recurrent_rule(const Call& call, const Recurrent& recurrent) {
  call.require(recurrent.body != nullptr, "has no body");
  call.require(call.depth < max_body_depth, "lies deeper than 8 bodies within bodies");
  const Ranges ranges = verify_within(*recurrent.body, call.locations, call.depth + 1);
  const Body ends = check_body_ends(call, *recurrent.body);
  const bool exists = recurrent.emit >= 0 && static_cast<std::size_t>(recurrent.emit) < ends.outputs.size();
  call.require(exists, "emits a state that its body does not have");
  const auto emitted = static_cast<std::size_t>(ends.outputs[static_cast<std::size_t>(recurrent.emit)]);
  const Node& state = recurrent.body->nodes[emitted];
  Result result;
  result.type = state.type;
  result.shape = state.shape;
  const int steps = recurrent.sequence ? call[0].shape()[0] : 1;
  if (recurrent.sequence) result.shape.insert(result.shape.begin(), steps);
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  for (int step = 0; step < steps; ++step) {
    result.range.insert(result.range.end(), ranges[emitted].begin(), ranges[emitted].end());
  }
  return result;
}

}  // namespace crible::network::rules
