#include "backends/cpu/kernels/simd.hpp"

// Multiply-accumulates a second of the instructions that sum products of bytes, from registers alone: what
// no kernel of this variant can exceed.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

inline V multiply_accumulate(V sum, V x, V weights) {
  if constexpr (byte_dot_kind == ByteDots::exact) return dot4(sum, x, weights);
#if defined(CRIBLE_CPU_PAIRS)
  return add_shorts(sum, pairs(x, weights));
#else
  return dot2(sum, x, weights);
#endif
}

/// Sums that do not wait for each other; named, because arrays of them end in memory.
struct Chain {
  V sum;
  V x;

  explicit Chain(std::int32_t start) : sum(set1(start)), x(set1(0x01020304)) {}

  void step(V weights) {
    __asm__ volatile("" : "+x"(x));  // the compiler cannot know that the product is the same again
    sum = multiply_accumulate(sum, x, weights);
  }
};

}  // namespace

/// Runs `rounds` rounds; returns how many products that were. `sink` keeps the sums alive.
std::size_t multiply_rounds(std::size_t rounds, std::int32_t* sink) {
  constexpr int chains = 6;
  Chain a(0), b(1), c(2), d(3), e(4), f(5);
  const V weights = set1(0x04030201);
  for (std::size_t round = 0; round < rounds; ++round) {
    a.step(weights);
    b.step(weights);
    c.step(weights);
    d.step(weights);
    e.step(weights);
    f.step(weights);
  }
  const V total = add(add(add(a.sum, b.sum), add(c.sum, d.sum)), add(e.sum, f.sum));
  std::int32_t lanes[vector_lanes];
  store(lanes, total);
  *sink = lanes[0];
  const int products = byte_dot_kind == ByteDots::halves ? 2 : 4;
  return rounds * static_cast<std::size_t>(chains * vector_lanes * products);
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
