#pragma once

#if defined(__AVX2__)

#include <immintrin.h>

#include "backends/cpu/kernels/kernel.hpp"

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

inline constexpr int square = 8;

/// Rows of 8 lanes become columns.
inline void transpose(__m256i* r) {
  __m256i pairs[square];
  for (int i = 0; i < square; i += 2) {
    pairs[i] = _mm256_unpacklo_epi32(r[i], r[i + 1]);
    pairs[i + 1] = _mm256_unpackhi_epi32(r[i], r[i + 1]);
  }
  __m256i fours[square];
  for (int i = 0; i < square; i += 4) {
    fours[i] = _mm256_unpacklo_epi64(pairs[i], pairs[i + 2]);
    fours[i + 1] = _mm256_unpackhi_epi64(pairs[i], pairs[i + 2]);
    fours[i + 2] = _mm256_unpacklo_epi64(pairs[i + 1], pairs[i + 3]);
    fours[i + 3] = _mm256_unpackhi_epi64(pairs[i + 1], pairs[i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x20);
    r[i + 4] = _mm256_permute2x128_si256(fours[i], fours[i + 4], 0x31);
  }
}

/// 8 lanes of `from[0..7]` side by side in each of 8 events, `stride` bytes apart.
template <class RowAt>
inline void store_square(RowAt row_at, std::byte* events, std::size_t stride) {
  __m256i r[square];
  for (int i = 0; i < square; ++i) r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row_at(i)));
  transpose(r);
  for (int i = 0; i < square; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(events + static_cast<std::size_t>(i) * stride), r[i]);
  }
}

/// 32 bytes of each of 8 events become 8 rows.
inline void fetch_square(__m256i* r, const std::byte* events, std::size_t stride) {
  for (int i = 0; i < square; ++i) {
    r[i] =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(events + static_cast<std::size_t>(i) * stride));
  }
  transpose(r);
}

/// The way back of store_square, the bits in `flip` inverted.
template <class RowAt>
inline void load_square(RowAt row_at, const std::byte* events, std::size_t stride, std::uint32_t flip) {
  __m256i r[square];
  const __m256i inverted = _mm256_set1_epi32(static_cast<int>(flip));
  fetch_square(r, events, stride);
  for (int i = 0; i < square; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row_at(i)), _mm256_xor_si256(r[i], inverted));
  }
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT

#endif
