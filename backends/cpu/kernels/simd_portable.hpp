#pragma once

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "backends/cpu/steps.hpp"

// 4 lanes of 32 bits in the compiler's own vector types; names as in simd_avx512.hpp.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

inline constexpr int vector_lanes = 4;
using V = std::int32_t __attribute__((vector_size(16)));
using D = std::int64_t __attribute__((vector_size(16)));
using UnsignedLanes = std::uint32_t __attribute__((vector_size(16)));
using UnsignedHalf = std::uint64_t __attribute__((vector_size(16)));
using Shorts = std::int16_t __attribute__((vector_size(16)));
using Bytes = std::uint8_t __attribute__((vector_size(16)));

inline V load(const void* p) {
  V x;
  __builtin_memcpy(&x, p, sizeof(x));
  return x;
}
inline void store(void* p, V x) {
  __builtin_memcpy(p, &x, sizeof(x));
}
inline V set1(std::int32_t x) {
  return V{x, x, x, x};
}
inline V zero() {
  return V{};
}
// Sums and products wrap, which only unsigned lanes may.
inline V add(V a, V b) {
  return (V)((UnsignedLanes)a + (UnsignedLanes)b);
}
inline V sub(V a, V b) {
  return (V)((UnsignedLanes)a - (UnsignedLanes)b);
}
inline V mul(V a, V b) {
  return (V)((UnsignedLanes)a * (UnsignedLanes)b);
}
inline V min(V a, V b) {
  return a < b ? a : b;
}
inline V max(V a, V b) {
  return a > b ? a : b;
}
inline V bit_and(V a, V b) {
  return a & b;
}
inline V bit_or(V a, V b) {
  return a | b;
}
inline V shift_right(V a, V count) {
  return a >> count;
}
template <int Count>
inline V shift_left(V a) {
  return (V)((UnsignedLanes)a << Count);
}
inline V sign_of(V a) {
  return a >> 31;
}
inline V greater_equal(V a, V b) {
  return a >= b;
}
inline V min_bytes(V a, V b) {
  const Bytes x = (Bytes)a;
  const Bytes y = (Bytes)b;
  return (V)(x < y ? x : y);
}
inline V max_bytes(V a, V b) {
  const Bytes x = (Bytes)a;
  const Bytes y = (Bytes)b;
  return (V)(x > y ? x : y);
}

inline V dot2(V sum, V x, V weights) {
#if defined(__SSE2__)
  return add(sum, (V)_mm_madd_epi16((__m128i)x, (__m128i)weights));
#else
  const V low = mul(shift_left<16>(x) >> 16, shift_left<16>(weights) >> 16);
  return add(add(sum, low), mul(x >> 16, weights >> 16));
#endif
}
#if defined(__SSE2__)
inline V joined(const __m128i* whole) {
  return (V)whole[0];
}
#endif

inline constexpr ByteDots byte_dot_kind = ByteDots::halves;
inline V dot4(V sum, V, V) {
  return sum;
}  // VNNI only
inline V even_bytes(V x) {
  return x & set1(0x00ff00ff);
}
inline V odd_bytes(V x) {
  return (x >> 8) & set1(0x00ff00ff);
}
/// See simd_avx2.hpp; here are registers enough, or vectors that the compiler cuts itself.
inline void compute_now(V&, V&) {}
inline V dot1(V sum, V x, V weights) {
  return add(sum, mul(x, weights));
}

inline D low_half(V a) {
  return D{a[0], a[1]};
}
inline D high_half(V a) {
  return D{a[2], a[3]};
}
inline D load_64(const void* p) {
  D x;
  __builtin_memcpy(&x, p, sizeof(x));
  return x;
}
inline D set1_64(std::int64_t x) {
  return D{x, x};
}
inline D multiply_64(D a, D b) {
  return (D)((UnsignedHalf)a * (UnsignedHalf)b);
}
inline D add_64(D a, D b) {
  return (D)((UnsignedHalf)a + (UnsignedHalf)b);
}
inline D and_64(D a, D b) {
  return a & b;
}
inline D shift_right_64(D a, D count) {
  return (D)((UnsignedHalf)a >> (UnsignedHalf)count);
}
inline V narrow(D low, D high) {
  return V{static_cast<std::int32_t>(low[0]), static_cast<std::int32_t>(low[1]),
           static_cast<std::int32_t>(high[0]), static_cast<std::int32_t>(high[1])};
}

/// Bits 32 to 63 of a * b + c, where c has the even lanes and the odd ones apart.
inline V high_products(V a, V b, D even, D odd) {
  V high;
  for (int lane = 0; lane < vector_lanes; ++lane) {
    const std::int64_t c = lane % 2 == 0 ? even[lane / 2] : odd[lane / 2];
    high[lane] = static_cast<std::int32_t>((std::int64_t{a[lane]} * b[lane] + c) >> 32);
  }
  return high;
}

inline V quads(const V* y) {
  const V top = set1(255);
  V bytes[4];
  for (int i = 0; i < 4; ++i) bytes[i] = min(max(y[i], zero()), top);
  return (bytes[0] | shift_left<8>(bytes[1])) | (shift_left<16>(bytes[2]) | shift_left<24>(bytes[3]));
}

/// One, two or four vectors, saturated to 0..255, side by side at the beginning of one.
template <int Count>
inline V pack_bytes(const V* y) {
#if defined(__SSE2__)
  const __m128i low = _mm_packs_epi32((__m128i)y[0], (__m128i)y[Count > 1 ? 1 : 0]);
  const __m128i high = Count == 4 ? _mm_packs_epi32((__m128i)y[Count - 2], (__m128i)y[Count - 1]) : low;
  return (V)_mm_packus_epi16(low, high);
#else
  Bytes bytes{};
  for (int i = 0; i < Count * vector_lanes; ++i) {
    const std::int32_t x = y[i / vector_lanes][i % vector_lanes];
    bytes[i] = static_cast<std::uint8_t>(x < 0 ? 0 : x > 255 ? 255 : x);
  }
  return (V)bytes;
#endif
}
template <int Count>
inline void store_packed(void* p, V x) {
  __builtin_memcpy(p, &x, Count * vector_lanes);
}
inline void store_bytes(void* p, V x) {
  auto* bytes = static_cast<std::uint8_t*>(p);
  for (int lane = 0; lane < vector_lanes; ++lane) bytes[lane] = static_cast<std::uint8_t>(x[lane]);
}
inline void store_shorts(void* p, V x) {
  auto* shorts = static_cast<std::int16_t*>(p);
  for (int lane = 0; lane < vector_lanes; ++lane) shorts[lane] = static_cast<std::int16_t>(x[lane]);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
