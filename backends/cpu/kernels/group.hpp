#pragma once

#include "backends/cpu/kernels/dots.hpp"

// Sums of single events: lanes are outputs, each lane of the input is broadcast to them.
namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

/// What a group of blocks reads: its weights, and steps that its blocks take in addition, each in turn.
struct GroupWeights {
  const std::int32_t* uniform;
  std::uint32_t depth;
  std::uint32_t segment;
  std::uint32_t rest_steps;
  const std::uint32_t* rest_lane;
  const std::int32_t* rest;
};

/// Sums of some blocks for some pixels, which share weights and inputs: sum[pixel][block]. `Input` gives a
/// lane of a pixel in every lane of a vector: input(lane, pixel).
template <class Dots, int Blocks, int Pixels, class Input>
struct Group {
  static constexpr int results = Blocks * Pixels;
  static constexpr int step_words = Dots::words * vector_lanes;
  // A dot product in one instruction takes as long as four that follow each other.
  static constexpr int chains = byte_dot_kind != ByteDots::exact || results >= 4 ? 1 : 4 / results;

  const Input& input;
  GroupWeights weights;

  [[gnu::always_inline]] void step(std::size_t k, V* sum) const {
    typename Dots::Input x[Pixels];
    repeat<Pixels>([&](auto i)
                       __attribute__((always_inline)) { x[i.value] = Dots::prepare(input(k, i.value)); });
    const std::int32_t* of_step = weights.uniform + k * (Blocks * step_words);
    repeat<Blocks>([&](auto b) __attribute__((always_inline)) {
      const auto w = Dots::weights(of_step + b.value * step_words);
      repeat<Pixels>([&](auto i) __attribute__((always_inline)) {
        V& of_block = sum[i.value * Blocks + b.value];
        of_block = Dots::dot(of_block, x[i.value], w);
      });
    });
  }

  [[gnu::always_inline]] void add_up(const std::int32_t* bias, V* total) const {
    V sum[chains * results];
    repeat<results>([&](auto r) __attribute__((always_inline)) {
      sum[r.value] = load(bias + r.value % Blocks * vector_lanes);
    });
    repeat<(chains - 1) * results>([&](auto r)
                                       __attribute__((always_inline)) { sum[results + r.value] = zero(); });
    const std::size_t depth = weights.depth;
    std::size_t k = 0;
    if constexpr (Dots::in_shorts) {
      add_segments(sum);
    } else {
#pragma GCC unroll 2
      for (; k + chains <= depth; k += chains) {
        repeat<chains>([&](auto chain) __attribute__((always_inline)) {
          step(k + static_cast<std::size_t>(chain.value), sum + chain.value * results);
        });
      }
      for (; k < depth; ++k) step(k, sum);
    }
    if constexpr (Dots::has_rest) add_rest(sum);
    repeat<results>([&](auto r) __attribute__((always_inline)) {
      total[r.value] = sum[r.value];
      repeat<chains - 1>([&](auto chain) __attribute__((always_inline)) {
        total[r.value] = add(total[r.value], sum[(chain.value + 1) * results + r.value]);
      });
    });
  }

  [[gnu::always_inline]] void add_rest(V* sum) const {
    for (std::size_t k = 0; k < weights.rest_steps; k += Blocks) {
      repeat<Blocks>([&](auto b) __attribute__((always_inline)) {
        const std::size_t step = k + static_cast<std::size_t>(b.value);
        const auto w = Dots::weights(weights.rest + step * step_words);
        repeat<Pixels>([&](auto i) __attribute__((always_inline)) {
          V& of_block = sum[i.value * Blocks + b.value];
          of_block = Dots::dot(of_block, Dots::prepare(input(weights.rest_lane[step], i.value)), w);
        });
      });
    }
  }

  [[gnu::always_inline]] void add_segments(V* sum) const {
#if defined(CRIBLE_CPU_PAIRS)
    const std::size_t depth = weights.depth;
    for (std::size_t k = 0; k < depth;) {
      const std::size_t end = weights.segment < depth - k ? k + weights.segment : depth;
      V shorts[results];
      repeat<results>([&](auto r) __attribute__((always_inline)) { shorts[r.value] = zero(); });
#pragma GCC unroll 2
      for (; k < end; ++k) step(k, shorts);
      repeat<results>([&](auto r) __attribute__((always_inline)) {
        sum[r.value] = add_neighbours(sum[r.value], shorts[r.value]);
      });
    }
#else
    (void)sum;
#endif
  }
};

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
