#pragma once

#include "backends/cpu/kernels/epilogue.hpp"

// How lanes of each form are multiplied with their weights. words: 32-bit words of weights in a step.
// results: how many sums of single events fit the registers beside inputs and weights.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

/// One vector of input lanes and one of weights.
struct DotWhole {
  static constexpr int words = 1;
  static constexpr int results = 8;
  static constexpr bool in_shorts = false;
  static constexpr bool has_rest = false;
  struct Input {
    V x;
  };
  struct Weights {
    V w;
  };
  static Input prepare(V x) { return {x}; }
  static Weights weights(const std::int32_t* p) { return {load(p)}; }
  static Weights weights_of_output(const std::int32_t* p, int) { return {set1(*p)}; }
};

struct DotInt : DotWhole {
  static V dot(V sum, Input in, Weights weights) { return dot1(sum, in.x, weights.w); }
};

struct DotShorts : DotWhole {
  static V dot(V sum, Input in, Weights weights) { return dot2(sum, in.x, weights.w); }
};

struct DotBytes : DotWhole {
  static V dot(V sum, Input in, Weights weights) { return dot4(sum, in.x, weights.w); }
};

/// Even and odd bytes apart, as int16.
struct DotHalves {
  static constexpr int words = 2;
  static constexpr int results = 4;
  static constexpr bool in_shorts = false;
  static constexpr bool has_rest = false;
  struct Input {
    V even;
    V odd;
  };
  struct Weights {
    V even;
    V odd;
  };
  static Input prepare(V x) { return {even_bytes(x), odd_bytes(x)}; }
  static Weights weights(const std::int32_t* p) { return {load(p), load(p + vector_lanes)}; }
  static Weights weights_of_output(const std::int32_t* p, int outputs) {
    return {set1(p[0]), set1(p[outputs])};
  }
  static V dot(V sum, Input in, Weights weights) {
    return dot2(dot2(sum, in.even, weights.even), in.odd, weights.odd);
  }
};

#if defined(CRIBLE_CPU_PAIRS)

/// The same with weights that are bytes in memory.
struct DotWidened : DotHalves {
  static constexpr int words = 1;
  static Weights weights(const std::int32_t* p) {
    return {widen_bytes(p), widen_bytes(p + vector_lanes / 2)};
  }
};

/// Products of neighbours are added in 16 bits, then all in 32.
struct DotAlone : DotWhole {
  static constexpr bool has_rest = true;
  static V dot(V sum, Input in, Weights weights) { return add_neighbours(sum, pairs(in.x, weights.w)); }
};

/// Sums in 16 bits, two for each output.
struct DotPairs : DotWhole {
  static constexpr bool in_shorts = true;
  static V dot(V shorts, Input in, Weights weights) { return add_shorts(shorts, pairs(in.x, weights.w)); }
};

#endif

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
