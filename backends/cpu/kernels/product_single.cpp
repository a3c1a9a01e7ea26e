#include "backends/cpu/kernels/dots.hpp"

// Dense and convolution of one event: lanes are outputs, each lane of the input is broadcast to them.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

inline V broadcast(const Frame& frame, Row r) {
  return set1(*row<1, std::int32_t>(frame, r));
}

/// A whole vector, also where fewer outputs are left: the planner leaves room, and later outputs are
/// written later.
inline void store_results(const Product& p, const Frame& frame, Row out, std::uint32_t output, V y) {
  switch (p.out_form) {
    case Form::wide:
      return store(row<1, std::int32_t>(frame, out + output), y);
    case Form::shorts:
      return store_shorts(row<1, std::int32_t>(frame, out + output / 2), y);
    case Form::bytes:
      return store_bytes(row<1, std::int32_t>(frame, out + output / 4), y);
  }
}

inline void finish_block(const Product& p, const Frame& frame, std::uint32_t pixel, std::uint32_t block,
                         V sum) {
  const std::uint32_t output = block * vector_lanes;
  store_results(p, frame, p.out[pixel], output, finish<Consecutive>(p.epilogue, output, sum));
}

/// Blocks * Pixels vectors of sums, where every block has all lanes. Blocks of one pixel share its input,
/// pixels share weights.
template <class Dots, int Blocks, int Pixels>
inline void group(const Product& p, const Frame& frame, std::uint32_t pixel, std::uint32_t block) {
  constexpr int step_words = Dots::words * vector_lanes;
  const std::size_t block_weights = std::size_t{p.depth} * step_words;
  const std::int32_t* weights = p.weights + block * block_weights;
  const Row* in = p.in + std::size_t{pixel} * p.depth;
  constexpr int chains = Blocks * Pixels < 3 ? 2 : 1;  // two sums for each result hide the latency
  V sum[chains][Pixels][Blocks];
  for (int b = 0; b < Blocks; ++b) {
    const V bias = load(p.bias + (block + static_cast<std::uint32_t>(b)) * vector_lanes);
    for (int i = 0; i < Pixels; ++i) {
      sum[0][i][b] = bias;
      if constexpr (chains == 2) sum[1][i][b] = zero();
    }
  }
  const auto step = [&](std::uint32_t k, int chain) {
    typename Dots::Input x[Pixels];
    for (int i = 0; i < Pixels; ++i) {
      x[i] = Dots::prepare(broadcast(frame, in[static_cast<std::size_t>(i) * p.depth + k]));
    }
    for (int b = 0; b < Blocks; ++b) {
      V w[Dots::words];
      for (int word = 0; word < Dots::words; ++word) {
        w[word] = load(weights + static_cast<std::size_t>(b) * block_weights + std::size_t{k} * step_words +
                       word * vector_lanes);
      }
      for (int i = 0; i < Pixels; ++i) sum[chain][i][b] = Dots::dot(sum[chain][i][b], x[i], w);
    }
  };
  std::uint32_t k = 0;
  if constexpr (chains == 2) {
    for (; k + 1 < p.depth; k += 2) {
      step(k, 0);
      step(k + 1, 1);
    }
  }
  for (; k < p.depth; ++k) step(k, 0);
  for (int i = 0; i < Pixels; ++i) {
    for (int b = 0; b < Blocks; ++b) {
      V total = sum[0][i][b];
      if constexpr (chains == 2) total = add(total, sum[1][i][b]);
      finish_block(p, frame, pixel + static_cast<std::uint32_t>(i), block + static_cast<std::uint32_t>(b),
                   total);
    }
  }
}

template <class Dots>
void one_pixel(const Product& p, const Frame& frame, std::uint32_t pixel) {
  std::uint32_t block = 0;
  for (; block + 4 <= p.blocks; block += 4) group<Dots, 4, 1>(p, frame, pixel, block);
  if (block + 2 <= p.blocks) {
    group<Dots, 2, 1>(p, frame, pixel, block);
    block += 2;
  }
  if (block < p.blocks) group<Dots, 1, 1>(p, frame, pixel, block);
}

template <class Dots>
void uniform_product(const Product& p, const Frame& frame) {
  std::uint32_t pixel = 0;
  if (p.blocks == 1) {
    for (; pixel + 4 <= p.pixels; pixel += 4) group<Dots, 1, 4>(p, frame, pixel, 0);
  }
  for (; pixel < p.pixels; ++pixel) one_pixel<Dots>(p, frame, pixel);
}

/// Blocks with lanes of their own: zero weights are left out.
template <class Dots>
void sparse_product(const Product& p, const Frame& frame) {
  constexpr int step_words = Dots::words * vector_lanes;
  constexpr std::uint32_t chains = 4;
  for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
    const Row* in = p.in + std::size_t{pixel} * p.depth;
    for (std::uint32_t block = 0; block < p.blocks; ++block) {
      V sum[chains] = {load(p.bias + block * vector_lanes), zero(), zero(), zero()};
      const auto step = [&](std::uint32_t k, V& into) {
        V w[Dots::words];
        for (int word = 0; word < Dots::words; ++word) {
          w[word] = load(p.weights + std::size_t{k} * step_words + word * vector_lanes);
        }
        into = Dots::dot(into, Dots::prepare(broadcast(frame, in[p.lane[k]])), w);
      };
      std::uint32_t k = p.begin[block];
      for (; k + chains <= p.begin[block + 1]; k += chains) {
        for (std::uint32_t chain = 0; chain < chains; ++chain) step(k + chain, sum[chain]);
      }
      for (; k < p.begin[block + 1]; ++k) step(k, sum[0]);
      finish_block(p, frame, pixel, block, add(add(sum[0], sum[1]), add(sum[2], sum[3])));
    }
  }
}

#if defined(__AVX2__) && !defined(__AVX512VNNI__)

void pairs_product(const Product& p, const Frame& frame) {
  for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
    const Row* in = p.in + std::size_t{pixel} * p.depth;
    for (std::uint32_t block = 0; block < p.blocks; ++block) {
      V sum = load(p.bias + block * vector_lanes);
      std::uint32_t k = p.begin[block];
      for (std::uint32_t segment = p.segment_begin[block]; segment < p.segment_begin[block + 1]; ++segment) {
        V shorts = zero();
        for (; k < p.segment_end[segment]; ++k) {
          const V weight = load(p.weights + std::size_t{k} * vector_lanes);
          shorts = add_shorts(shorts, pairs(broadcast(frame, in[p.lane[k]]), weight));
        }
        sum = add_neighbours(sum, shorts);
      }
      finish_block(p, frame, pixel, block, sum);
    }
  }
}

/// Two steps at a time; two sums hide the latency.
void twins_product(const Product& p, const Frame& frame) {
  for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
    const Row* in = p.in + std::size_t{pixel} * p.depth;
    for (std::uint32_t block = 0; block < p.blocks; ++block) {
      V sum[2] = {load(p.bias + block * vector_lanes), zero()};
      const auto twins = [&](std::uint32_t k, V& into) {
        const std::int32_t* weights = p.weights + std::size_t{k} * vector_lanes;
        const V one = pairs(broadcast(frame, in[p.lane[k]]), load(weights));
        const V other = pairs(broadcast(frame, in[p.lane[k + 1]]), load(weights + vector_lanes));
        into = add_neighbours(into, add_shorts(one, other));
      };
      std::uint32_t k = p.begin[block];
      for (; k + 4 <= p.begin[block + 1]; k += 4) {
        twins(k, sum[0]);
        twins(k + 2, sum[1]);
      }
      if (k < p.begin[block + 1]) twins(k, sum[0]);
      finish_block(p, frame, pixel, block, add(sum[0], sum[1]));
    }
  }
}

#endif

void any_product(const void* data, const Frame& frame) {
  const auto& p = as<Product>(data);
#if defined(__AVX2__) && !defined(__AVX512VNNI__)
  if (p.form == Form::bytes && p.dots == ByteDots::pairs) return pairs_product(p, frame);
  if (p.form == Form::bytes && p.dots == ByteDots::twins) return twins_product(p, frame);
#endif
  with_dots(p, [&](auto dots) {
    if (p.uniform) {
      uniform_product<decltype(dots)>(p, frame);
    } else {
      sparse_product<decltype(dots)>(p, frame);
    }
  });
}

void max_of_bytes(const void* data, const Frame& frame) {
  const auto& t = as<PackedMax>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    std::uint32_t folded = *row<1, std::uint32_t>(frame, t.in[t.begin[i]]);
    for (std::uint32_t j = t.begin[i] + 1; j < t.begin[i + 1]; ++j) {
      const std::uint32_t next = *row<1, std::uint32_t>(frame, t.in[j]);
      std::uint32_t larger = 0;
      for (int shift = 0; shift < 32; shift += 8) {
        const std::uint32_t a = folded >> shift & 255u;
        const std::uint32_t b = next >> shift & 255u;
        larger |= (a > b ? a : b) << shift;
      }
      folded = larger;
    }
    *row<1, std::uint32_t>(frame, t.out[i]) = folded;
  }
}

}  // namespace

void add_products_single(StepFunction* table) {
  table[index(Kind::product)] = any_product;
  table[index(Kind::max_bytes)] = max_of_bytes;
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
