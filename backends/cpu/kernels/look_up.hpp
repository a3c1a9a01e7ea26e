#pragma once

#include "backends/cpu/kernels/simd.hpp"

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

/// Replaces `count` indices, each inside the table, by its entries; up to three more, which must be indices
/// too. Loads of single entries are faster than the processors' gather instructions.
inline void look_up(const std::int32_t* table, std::int32_t* lanes, int count) {
  for (int i = 0; i < count; i += 4) {
#if defined(__SSE2__)
    std::uint64_t low, high;  // two indices each
    __builtin_memcpy(&low, lanes + i, 8);
    __builtin_memcpy(&high, lanes + i + 2, 8);
    const auto entry = [&](std::uint64_t index) { return _mm_cvtsi32_si128(table[index]); };
    const __m128i first = _mm_unpacklo_epi32(entry(low & 0xffffffffu), entry(low >> 32));
    const __m128i second = _mm_unpacklo_epi32(entry(high & 0xffffffffu), entry(high >> 32));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(lanes + i), _mm_unpacklo_epi64(first, second));
#else
    for (int lane = i; lane < i + 4; ++lane) lanes[lane] = table[lanes[lane]];
#endif
  }
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
