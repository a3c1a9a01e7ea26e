#include "backends/cpu/kernels/kernel.hpp"

// Trees of at most four levels without byte shuffles, or with features that need 32 bits: filled trees are
// gone down by arithmetic, so that nothing branches and trees overlap in the processor.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

constexpr std::uint32_t tree_nodes = 15;
constexpr std::uint32_t tree_leaves = 16;
constexpr int tree_levels = 4;
constexpr int most_features = 256;

template <int E>
void take_features(const TreeLanes& t, const Frame& frame, int lane, std::uint32_t* features) {
  for (std::uint32_t i = 0; i < t.features; ++i) {
    const TreeFeature& f = t.feature[i];
    const std::int32_t x = row<E, std::int32_t>(frame, f.row)[lane];
    const std::int32_t raised = x < f.base ? f.base : x;
    const std::uint32_t above = static_cast<std::uint32_t>(raised) - static_cast<std::uint32_t>(f.base);
    const auto top = static_cast<std::uint32_t>(f.top);
    features[i] = t.has_missing && x == t.missing ? static_cast<std::uint32_t>(f.on_missing)
                  : above > top                   ? top
                                                  : above;
  }
}

inline std::uint32_t leaf_of(const std::uint8_t* slots, const std::int32_t* edges,
                             const std::uint32_t* features) {
  std::uint32_t at = 0;
  for (int level = 0; level < tree_levels; ++level) {
    const bool right = static_cast<std::uint32_t>(edges[at]) <= features[slots[at]];
    at = 2 * at + 1 + (right ? 1 : 0);
  }
  return at - tree_nodes;
}

template <int E>
void tree_steps(const void* data, const Frame& frame) {
  const auto& t = as<TreeLanes>(data);
  const int events = E == 1 ? 1 : static_cast<int>(frame.events);
  for (int lane = 0; lane < events; ++lane) {
    std::uint32_t features[most_features];
    features[0] = 0;  // nodes that are filled in ask for it, also where no tree has a feature
    take_features<E>(t, frame, lane, features);
    for (std::uint32_t output = 0; output < t.outputs; ++output) {
      std::int64_t sum = t.bias[output];
      for (std::uint32_t tree = t.begin[output]; tree < t.begin[output + 1]; ++tree) {
        const std::uint32_t leaf =
            leaf_of(t.slots + tree * tree_nodes, t.edges + tree * tree_nodes, features);
        sum += t.leaves[tree * tree_leaves + leaf];
      }
      if (t.wide_out) {
        row<E, std::int64_t>(frame, t.out[output])[lane] = sum;
      } else {
        row<E, std::int32_t>(frame, t.out[output])[lane] = static_cast<std::int32_t>(sum);
      }
    }
  }
}

}  // namespace

template <int E>
void add_tree_steps(StepFunction* table) {
  table[index(Kind::tree_steps)] = tree_steps<E>;
}

template void add_tree_steps<1>(StepFunction* table);
template void add_tree_steps<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
