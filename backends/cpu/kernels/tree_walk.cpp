#include "backends/cpu/kernels/kernel.hpp"

// Tree ensembles of any kind, walked node by node.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

bool is_member(const std::int64_t* categories, std::uint32_t begin, std::uint32_t end, std::int64_t x) {
  while (begin < end) {
    const std::uint32_t middle = begin + (end - begin) / 2;
    if (categories[middle] == x) return true;
    if (categories[middle] < x) {
      begin = middle + 1;
    } else {
      end = middle;
    }
  }
  return false;
}

template <int E, class T>
std::int64_t leaf_of(const TreeWalk& t, const WalkTree& tree, const Frame& frame, int lane) {
  if (tree.nodes == nullptr) return tree.leaves[0];
  std::int32_t at = 0;
  while (at >= 0) {
    const WalkNode& node = tree.nodes[at];
    const std::int64_t x = row<E, T>(frame, node.feature)[lane];
    bool left;
    if (t.has_missing && x == t.missing) {
      left = node.missing_left;
    } else if (node.categories_begin != node.categories_end) {
      left = is_member(t.categories, node.categories_begin, node.categories_end, x);
    } else {
      left = x <= node.threshold;
    }
    at = left ? node.left : node.right;
  }
  return tree.leaves[~at];
}

template <int E, class T, class Out>
void tree_walk(const void* data, const Frame& frame) {
  const auto& t = as<TreeWalk>(data);
  const int events = E == 1 ? 1 : static_cast<int>(frame.events);
  for (std::uint32_t output = 0; output < t.outputs; ++output) {
    Out* out = row<E, Out>(frame, t.out[output]);
    for (int lane = 0; lane < E; ++lane) out[lane] = static_cast<Out>(t.bias[output]);
    for (int lane = 0; lane < events; ++lane) {
      std::int64_t sum = t.bias[output];
      for (std::uint32_t tree = t.begin[output]; tree < t.begin[output + 1]; ++tree) {
        sum += leaf_of<E, T>(t, t.trees[tree], frame, lane);
      }
      out[lane] = static_cast<Out>(sum);
    }
  }
}

}  // namespace

template <int E>
void add_tree_walks(StepFunction* table) {
  table[index(Kind::tree_walk_32_32)] = tree_walk<E, std::int32_t, std::int32_t>;
  table[index(Kind::tree_walk_32_64)] = tree_walk<E, std::int32_t, std::int64_t>;
  table[index(Kind::tree_walk_64_32)] = tree_walk<E, std::int64_t, std::int32_t>;
  table[index(Kind::tree_walk_64_64)] = tree_walk<E, std::int64_t, std::int64_t>;
}

template void add_tree_walks<1>(StepFunction* table);
template void add_tree_walks<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
