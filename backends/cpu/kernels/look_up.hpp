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

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
