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

/// The same of `lanes` rows, fewer than 8.
template <class RowAt>
inline void store_part(RowAt row_at, int lanes, std::byte* events, std::size_t stride) {
  __m256i r[square];
  for (int i = 0; i < square; ++i) {
    r[i] = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(row_at(i < lanes ? i : 0)));
  }
  transpose(r);
  for (int i = 0; i < square; ++i) {
    auto* to = reinterpret_cast<std::int32_t*>(events + static_cast<std::size_t>(i) * stride);
    __m128i part = _mm256_castsi256_si128(r[i]);
    if (lanes >= 4) {
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to), part);
      part = _mm256_extracti128_si256(r[i], 1);
      to += 4;
    }
    if (lanes & 2) {
      _mm_storel_epi64(reinterpret_cast<__m128i*>(to), part);
      part = _mm_unpackhi_epi64(part, part);
      to += 2;
    }
    if (lanes & 1) *to = _mm_cvtsi128_si32(part);
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

/// 16 bytes of each of 8 events become 4 rows.
inline void fetch_half(__m256i* r, const std::byte* events, std::size_t stride) {
  constexpr int half = square / 2;
  const auto event = [&](int i) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(events + static_cast<std::size_t>(i) * stride));
  };
  __m256i both[half];
  for (int i = 0; i < half; ++i) {
    both[i] = _mm256_inserti128_si256(_mm256_castsi128_si256(event(i)), event(i + half), 1);
  }
  const __m256i pairs[half] = {
      _mm256_unpacklo_epi32(both[0], both[1]), _mm256_unpackhi_epi32(both[0], both[1]),
      _mm256_unpacklo_epi32(both[2], both[3]), _mm256_unpackhi_epi32(both[2], both[3])};
  r[0] = _mm256_unpacklo_epi64(pairs[0], pairs[2]);
  r[1] = _mm256_unpackhi_epi64(pairs[0], pairs[2]);
  r[2] = _mm256_unpacklo_epi64(pairs[1], pairs[3]);
  r[3] = _mm256_unpackhi_epi64(pairs[1], pairs[3]);
}

/// The way back of store_square for 8 or 4 rows, the bits in `flip` inverted.
template <int Rows, class RowAt>
inline void load_square(RowAt row_at, const std::byte* events, std::size_t stride, std::uint32_t flip) {
  __m256i r[square];
  const __m256i inverted = _mm256_set1_epi32(static_cast<int>(flip));
  if constexpr (Rows == square) {
    fetch_square(r, events, stride);
  } else {
    fetch_half(r, events, stride);
  }
  for (int i = 0; i < Rows; ++i) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(row_at(i)), _mm256_xor_si256(r[i], inverted));
  }
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT

#endif
