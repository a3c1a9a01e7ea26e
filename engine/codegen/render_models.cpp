#include <algorithm>
#include <numeric>

#include "engine/codegen/renderer.hpp"

/// The two operations with a model of their own inside.
namespace crible::codegen {

using namespace network;

namespace {

/// All trees of an ensemble, sorted by output, as parallel lists. Children >= 0 are nodes, others ~leaf.
struct Forest {
  std::vector<std::int64_t> first_tree;  // [outputs + 1]
  std::vector<std::int64_t> root;        // by tree
  std::vector<std::int64_t> feature;     // by node
  std::vector<std::int64_t> threshold;
  std::vector<std::int64_t> left;
  std::vector<std::int64_t> right;
  std::vector<std::int64_t> missing_left;
  std::vector<std::int64_t> category_begin;  // equal to the end: a threshold
  std::vector<std::int64_t> category_end;
  std::vector<std::int64_t> categories;
  std::vector<std::int64_t> leaves;

  explicit Forest(const TreeEnsemble& ensemble) {
    std::vector<std::size_t> order(ensemble.trees.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return ensemble.trees[i].output; });
    first_tree.assign(static_cast<std::size_t>(ensemble.outputs) + 1, 0);
    for (const std::size_t i : order) {
      add(ensemble.trees[i]);
      ++first_tree[static_cast<std::size_t>(ensemble.trees[i].output) + 1];
    }
    std::partial_sum(first_tree.begin(), first_tree.end(), first_tree.begin());
  }

 private:
  void add(const Tree& tree) {
    const auto first_node = static_cast<std::int64_t>(feature.size());
    const auto first_leaf = static_cast<std::int64_t>(leaves.size());
    const auto child = [&](int at) { return at >= 0 ? first_node + at : ~(first_leaf + ~at); };
    root.push_back(child(tree.nodes.empty() ? ~0 : 0));
    for (const TreeNode& node : tree.nodes) {
      feature.push_back(node.feature);
      threshold.push_back(node.threshold);
      left.push_back(child(node.left));
      right.push_back(child(node.right));
      missing_left.push_back(node.missing_left);
      category_begin.push_back(static_cast<std::int64_t>(categories.size()));
      categories.insert(categories.end(), node.categories.begin(), node.categories.end());
      category_end.push_back(static_cast<std::int64_t>(categories.size()));
    }
    leaves.insert(leaves.end(), tree.leaves.begin(), tree.leaves.end());
  }
};

}  // namespace

void Renderer::tree_ensemble(Scope& scope, NodeId id, const TreeEnsemble& o) {
  const Node& node = scope.node(id);
  const NodeId x = node.inputs[0];
  const Forest forest(o);
  const std::string stem = join("c_", scope.name(id), "_");
  const auto list = [&](const char* what, const std::vector<std::int64_t>& values) {
    return table(stem + what, values);
  };
  const bool wide = scope.wide_sum(id);
  const char* type = wide ? "i64" : "i32";
  const std::string bias = list("bias", o.bias);
  const std::string leaves = list("leaves", forest.leaves);
  const std::string roots = list("roots", forest.root);
  const std::string first_tree = list("first_tree", forest.first_tree);

  const auto walk = [&] {
    code_.line("i32 n = ", roots, "[tree];");
    if (forest.feature.empty()) return;
    code_.open("while (n >= 0)");
    code_.line("const ", scope.wide(x) ? "i64" : "i32",
               " x = ", read(scope, x, list("feature", forest.feature) + "[n]"), ";");
    std::string left = join("x <= ", list("threshold", forest.threshold), "[n]");
    if (!forest.categories.empty()) {
      const std::string begin_list = list("category_begin", forest.category_begin);
      const std::string end_list = list("category_end", forest.category_end);
      code_.line("i32 is_left = ", begin_list, "[n] == ", end_list, "[n] && ", left, ";");
      code_.open("for (i32 k = ", begin_list, "[n]; k < ", end_list, "[n]; ++k)");
      code_.line("is_left |= x == ", list("categories", forest.categories), "[k];");
      code_.close();
      left = "is_left";
    }
    if (o.missing) {
      left = join("(x == ", literal(*o.missing, !fits_i32({*o.missing, *o.missing})), " ? ",
                  list("missing_left", forest.missing_left), "[n] : ", left, ")");
    }
    code_.line("n = ", left, " ? ", list("left", forest.left), "[n] : ", list("right", forest.right), "[n];");
    code_.close();
  };

  if (is_group()) {  // the trees are shared by the lanes, then summed
    Place found = new_array(join("t_", scope.name(id), "_leaf"), Element::i32,
                            std::max<std::size_t>(o.trees.size(), 1));
    open_each(o.trees.size());
    code_.line("const i32 tree = i;");
    walk();
    code_.line(at(found, "i"), " = ~n;");
    close_each();
    const Chain chain = begin(scope, id);
    open_each(element_count(node.shape));
    code_.line(type, " sum = ", bias, "[i];");
    code_.open("for (i32 tree = ", first_tree, "[i]; tree < ", first_tree, "[i + 1]; ++tree)");
    code_.line("sum += ", leaves, "[", at(found, "tree"), "];");
    code_.close();
    finish(scope, chain, "sum", "i");
    close_each();
    return;
  }
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  code_.line(type, " sum = ", bias, "[i];");
  code_.open("for (i32 tree = ", first_tree, "[i]; tree < ", first_tree, "[i + 1]; ++tree)");
  walk();
  code_.line("sum += ", leaves, "[~n];");
  code_.close();
  finish(scope, chain, "sum", "i");
  close_each();
}

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
