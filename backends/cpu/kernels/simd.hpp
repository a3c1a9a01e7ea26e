#pragma once

// The vector type of the variant that this file is compiled for.
#if defined(__AVX512VNNI__)
#include "backends/cpu/kernels/simd_avx512.hpp"
#elif defined(__AVX2__)
#include "backends/cpu/kernels/simd_avx2.hpp"
#else
#include "backends/cpu/kernels/simd_portable.hpp"
#endif

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

/// The first `count` lanes. Not by a mask: what is stored so reaches who reads it next by way of the cache
/// only, and some processors take dozens of steps for it.
inline void store_first(void* p, V x, std::uint32_t count) {
  if (count >= static_cast<std::uint32_t>(vector_lanes)) return store(p, x);
  auto* to = static_cast<std::int32_t*>(p);
#if defined(__AVX2__)
  for (; count >= 4; count -= 4, to += 4) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), first_quarter(x));
    x = next_quarter(x);
  }
  __m128i quarter = first_quarter(x);
  if (count >= 2) {
    _mm_storel_epi64(reinterpret_cast<__m128i*>(to), quarter);
    quarter = _mm_unpackhi_epi64(quarter, quarter);
    to += 2;
  }
  if (count % 2 != 0) *to = _mm_cvtsi128_si32(quarter);
#else
  for (std::uint32_t i = 0; i < count; ++i) to[i] = x[i];
#endif
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
