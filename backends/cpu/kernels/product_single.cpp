#include "backends/cpu/kernels/epilogue.hpp"

// Dense and convolution of one event: lanes are outputs, each lane of the input is broadcast to them.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

template <Form In>
inline V dot(V sum, V x, V weights) {
  if constexpr (In == Form::bytes) return dot4(sum, x, weights);
  if constexpr (In == Form::shorts) return dot2(sum, x, weights);
  return dot1(sum, x, weights);
}

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

/// Blocks * Pixels vectors of sums. Several blocks of one pixel share its input, several pixels share
/// weights.
template <Form In, int Blocks, int Pixels>
inline void group(const Product& p, const Frame& frame, std::uint32_t pixel, std::uint32_t block) {
  const std::uint32_t output = block * kLanes;
  const std::size_t block_weights = std::size_t{p.depth} * kLanes;
  const std::int32_t* weights = p.weights + block * block_weights;
  const Row* in = p.in + std::size_t{pixel} * p.depth;
  constexpr int kChains = Blocks * Pixels < 3 ? 2 : 1;  // two sums for each result hide the latency
  V sum[kChains][Pixels][Blocks];
  for (int b = 0; b < Blocks; ++b) {
    const V bias = load(p.bias + output + b * kLanes);
    for (int i = 0; i < Pixels; ++i) {
      sum[0][i][b] = bias;
      if constexpr (kChains == 2) sum[1][i][b] = zero();
    }
  }
  const auto step = [&](std::uint32_t k, int chain) {
    V x[Pixels];
    for (int i = 0; i < Pixels; ++i) x[i] = broadcast(frame, in[std::size_t(i) * p.depth + k]);
    for (int b = 0; b < Blocks; ++b) {
      const V w = load(weights + b * block_weights + std::size_t{k} * kLanes);
      for (int i = 0; i < Pixels; ++i) sum[chain][i][b] = dot<In>(sum[chain][i][b], x[i], w);
    }
  };
  std::uint32_t k = 0;
  if constexpr (kChains == 2) {
    for (; k + 1 < p.depth; k += 2) {
      step(k, 0);
      step(k + 1, 1);
    }
  }
  for (; k < p.depth; ++k) step(k, 0);
  for (int i = 0; i < Pixels; ++i) {
    for (int b = 0; b < Blocks; ++b) {
      const std::uint32_t first = output + static_cast<std::uint32_t>(b * kLanes);
      V total = sum[0][i][b];
      if constexpr (kChains == 2) total = add(total, sum[1][i][b]);
      store_results(p, frame, p.out[pixel + static_cast<std::uint32_t>(i)], first,
                    finish<Consecutive>(p.epilogue, first, total));
    }
  }
}

template <Form In>
void one_pixel(const Product& p, const Frame& frame, std::uint32_t pixel) {
  std::uint32_t block = 0;
  for (; block + 4 <= p.blocks; block += 4) group<In, 4, 1>(p, frame, pixel, block);
  if (block + 2 <= p.blocks) {
    group<In, 2, 1>(p, frame, pixel, block);
    block += 2;
  }
  if (block < p.blocks) group<In, 1, 1>(p, frame, pixel, block);
}

template <Form In>
void product(const Product& p, const Frame& frame) {
  std::uint32_t pixel = 0;
  if (p.blocks == 1) {
    for (; pixel + 4 <= p.pixels; pixel += 4) group<In, 1, 4>(p, frame, pixel, 0);
  }
  for (; pixel < p.pixels; ++pixel) one_pixel<In>(p, frame, pixel);
}

void any_product(const void* data, const Frame& frame) {
  const auto& p = as<Product>(data);
  switch (p.form) {
    case Form::bytes:
      return product<Form::bytes>(p, frame);
    case Form::shorts:
      return product<Form::shorts>(p, frame);
    case Form::wide:
      return product<Form::wide>(p, frame);
  }
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
