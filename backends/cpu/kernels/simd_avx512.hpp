#pragma once

#include <immintrin.h>

#include "backends/cpu/steps.hpp"

// 16 lanes of 32 bits. Every simd_*.hpp gives the same names; simd.hpp chooses.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

inline constexpr int vector_lanes = 16;
using V = __m512i;  // int32 lanes
using D = __m512i;  // int64 lanes: half of them

inline V load(const void* p) {
  return _mm512_loadu_si512(p);
}
inline void store(void* p, V x) {
  _mm512_storeu_si512(p, x);
}
inline V set1(std::int32_t x) {
  return _mm512_set1_epi32(x);
}
inline V zero() {
  return _mm512_setzero_si512();
}
inline V add(V a, V b) {
  return _mm512_add_epi32(a, b);
}
inline V sub(V a, V b) {
  return _mm512_sub_epi32(a, b);
}
inline V mul(V a, V b) {
  return _mm512_mullo_epi32(a, b);
}
inline V min(V a, V b) {
  return _mm512_min_epi32(a, b);
}
inline V max(V a, V b) {
  return _mm512_max_epi32(a, b);
}
inline V bit_and(V a, V b) {
  return _mm512_and_si512(a, b);
}
inline V bit_or(V a, V b) {
  return _mm512_or_si512(a, b);
}
inline V shift_right(V a, V count) {
  return _mm512_srav_epi32(a, count);
}
template <int Count>
inline V shift_left(V a) {
  return _mm512_slli_epi32(a, Count);
}
inline V sign_of(V a) {
  return _mm512_srai_epi32(a, 31);
}
/// -1 where a >= b.
inline V greater_equal(V a, V b) {
  return _mm512_movm_epi32(_mm512_cmpge_epi32_mask(a, b));
}
inline V min_bytes(V a, V b) {
  return _mm512_min_epu8(a, b);
}
inline V max_bytes(V a, V b) {
  return _mm512_max_epu8(a, b);
}

/// Four vectors of 128 bits side by side.
inline V joined(const __m128i* quarters) {
  const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(quarters[0]), quarters[1], 1);
  const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(quarters[2]), quarters[3], 1);
  return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}

inline constexpr ByteDots byte_dot_kind = ByteDots::exact;
inline V even_bytes(V x) {
  return x;
}
inline V odd_bytes(V x) {
  return x;
}
/// Four unsigned bytes times four signed ones, or two int16 times two, or one int32, added to each lane.
/// Written out, because GCC 12 copies the sums to other registers and back around its own intrinsics.
inline V dot4(V sum, V x, V weights) {
  __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(weights));
  return sum;
}
inline V dot2(V sum, V x, V weights) {
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum) : "v"(x), "vm"(weights));
  return sum;
}
/// See simd_avx2.hpp; here are registers enough, or vectors that the compiler cuts itself.
inline void compute_now(V&, V&) {}
inline V dot1(V sum, V x, V weights) {
  return add(sum, mul(x, weights));
}

inline D low_half(V a) {
  return _mm512_cvtepi32_epi64(_mm512_castsi512_si256(a));
}
inline D high_half(V a) {
  return _mm512_cvtepi32_epi64(_mm512_extracti64x4_epi64(a, 1));
}
inline D load_64(const void* p) {
  return load(p);
}
inline D set1_64(std::int64_t x) {
  return _mm512_set1_epi64(x);
}
/// Products of the low 32 bits, sign-extended.
inline D multiply_64(D a, D b) {
  return _mm512_mul_epi32(a, b);
}
inline D add_64(D a, D b) {
  return _mm512_add_epi64(a, b);
}
inline D and_64(D a, D b) {
  return _mm512_and_si512(a, b);
}
inline D shift_right_64(D a, D count) {
  return _mm512_srlv_epi64(a, count);
}
/// Low 32 bits of each.
inline V narrow(D low, D high) {
  return _mm512_inserti64x4(_mm512_castsi256_si512(_mm512_cvtepi64_epi32(low)), _mm512_cvtepi64_epi32(high),
                            1);
}

/// Bits 32 to 63 of a * b + c, where c has the even lanes and the odd ones apart.
inline V high_products(V a, V b, D even, D odd) {
  const D of_even = add_64(_mm512_mul_epi32(a, b), even);
  const D of_odd = add_64(_mm512_mul_epi32(_mm512_srli_epi64(a, 32), _mm512_srli_epi64(b, 32)), odd);
  return _mm512_mask_blend_epi32(0xaaaa, _mm512_srli_epi64(of_even, 32), of_odd);
}

/// The four bytes of each lane from four vectors, saturated to 0..255.
inline V quads(const V* y) {
  const V order = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15));
  const V low = _mm512_packs_epi32(y[0], y[1]);
  const V high = _mm512_packs_epi32(y[2], y[3]);
  return _mm512_shuffle_epi8(_mm512_packus_epi16(low, high), order);
}

/// One, two or four vectors, saturated to 0..255, side by side at the beginning of one.
template <int Count>
inline V pack_bytes(const V* y) {
  const V low = _mm512_packs_epi32(y[0], y[Count > 1 ? 1 : 0]);
  const V high = Count == 4 ? _mm512_packs_epi32(y[Count - 2], y[Count - 1]) : low;
  return _mm512_permutexvar_epi32(_mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15),
                                  _mm512_packus_epi16(low, high));
}
template <int Count>
inline void store_packed(void* p, V x) {
  if constexpr (Count == 4) return store(p, x);
  if constexpr (Count == 2) return _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_castsi512_si256(x));
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_castsi512_si128(x));
}
/// The lowest byte, or int16, of each lane, side by side.
inline void store_bytes(void* p, V x) {
  _mm_storeu_si128(static_cast<__m128i*>(p), _mm512_cvtepi32_epi8(x));
}
inline void store_shorts(void* p, V x) {
  _mm256_storeu_si256(static_cast<__m256i*>(p), _mm512_cvtepi32_epi16(x));
}

/// Four lanes, and what brings the next four to their place.
inline __m128i first_quarter(V x) {
  return _mm512_castsi512_si128(x);
}
inline V next_quarter(V x) {
  return _mm512_alignr_epi32(x, x, 4);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
