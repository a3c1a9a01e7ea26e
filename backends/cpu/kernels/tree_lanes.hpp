#pragma once

#if defined(__AVX2__)

#include <immintrin.h>

#include "backends/cpu/kernels/kernel.hpp"

// Trees without walking: all 15 nodes are compared, the outcomes of the path taken are selected, and the
// four bits that are left number the leaf. Lanes are 32 events of one tree, or 32 trees of one event.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

inline constexpr int tree_nodes = 15;

using B = __m256i;  // 32 lanes of one byte

/// b where the mask is set, else a.
inline B pick(B mask, B a, B b) {
#if defined(__AVX512VL__)
  return _mm256_ternarylogic_epi32(mask, b, a, 0xca);
#else
  return _mm256_blendv_epi8(a, b, mask);
#endif
}

/// Number of the leaf, from the outcomes "goes left" of the nodes in breadth-first order.
inline B leaf_number(const B* left) {
  const B level_1 = pick(left[0], left[2], left[1]);
  const B left_2 = pick(left[1], left[4], left[3]);
  const B right_2 = pick(left[2], left[6], left[5]);
  const B level_2 = pick(left[0], right_2, left_2);
  const B left_3 = pick(left[1], pick(left[4], left[10], left[9]), pick(left[3], left[8], left[7]));
  const B right_3 = pick(left[2], pick(left[6], left[14], left[13]), pick(left[5], left[12], left[11]));
  const B level_3 = pick(left[0], right_3, left_3);
  const B upper = _mm256_or_si256(_mm256_and_si256(left[0], _mm256_set1_epi8(8)),
                                  _mm256_and_si256(level_1, _mm256_set1_epi8(4)));
  const B lower = _mm256_or_si256(_mm256_and_si256(level_2, _mm256_set1_epi8(2)),
                                  _mm256_and_si256(level_3, _mm256_set1_epi8(1)));
  return _mm256_xor_si256(_mm256_or_si256(upper, lower), _mm256_set1_epi8(15));
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT

#endif
