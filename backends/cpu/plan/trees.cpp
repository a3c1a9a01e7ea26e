#include "backends/cpu/plan/planner.hpp"

namespace crible::backends::cpu {

using network::Node;

void Planner::plan_trees(Context& context, int id, const network::TreeEnsemble& ensemble) {
  if (plan_tree_lanes(context, id, ensemble)) return;
  const auto at = static_cast<std::size_t>(id);
  const Node& node = context.network.nodes[at];
  const Tensor& in = context.tensors[static_cast<std::size_t>(node.inputs[0])];
  const bool in_64 = any_64(in);
  const bool out_64 = !fits_32(network::hull(context.ranges[at]));
  const std::vector<Row> features = rows_of(in, in_64);

  std::vector<std::int64_t> categories;
  std::vector<WalkTree> trees;
  std::vector<std::uint32_t> begin{0};
  for (int output = 0; output < ensemble.outputs; ++output) {
    for (const network::Tree& tree : ensemble.trees) {
      if (tree.output != output) continue;
      std::vector<WalkNode> nodes;
      for (const network::TreeNode& inner : tree.nodes) {
        const auto first = static_cast<std::uint32_t>(categories.size());
        categories.insert(categories.end(), inner.categories.begin(), inner.categories.end());
        nodes.push_back({features[static_cast<std::size_t>(inner.feature)], inner.left, inner.right, first,
                         static_cast<std::uint32_t>(categories.size()), inner.missing_left, inner.threshold});
      }
      trees.push_back(
          {nodes.empty() ? nullptr : plan_.keep_rows_in(nodes, &WalkNode::feature), plan_.keep(tree.leaves)});
    }
    begin.push_back(static_cast<std::uint32_t>(trees.size()));
  }
  context.tensors[at] = whole(new_base(context.ranges[at], out_64));
  const TreeWalk step{static_cast<std::uint32_t>(ensemble.outputs),
                      plan_.keep(begin),
                      plan_.keep(trees),
                      plan_.keep(categories),
                      plan_.keep(ensemble.bias),
                      ensemble.missing.has_value(),
                      ensemble.missing.value_or(0),
                      plan_.keep_rows(bases_.back().wide)};
  if (in_64) {
    emit(out_64 ? Kind::tree_walk_64_64 : Kind::tree_walk_64_32, step);
  } else {
    emit(out_64 ? Kind::tree_walk_32_64 : Kind::tree_walk_32_32, step);
  }
}

}  // namespace crible::backends::cpu
