#include "backends/cpu/kernels/simd.hpp"

// Multiply-accumulates a second of the instructions that sum products of bytes, from registers alone: what
// no kernel of this variant can exceed.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

constexpr int kChains = 10;

inline V multiply_accumulate(V sum, V x, V weights) {
  if constexpr (kByteDots == ByteDots::exact) return dot4(sum, x, weights);
#if defined(__AVX2__) && !defined(__AVX512VNNI__)
  return add_shorts(sum, pairs(x, weights));
#else
  return dot2(sum, x, weights);
#endif
}

}  // namespace

/// Runs `rounds` rounds; returns how many products that were. `sink` keeps the sums alive.
std::size_t multiply_rounds(std::size_t rounds, std::int32_t* sink) {
  V sum[kChains];
  for (int i = 0; i < kChains; ++i) sum[i] = set1(i);
  V x = set1(0x01020304);
  const V weights = set1(0x04030201);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (int i = 0; i < kChains; ++i) sum[i] = multiply_accumulate(sum[i], x, weights);
    __asm__ volatile("" : "+v"(x));  // keeps the loop from being computed ahead
  }
  V total = zero();
  for (int i = 0; i < kChains; ++i) total = add(total, sum[i]);
  std::int32_t lanes[kLanes];
  store(lanes, total);
  *sink = lanes[0];
  const int products = kByteDots == ByteDots::halves ? 2 : 4;
  return rounds * static_cast<std::size_t>(kChains * kLanes * products);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
