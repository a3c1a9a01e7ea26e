#include "backends/cpu/kernels/simd.hpp"

// Multiply-accumulates a second of the instructions that sum products of bytes, from registers alone: what
// no kernel of this variant can exceed.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

constexpr int chains = 10;

inline V multiply_accumulate(V sum, V x, V weights) {
  if constexpr (byte_dot_kind == ByteDots::exact) return dot4(sum, x, weights);
#if defined(__AVX2__) && !defined(__AVX512VNNI__)
  return add_shorts(sum, pairs(x, weights));
#else
  return dot2(sum, x, weights);
#endif
}

}  // namespace

/// Runs `rounds` rounds; returns how many products that were. `sink` keeps the sums alive.
std::size_t multiply_rounds(std::size_t rounds, std::int32_t* sink) {
  V sum[chains];
  for (int i = 0; i < chains; ++i) sum[i] = set1(i);
  V x = set1(0x01020304);
  const V weights = set1(0x04030201);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < chains; ++i) sum[i] = multiply_accumulate(sum[i], x, weights);
    __asm__ volatile("" : "+v"(x));  // keeps the loop from being computed ahead
  }
  V total = zero();
  for (int i = 0; i < chains; ++i) total = add(total, sum[i]);
  std::int32_t lanes[vector_lanes];
  store(lanes, total);
  *sink = lanes[0];
  const int products = byte_dot_kind == ByteDots::halves ? 2 : 4;
  return rounds * static_cast<std::size_t>(chains * vector_lanes * products);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
