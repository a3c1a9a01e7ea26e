#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/simd.hpp"

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

template <int E>
void add_all(StepFunction* table) {
  add_transfers<E>(table);
  add_elementwise<E>(table);
  add_packs<E>(table);
  add_chains<E>(table);
  add_loops<E>(table);
  add_requantize<E>(table);
  add_folds<E>(table);
  add_sorts<E>(table);
  add_tree_walks<E>(table);
  add_tree_steps<E>(table);
}

}  // namespace

/// The tables of this variant, filled in by the caller's one call.
void fill(Kernels& kernels) {
  add_all<1>(kernels.single);
  add_products_single(kernels.single);
  add_dense_runs(kernels.single);
  add_all<tile_events>(kernels.tile);
  add_products_tile(kernels.tile);
  kernels.block_single = vector_lanes;
  kernels.block_tile = 4;
  kernels.byte_dots = byte_dot_kind;
  kernels.tree_lanes = add_tree_lanes_single(kernels.single) && add_tree_lanes_tile(kernels.tile);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
