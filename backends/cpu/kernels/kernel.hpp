#pragma once

#include "backends/cpu/steps.hpp"

/// Included by every kernel file. Each file is compiled once for each instruction set, in a namespace of
/// that name, so that nothing compiled for AVX-512 can be linked into portable code. For the same reason
/// kernels include no standard header that defines functions.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

/// Lane 0 of a row; E is the number of events in a tile.
template <int E, class T>
inline T* row(const Frame& frame, Row r) {
  return reinterpret_cast<T*>(frame.rows + std::size_t{r} * E * 4);
}

inline std::size_t index(Kind kind) {
  return static_cast<std::size_t>(kind);
}

template <class T>
inline const T& as(const void* data) {
  return *static_cast<const T*>(data);
}

template <class T>
struct UnsignedOf;
template <>
struct UnsignedOf<std::int32_t> {
  using type = std::uint32_t;
};
template <>
struct UnsignedOf<std::int64_t> {
  using type = std::uint64_t;
};

/// For sums and products that may wrap.
template <class T>
using Unsigned = typename UnsignedOf<T>::type;

template <int N>
struct Number {
  static constexpr int value = N;
};

/// Calls `each(Number<0>{})` to `each(Number<N - 1>{})`, written out: what is indexed by constants stays in
/// registers.
template <int N, class Each>
[[gnu::always_inline]] inline void repeat(const Each& each) {
  if constexpr (N > 0) {
    repeat<N - 1>(each);
    each(Number<N - 1>{});
  }
}

/// Calls `each(i, lanes)` for the elements of an elementwise step: one after the other with E lanes, or,
/// where single events lie side by side, once with as many lanes as there are elements.
template <int E, class Each>
inline void for_elements(const Elementwise& rows, bool together, Each each) {
  if constexpr (E == 1) {
    if (rows.contiguous && together) return each(0u, static_cast<int>(rows.count));
  }
  for (std::uint32_t i = 0; i < rows.count; ++i) each(i, E);
}

/// Each file enters its kernels for tiles of E events.
template <int E>
void add_transfers(StepFunction* table);
template <int E>
void add_elementwise(StepFunction* table);
template <int E>
void add_packs(StepFunction* table);
template <int E>
void add_chains(StepFunction* table);
template <int E>
void add_loops(StepFunction* table);
template <int E>
void add_requantize(StepFunction* table);
template <int E>
void add_folds(StepFunction* table);
template <int E>
void add_sorts(StepFunction* table);
template <int E>
void add_tree_walks(StepFunction* table);
template <int E>
void add_tree_steps(StepFunction* table);
void add_products_single(StepFunction* table);
void add_dense_runs(StepFunction* table);
void add_products_tile(StepFunction* table);
/// False where the instruction set has no byte shuffles.
bool add_tree_lanes_single(StepFunction* table);
bool add_tree_lanes_tile(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
