#pragma once

#include <immintrin.h>

#include "backends/cpu/steps.hpp"

// 8 lanes of 32 bits; names as in simd_avx512.hpp.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

inline constexpr int vector_lanes = 8;
using V = __m256i;
using D = __m256i;

inline V load(const void* p) {
  return _mm256_loadu_si256(static_cast<const __m256i*>(p));
}
inline void store(void* p, V x) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), x);
}
inline V set1(std::int32_t x) {
  return _mm256_set1_epi32(x);
}
inline V zero() {
  return _mm256_setzero_si256();
}
inline V add(V a, V b) {
  return _mm256_add_epi32(a, b);
}
inline V sub(V a, V b) {
  return _mm256_sub_epi32(a, b);
}
inline V mul(V a, V b) {
  return _mm256_mullo_epi32(a, b);
}
inline V min(V a, V b) {
  return _mm256_min_epi32(a, b);
}
inline V max(V a, V b) {
  return _mm256_max_epi32(a, b);
}
inline V bit_and(V a, V b) {
  return _mm256_and_si256(a, b);
}
inline V bit_or(V a, V b) {
  return _mm256_or_si256(a, b);
}
inline V shift_right(V a, V count) {
  return _mm256_srav_epi32(a, count);
}
template <int Count>
inline V shift_left(V a) {
  return _mm256_slli_epi32(a, Count);
}
inline V sign_of(V a) {
  return _mm256_srai_epi32(a, 31);
}
inline V greater_equal(V a, V b) {
  return _mm256_xor_si256(_mm256_cmpgt_epi32(b, a), set1(-1));
}
inline V min_bytes(V a, V b) {
  return _mm256_min_epu8(a, b);
}
inline V max_bytes(V a, V b) {
  return _mm256_max_epu8(a, b);
}

inline V joined(const __m128i* halves) {
  return _mm256_inserti128_si256(_mm256_castsi128_si256(halves[0]), halves[1], 1);
}

#define CRIBLE_CPU_PAIRS 1
inline constexpr ByteDots byte_dot_kind = ByteDots::pairs;
inline V dot4(V sum, V, V) {
  return sum;
}  // VNNI only
inline V even_bytes(V x) {
  return bit_and(x, set1(0x00ff00ff));
}
inline V odd_bytes(V x) {
  return _mm256_srli_epi16(x, 8);
}
/// Unsigned bytes times signed ones, neighbours added in 16 bits; then neighbours of those in 32 bits.
inline V pairs(V x, V weights) {
  return _mm256_maddubs_epi16(x, weights);
}
inline V add_shorts(V a, V b) {
  return _mm256_add_epi16(a, b);
}
inline V add_neighbours(V sum, V shorts) {
  return add(sum, _mm256_madd_epi16(shorts, _mm256_set1_epi16(1)));
}
/// 16 signed bytes as int16.
inline V widen_bytes(const void* p) {
  return _mm256_cvtepi8_epi16(_mm_loadu_si128(static_cast<const __m128i*>(p)));
}
/// Both are computed here, not all products first and all sums later: there are only 16 registers.
inline void compute_now(V& a, V& b) {
  __asm__("" : "+x"(a), "+x"(b));
}
inline V dot2(V sum, V x, V weights) {
  return add(sum, _mm256_madd_epi16(x, weights));
}
inline V dot1(V sum, V x, V weights) {
  return add(sum, mul(x, weights));
}

inline D low_half(V a) {
  return _mm256_cvtepi32_epi64(_mm256_castsi256_si128(a));
}
inline D high_half(V a) {
  return _mm256_cvtepi32_epi64(_mm256_extracti128_si256(a, 1));
}
inline D load_64(const void* p) {
  return load(p);
}
inline D set1_64(std::int64_t x) {
  return _mm256_set1_epi64x(x);
}
inline D multiply_64(D a, D b) {
  return _mm256_mul_epi32(a, b);
}
inline D add_64(D a, D b) {
  return _mm256_add_epi64(a, b);
}
inline D and_64(D a, D b) {
  return _mm256_and_si256(a, b);
}
inline D shift_right_64(D a, D count) {
  return _mm256_srlv_epi64(a, count);
}
inline V narrow(D low, D high) {
  const __m256 even = _mm256_shuffle_ps(_mm256_castsi256_ps(low), _mm256_castsi256_ps(high), 0x88);
  return _mm256_permute4x64_epi64(_mm256_castps_si256(even), 0xd8);
}

/// Bits 32 to 63 of a * b + c, where c has the even lanes and the odd ones apart.
inline V high_products(V a, V b, D even, D odd) {
  const D of_even = add_64(_mm256_mul_epi32(a, b), even);
  const D of_odd = add_64(_mm256_mul_epi32(_mm256_srli_epi64(a, 32), _mm256_srli_epi64(b, 32)), odd);
  return _mm256_blend_epi32(_mm256_srli_epi64(of_even, 32), of_odd, 0xaa);
}

inline V quads(const V* y) {
  const V order =
      _mm256_broadcastsi128_si256(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  const V low = _mm256_packs_epi32(y[0], y[1]);
  const V high = _mm256_packs_epi32(y[2], y[3]);
  return _mm256_shuffle_epi8(_mm256_packus_epi16(low, high), order);
}

/// One, two or four vectors, saturated to 0..255, side by side at the beginning of one.
template <int Count>
inline V pack_bytes(const V* y) {
  const V low = _mm256_packs_epi32(y[0], y[Count > 1 ? 1 : 0]);
  const V high = Count == 4 ? _mm256_packs_epi32(y[Count - 2], y[Count - 1]) : low;
  return _mm256_permutevar8x32_epi32(_mm256_packus_epi16(low, high),
                                     _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
}
template <int Count>
inline void store_packed(void* p, V x) {
  if constexpr (Count == 4) return store(p, x);
  if constexpr (Count == 2) return _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(x));
  _mm_storel_epi64(static_cast<__m128i*>(p), _mm256_castsi256_si128(x));
}
inline void store_bytes(void* p, V x) {
  const V quads = _mm256_shuffle_epi8(x, _mm256_set1_epi32(0x0c080400));
  const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(quads), _mm256_extracti128_si256(quads, 1));
  _mm_storel_epi64(static_cast<__m128i*>(p), both);
}
inline void store_shorts(void* p, V x) {
  const V pick = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 4, 5, 8, 9,
                                  12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
  const V pairs = _mm256_permute4x64_epi64(_mm256_shuffle_epi8(x, pick), 0x08);
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm256_castsi256_si128(pairs));
}

inline __m128i first_quarter(V x) {
  return _mm256_castsi256_si128(x);
}
inline V next_quarter(V x) {
  return _mm256_permute2x128_si256(x, x, 0x11);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
