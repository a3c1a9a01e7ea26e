#include <algorithm>
#include <optional>

#include "backends/cpu/plan/planner.hpp"

// Tree ensembles for the kernels that compare all nodes at once, or go down all trees alike: features brought
// to few bits, trees filled up to four levels.
namespace crible::backends::cpu {
namespace {

using network::Interval;

constexpr int tree_levels = 4;
constexpr int full_nodes = 15;
constexpr int full_leaves = 16;
constexpr int group_trees = 32;
constexpr std::size_t most_features = 256;

/// A tree with all its levels: a node that is not there has any edge, and the same leaf on both sides.
struct FullTree {
  std::array<std::uint8_t, full_nodes> slot{};
  std::array<std::int64_t, full_nodes> edge{};  // goes left where edge > value - base
  std::array<std::int64_t, full_leaves> leaf{};
  int output = 0;
};

/// How the nodes see a feature; a missing value goes one way or the other, so it may be needed twice.
struct Slot {
  int feature = 0;
  bool missing_left = false;
  std::int64_t low = 0;  // least and greatest threshold
  std::int64_t high = 0;
};

class Filler {
 public:
  Filler(const network::TreeEnsemble& ensemble, const std::vector<Interval>& ranges)
      : ensemble_(ensemble), ranges_(ranges) {}

  bool fill() {
    for (const network::Tree& tree : ensemble_.trees) {
      for (const network::TreeNode& node : tree.nodes) {
        if (!node.categories.empty() || !see(node)) return false;
      }
    }
    for (const network::Tree& tree : ensemble_.trees) {
      FullTree full;
      full.output = tree.output;
      if (!place(tree, tree.nodes.empty() ? ~0 : 0, 0, 0, full)) return false;
      trees.push_back(full);
    }
    return true;
  }

  std::vector<Slot> slots;
  std::vector<FullTree> trees;

 private:
  /// A threshold outside of what the feature can be decides as the nearest one inside.
  std::int64_t threshold(const network::TreeNode& node) const {
    const Interval range = ranges_[static_cast<std::size_t>(node.feature)];
    return std::clamp(node.threshold, range.low - 1, range.high);
  }

  std::size_t slot_of(const network::TreeNode& node) const {
    const bool left = ensemble_.missing.has_value() && node.missing_left;
    std::size_t i = 0;
    while (i < slots.size() && (slots[i].feature != node.feature || slots[i].missing_left != left)) ++i;
    return i;
  }

  bool see(const network::TreeNode& node) {
    const std::size_t i = slot_of(node);
    const std::int64_t t = threshold(node);
    if (i == slots.size()) {
      slots.push_back({node.feature, ensemble_.missing.has_value() && node.missing_left, t, t});
    }
    slots[i].low = std::min(slots[i].low, t);
    slots[i].high = std::max(slots[i].high, t);
    return slots.size() <= most_features;
  }

  bool place(const network::Tree& tree, int at, int level, int position, FullTree& full) const {
    if (level == tree_levels) {
      if (at >= 0) return false;
      const int leaf = ~at;
      full.leaf[static_cast<std::size_t>(position - full_nodes)] =
          tree.leaves[static_cast<std::size_t>(leaf)];
      return true;
    }
    int left = at;
    int right = at;
    if (at >= 0) {
      const network::TreeNode& node = tree.nodes[static_cast<std::size_t>(at)];
      const std::size_t slot = slot_of(node);
      full.slot[static_cast<std::size_t>(position)] = static_cast<std::uint8_t>(slot);
      full.edge[static_cast<std::size_t>(position)] = threshold(node) + 1 - slots[slot].low;
      left = node.left;
      right = node.right;
    }
    return place(tree, left, level + 1, 2 * position + 1, full) &&
           place(tree, right, level + 1, 2 * position + 2, full);
  }

  const network::TreeEnsemble& ensemble_;
  const std::vector<Interval>& ranges_;
};

int bits_for(const std::vector<Slot>& slots) {
  std::int64_t span = 0;
  for (const Slot& slot : slots) span = std::max(span, slot.high - slot.low + 1);
  return span <= 255 ? 8 : span <= 65535 ? 16 : 32;
}

std::int32_t repeated(std::int64_t edge, int bits) {
  if (bits == 32) return static_cast<std::int32_t>(edge);
  const std::int64_t stored = edge - (bits == 8 ? 128 : 32768);
  if (bits == 16) return static_cast<std::int32_t>((static_cast<std::uint32_t>(stored) & 0xffffu) * 0x10001u);
  return static_cast<std::int32_t>((static_cast<std::uint32_t>(stored) & 0xffu) * 0x01010101u);
}

/// One group for the single-event kernel: for each node feature numbers, then edges in the kernel's order.
void append_group(const std::vector<const FullTree*>& trees, int bits, std::vector<std::uint8_t>& groups) {
  const auto edge_of = [&](std::size_t lane, std::size_t node) {
    return lane < trees.size() ? trees[lane]->edge[node] - (bits == 8 ? 128 : 32768) : 0;
  };
  for (std::size_t node = 0; node < full_nodes; ++node) {
    for (std::size_t lane = 0; lane < group_trees; ++lane) {
      groups.push_back(lane < trees.size() ? trees[lane]->slot[node] : 0);
    }
    if (bits == 8) {
      for (std::size_t lane = 0; lane < group_trees; ++lane) {
        groups.push_back(static_cast<std::uint8_t>(edge_of(lane, node)));
      }
      continue;
    }
    // As unpacklo and unpackhi spread the bytes: lanes 0-7 and 16-23, then 8-15 and 24-31.
    for (std::size_t half : {0u, 8u}) {
      for (std::size_t i = 0; i < 16; ++i) {
        const std::int64_t edge = edge_of(half + i % 8 + i / 8 * 16, node);
        groups.push_back(static_cast<std::uint8_t>(edge));
        groups.push_back(static_cast<std::uint8_t>(edge >> 8));
      }
    }
  }
}

}  // namespace

bool Planner::plan_tree_lanes(Context& context, int id, const network::TreeEnsemble& ensemble) {
  const auto at = static_cast<std::size_t>(id);
  const Tensor& in = context.tensors[static_cast<std::size_t>(context.network.nodes[at].inputs[0])];
  if (any_64(in)) return false;
  std::vector<Interval> ranges;
  for (const Element& e : in) ranges.push_back(bases_[static_cast<std::size_t>(e.base)].range[e.index]);
  Filler filler(ensemble, ranges);
  if (!filler.fill()) return false;
  const int least_bits = bits_for(filler.slots);
  const bool single = layout_ == Layout::single;
  const bool steps = !kernels_.tree_lanes || (single && least_bits == 32);
  const bool grouped = single && !steps;
  const int bits = steps ? 32 : least_bits;
  for (const Slot& slot : filler.slots) {
    if (slot.high - slot.low + 1 > INT32_MAX || !fits_32({slot.low, slot.high})) return false;
  }
  if (ensemble.missing && !fits_32({*ensemble.missing, *ensemble.missing})) return false;

  std::stable_sort(filler.trees.begin(), filler.trees.end(),
                   [](const FullTree& a, const FullTree& b) { return a.output < b.output; });
  std::vector<std::int64_t> bias = ensemble.bias;
  std::uint64_t greatest = 0;
  for (FullTree& tree : filler.trees) {
    const std::int64_t least = *std::min_element(tree.leaf.begin(), tree.leaf.end());
    bias[static_cast<std::size_t>(tree.output)] += least;
    for (std::int64_t& leaf : tree.leaf) {
      leaf -= least;
      greatest = std::max(greatest, static_cast<std::uint64_t>(leaf));
    }
  }
  std::uint32_t planes = 1;
  while (planes < 8 && (greatest >> (8 * planes)) != 0) ++planes;

  const std::vector<Row> rows = rows_of(in, false);
  std::vector<TreeFeature> features;
  for (const Slot& slot : filler.slots) {
    const auto top = static_cast<std::int32_t>(slot.high - slot.low + 1);
    features.push_back({rows[static_cast<std::size_t>(slot.feature)], static_cast<std::int32_t>(slot.low),
                        top, slot.missing_left ? 0 : top});
  }
  std::vector<std::uint8_t> slots, tables, groups;
  std::vector<std::int32_t> edges;
  std::vector<std::int64_t> leaves;
  std::vector<std::uint32_t> begin{0}, group_begin{0};
  std::size_t tree = 0;
  for (int output = 0; output < ensemble.outputs; ++output) {
    std::vector<const FullTree*> group;
    const auto close_group = [&] {
      if (group.empty() || steps) return;
      append_group(group, bits, groups);
      for (const FullTree* member : group)
        leaves.insert(leaves.end(), member->leaf.begin(), member->leaf.end());
      leaves.resize(leaves.size() + (group_trees - group.size()) * full_leaves, 0);
      group.clear();
    };
    for (; tree < filler.trees.size() && filler.trees[tree].output == output; ++tree) {
      const FullTree& full = filler.trees[tree];
      group.push_back(&full);
      if (group.size() == group_trees) close_group();
      if (steps) leaves.insert(leaves.end(), full.leaf.begin(), full.leaf.end());
      slots.insert(slots.end(), full.slot.begin(), full.slot.end());
      for (std::int64_t edge : full.edge) edges.push_back(repeated(edge, bits));
      for (std::uint32_t plane = 0; plane < planes; ++plane) {
        for (std::int64_t leaf : full.leaf) tables.push_back(static_cast<std::uint8_t>(leaf >> (8 * plane)));
      }
    }
    close_group();
    begin.push_back(static_cast<std::uint32_t>(tree));
    group_begin.push_back(static_cast<std::uint32_t>(leaves.size() / (group_trees * full_leaves)));
  }
  const bool wide_out = !fits_32(network::hull(context.ranges[at]));
  context.tensors[at] = whole(new_base(context.ranges[at], wide_out));
  // Trees of one leaf each compare no feature, but the kernel still loads one.
  const std::size_t loaded = single || steps ? 0 : std::max<std::size_t>(features.size(), 1);
  std::byte* scratch = plan_.store.allocate(loaded * group_trees * static_cast<std::size_t>(bits / 8));
  TreeLanes step{};
  step.features = static_cast<std::uint32_t>(features.size());
  step.feature = plan_.keep_rows_in(features, &TreeFeature::row);
  step.lane_bits = static_cast<std::uint32_t>(bits);
  step.has_missing = ensemble.missing.has_value();
  step.missing = static_cast<std::int32_t>(ensemble.missing.value_or(0));
  step.outputs = static_cast<std::uint32_t>(ensemble.outputs);
  step.planes = planes;
  step.begin = plan_.keep(begin);
  if (steps || grouped) step.leaves = plan_.keep(leaves);
  if (grouped) {
    step.groups = plan_.keep(groups);
    step.group_begin = plan_.keep(group_begin);
  } else {
    step.slots = plan_.keep(slots);
    step.edges = plan_.keep(edges);
    if (!steps) step.tables = plan_.keep(tables);
  }
  step.bias = plan_.keep(bias);
  step.wide_out = wide_out;
  step.out = plan_.keep_rows(bases_.back().wide);
  step.scratch = scratch;
  emit(steps ? Kind::tree_steps : Kind::tree_lanes, step);
  return true;
}

}  // namespace crible::backends::cpu
