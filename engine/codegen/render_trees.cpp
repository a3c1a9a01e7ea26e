#include <algorithm>
#include <numeric>
#include <optional>

#include "engine/codegen/renderer.hpp"

/// Tree ensembles: each event walks down, or, in a block, all nodes are compared for 16 events at once.
namespace crible::codegen {

using namespace network;

/// All trees of an ensemble, sorted by output, as parallel lists. Children >= 0 are nodes, others ~leaf.
struct Forest {
  std::vector<std::size_t> order;        // of the trees in the ensemble
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

  explicit Forest(const TreeEnsemble& ensemble) : order(ensemble.trees.size()) {
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

namespace {

/// All trees with as many levels as the deepest has: a node that is not there has the same leaf on both
/// sides. Nodes and leaves stand level by level.
struct FullTrees {
  int levels = 0;
  std::vector<std::int64_t> feature{};    // [trees][2^levels - 1]
  std::vector<std::int64_t> threshold{};  // brought into the features' range, or just below it
  std::vector<std::int64_t> missing_left{};
  std::vector<std::int64_t> leaves{};  // [trees][2^levels]
  Interval range{};                    // of the features

  std::size_t nodes() const { return (std::size_t{1} << levels) - 1; }

  void place(const Tree& tree, int at, int level, std::size_t position) {
    if (level == levels) {
      const std::size_t first = leaves.size() - nodes() - 1;
      leaves[first + position - nodes()] = tree.leaves[static_cast<std::size_t>(~at)];
      return;
    }
    int left = at;
    int right = at;
    if (at >= 0) {
      const TreeNode& node = tree.nodes[static_cast<std::size_t>(at)];
      const std::size_t own = feature.size() - nodes() + position;
      feature[own] = node.feature;
      threshold[own] = std::clamp(node.threshold, range.low - 1, range.high);
      missing_left[own] = node.missing_left ? -1 : 0;
      left = node.left;
      right = node.right;
    }
    place(tree, left, level + 1, 2 * position + 1);
    place(tree, right, level + 1, 2 * position + 2);
  }

  void add(const Tree& tree) {
    feature.resize(feature.size() + nodes(), 0);
    threshold.resize(feature.size(), range.high);
    missing_left.resize(feature.size(), 0);
    leaves.resize(leaves.size() + nodes() + 1, 0);
    place(tree, tree.nodes.empty() ? ~0 : 0, 0, 0);
  }
};

int depth(const Tree& tree, int at) {
  if (at < 0) return 0;
  const TreeNode& node = tree.nodes[static_cast<std::size_t>(at)];
  return 1 + std::max(depth(tree, node.left), depth(tree, node.right));
}

/// Nothing where nodes ask for categories, or trees are so deep that most of the nodes would be compared in
/// vain.
std::optional<FullTrees> full_trees(const TreeEnsemble& ensemble, const Forest& forest, Interval range) {
  constexpr int most_levels = 6;
  FullTrees full;
  full.range = range;
  for (const Tree& tree : ensemble.trees) {
    full.levels = std::max(full.levels, depth(tree, tree.nodes.empty() ? ~0 : 0));
  }
  if (full.levels == 0 || full.levels > most_levels || !forest.categories.empty()) return std::nullopt;
  for (const std::size_t tree : forest.order) full.add(ensemble.trees[tree]);
  return full;
}

}  // namespace

/// Leaves `n`: ~ the number of the leaf that the event reaches in `tree`.
void Renderer::walk_tree(Scope& scope, NodeId id, const TreeEnsemble& o, const Forest& forest) {
  const NodeId x = scope.node(id).inputs[0];
  const auto list = [&](const char* what, const std::vector<std::int64_t>& values) {
    return table(join("c_", scope.name(id), "_", what), values);
  };
  code_.line("i32 n = ", list("roots", forest.root), "[tree];");
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
}

void Renderer::tree_ensemble(Scope& scope, NodeId id, const TreeEnsemble& o) {
  const Forest forest(o);
  if (has_vectors(scope, id) && trees_block(scope, id, o, forest)) return;
  const Node& node = scope.node(id);
  const auto list = [&](const char* what, const std::vector<std::int64_t>& values) {
    return table(join("c_", scope.name(id), "_", what), values);
  };
  const char* type = scope.wide_sum(id) ? "i64" : "i32";
  const std::string bias = list("bias", o.bias);
  const std::string leaves = list("leaves", forest.leaves);
  const std::string first_tree = list("first_tree", forest.first_tree);

  Place found;
  if (is_group()) {  // the trees are shared by the lanes, then summed
    found = new_array(join("t_", scope.name(id), "_leaf"), Element::i32,
                      std::max<std::size_t>(o.trees.size(), 1));
    open_each(o.trees.size());
    code_.line("const i32 tree = i;");
    walk_tree(scope, id, o, forest);
    code_.line(at(found, "i"), " = ~n;");
    close_each();
  }
  const Chain chain = begin(scope, id);
  open_each(element_count(node.shape));
  code_.line(type, " sum = ", bias, "[i];");
  code_.open("for (i32 tree = ", first_tree, "[i]; tree < ", first_tree, "[i + 1]; ++tree)");
  if (!is_group()) walk_tree(scope, id, o, forest);
  code_.line("sum += ", leaves, "[", is_group() ? at(found, "tree") : "~n", "];");
  code_.close();
  finish(scope, chain, "sum", "i");
  close_each();
}

/// From the lowest nodes to the root, each node takes the leaf that its left or its right side has found.
/// False, and nothing written, where the trees or their features do not suit.
bool Renderer::trees_block(Scope& scope, NodeId id, const TreeEnsemble& o, const Forest& forest) {
  const Node& node = scope.node(id);
  const Place& x = scope.place(node.inputs[0]);
  const Interval range = scope.range(node.inputs[0]);
  const std::optional<FullTrees> full = full_trees(o, forest, range);
  if (!full || !fits_i32({range.low - 1, range.high})) return false;
  const auto list = [&](const char* what, const std::vector<std::int64_t>& values) {
    return table(join("c_", scope.name(id), "_", what), values);
  };
  const bool shorts = smallest_element({range.low - 1, range.high}) <= Element::i16;
  const char* element = shorts ? "i16" : "i32";
  const bool same = x.element == (shorts ? Element::i16 : Element::i32);
  const bool may_miss = o.missing && *o.missing >= range.low && *o.missing <= range.high;
  const std::string first_tree = list("first_tree", forest.first_tree);
  const std::string feature = list("full_feature", full->feature);
  const std::string threshold = table(join("c_", scope.name(id), "_full_threshold"),
                                      shorts ? Element::i16 : Element::i32, full->threshold);
  const std::string leaves = list("full_leaves", full->leaves);

  const Chain chain = begin(scope, id);
  code_.open("for (i32 i = 0; i < ", element_count(node.shape), "; ++i)");
  code_.line("VECTORS ", scope.wide_sum(id) ? "i64" : "i32", " sums[EVENTS];");
  code_.line("for (i32 e = 0; e < EVENTS; ++e) sums[e] = ", list("bias", o.bias), "[i];");
  code_.open("for (i32 tree = ", first_tree, "[i]; tree < ", first_tree, "[i + 1]; ++tree)");
  const int widest = 1 << (full->levels - 1);
  code_.line(element, "x16 leaf[", widest, "];");
  for (int width = widest; width > 0; width /= 2) {
    code_.open("for (i32 n = 0; n < ", width, "; ++n)");
    code_.line("const i32 node = tree * ", full->nodes(), " + ", width - 1, " + n;");
    const std::string value = vector(x, feature + "[node]");
    code_.line("const ", element, "x16 x = ", same ? value : join(shorts ? "SHORTS(" : "INTS(", value, ")"),
               ";");
    std::string left = join("x <= ", threshold, "[node]");
    if (may_miss) {
      const std::string own = join("EVERY(", list("full_missing_left", full->missing_left), "[node])");
      left = join("CHOOSE(x == (", element, ")", literal(*o.missing, false), ", ",
                  shorts ? join("SHORTS(", own, ")") : own, ", ", left, ")");
    }
    code_.line("const ", element, "x16 left = ", left, ";");
    if (width == widest) {
      code_.line("leaf[n] = left + (", element, ")(2 * n + 1);");
    } else {
      code_.line("leaf[n] = CHOOSE(left, leaf[2 * n], leaf[2 * n + 1]);");
    }
    code_.close();
  }
  code_.line("VECTORS ", element, " number[EVENTS];");
  code_.line("*(", element, "x16*)number = leaf[0];");
  code_.line("for (i32 e = 0; e < EVENTS; ++e) sums[e] += ", leaves, "[tree * ", full->nodes() + 1,
             " + number[e]];");
  code_.close();
  open_events();
  finish(scope, chain, "sums[e]", "i");
  close_events();
  code_.close();
  end_step();
  return true;
}

}  // namespace crible::codegen
