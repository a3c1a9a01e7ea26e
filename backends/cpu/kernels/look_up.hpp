#pragma once

#include "backends/cpu/kernels/simd.hpp"

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

#if defined(__SSE2__)
/// Four entries. Loads of single entries are faster than the processors' gather instructions.
inline __m128i four_entries(const std::int32_t* table, const std::int32_t* lanes) {
  std::uint64_t low, high;  // two indices each
  __builtin_memcpy(&low, lanes, 8);
  __builtin_memcpy(&high, lanes + 2, 8);
  const auto entry = [&](std::uint64_t index) { return _mm_cvtsi32_si128(table[index]); };
  const __m128i first = _mm_unpacklo_epi32(entry(low & 0xffffffffu), entry(low >> 32));
  const __m128i second = _mm_unpacklo_epi32(entry(high & 0xffffffffu), entry(high >> 32));
  return _mm_unpacklo_epi64(first, second);
}
#endif

/// Replaces `count` indices, each inside the table, by its entries, a whole vector at a time: what lies
/// behind them must be indices too. Stored as they are read again, which is faster than in parts.
inline void look_up(const std::int32_t* table, std::int32_t* lanes, int count) {
  for (int i = 0; i < count; i += vector_lanes) {
#if defined(__SSE2__)
    __m128i quarters[vector_lanes / 4];
    for (int q = 0; q < vector_lanes / 4; ++q) quarters[q] = four_entries(table, lanes + i + 4 * q);
    store(lanes + i, joined(quarters));
#else
    for (int lane = i; lane < i + vector_lanes; ++lane) lanes[lane] = table[lanes[lane]];
#endif
  }
}

#if defined(__AVX512BW__)

inline constexpr bool follows_curves = true;

/// How many bits of each int16 are set.
inline V bits_set(V shorts) {
  const V nibble = _mm512_set1_epi8(15);
  const V counts = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4));
  const V low = _mm512_shuffle_epi8(counts, bit_and(shorts, nibble));
  const V high = _mm512_shuffle_epi8(counts, bit_and(_mm512_srli_epi16(shorts, 4), nibble));
  return _mm512_maddubs_epi16(_mm512_add_epi8(low, high), _mm512_set1_epi8(1));
}

/// As look_up, from a curve: the first entry of an index's group, and how often it rises from there.
inline void follow_curve(const std::int16_t* curve, std::int32_t* lanes, int count) {
  const V first[2] = {load(curve), load(curve + 32)};
  const V rises[2] = {load(curve + curve_groups), load(curve + curve_groups + 32)};
  const V last = _mm512_set1_epi16(curve_group - 1);
  for (int i = 0; i < count; i += 2 * vector_lanes) {
    const bool both = i + vector_lanes < count;
    const V low = load(lanes + i);
    const V index = _mm512_packs_epi32(low, both ? load(lanes + i + vector_lanes) : low);
    const V group = _mm512_srli_epi16(index, 4);
    const V behind = _mm512_andnot_si512(index, last);  // entries of the group behind this one
    const V up_to = _mm512_sllv_epi16(_mm512_permutex2var_epi16(rises[0], group, rises[1]), behind);
    const V entry = _mm512_add_epi16(_mm512_permutex2var_epi16(first[0], group, first[1]), bits_set(up_to));
    store(lanes + i, _mm512_srai_epi32(_mm512_unpacklo_epi16(zero(), entry), 16));
    if (both) store(lanes + i + vector_lanes, _mm512_srai_epi32(_mm512_unpackhi_epi16(zero(), entry), 16));
  }
}

#else

inline constexpr bool follows_curves = false;
inline void follow_curve(const std::int16_t*, std::int32_t*, int) {}

#endif

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
