#pragma once

#include "backends/cpu/kernels/epilogue.hpp"

// How lanes of each form are multiplied with their weights. words: 32-bit words of weights in a step.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

struct DotInt {
  static constexpr int words = 1;
  struct Input {
    V x;
  };
  static Input prepare(V x) { return {x}; }
  static V dot(V sum, Input in, const V* weights) { return dot1(sum, in.x, weights[0]); }
};

struct DotShorts {
  static constexpr int words = 1;
  struct Input {
    V x;
  };
  static Input prepare(V x) { return {x}; }
  static V dot(V sum, Input in, const V* weights) { return dot2(sum, in.x, weights[0]); }
};

struct DotBytes {
  static constexpr int words = 1;
  struct Input {
    V x;
  };
  static Input prepare(V x) { return {x}; }
  static V dot(V sum, Input in, const V* weights) { return dot4(sum, in.x, weights[0]); }
};

struct DotHalves {
  static constexpr int words = 2;
  struct Input {
    V even;
    V odd;
  };
  static Input prepare(V x) { return {even_bytes(x), odd_bytes(x)}; }
  static V dot(V sum, Input in, const V* weights) {
    return dot2(dot2(sum, in.even, weights[0]), in.odd, weights[1]);
  }
};

/// Calls `kernel` with the way of multiplying that the product asks for.
template <class Kernel>
inline void with_dots(const Product& p, Kernel kernel) {
  switch (p.form) {
    case Form::wide:
      return kernel(DotInt{});
    case Form::shorts:
      return kernel(DotShorts{});
    case Form::bytes:
      if constexpr (byte_dot_kind == ByteDots::exact) {
        return kernel(DotBytes{});
      } else {
        return kernel(DotHalves{});
      }
  }
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
