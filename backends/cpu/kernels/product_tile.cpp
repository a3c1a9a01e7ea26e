#include "backends/cpu/kernels/epilogue.hpp"

// Dense and convolution over a tile: lanes are events, four outputs at a time share each row of the input.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

constexpr int kBlock = 4;
constexpr int kVectors = kTileEvents / kLanes;
constexpr int kTogether = kVectors < 2 ? kVectors : 2;  // vectors of events in registers

template <Form In>
inline V dot(V sum, V x, V weights) {
  if constexpr (In == Form::bytes) return dot4(sum, x, weights);
  if constexpr (In == Form::shorts) return dot2(sum, x, weights);
  return dot1(sum, x, weights);
}

inline std::byte* lanes(const Frame& frame, Row r, int vector) {
  return frame.rows + (std::size_t{r} * kTileEvents + static_cast<std::size_t>(vector) * kLanes) * 4;
}

/// Stores the results of one block for one vector of events.
inline void store_block(const Product& p, const Frame& frame, Row out, std::uint32_t output, int vector,
                        const V* y) {
  const std::uint32_t left = p.outputs - output;
  switch (p.out_form) {
    case Form::wide:
      for (std::uint32_t i = 0; i < kBlock && i < left; ++i)
        store(lanes(frame, out + output + i, vector), y[i]);
      return;
    case Form::shorts: {
      const V mask = set1(0xffff);
      const Row first = out + output / 2;
      store(lanes(frame, first, vector), bit_or(bit_and(y[0], mask), shift_left<16>(y[1])));
      if (left > 2) store(lanes(frame, first + 1, vector), bit_or(bit_and(y[2], mask), shift_left<16>(y[3])));
      return;
    }
    case Form::bytes: {
      const V low = bit_or(y[0], shift_left<8>(y[1]));
      const V high = bit_or(shift_left<16>(y[2]), shift_left<24>(y[3]));
      store(lanes(frame, out + output / 4, vector), bit_or(low, high));
      return;
    }
  }
}

template <Form In>
inline void block_of_outputs(const Product& p, const Frame& frame, const Row* in, Row out,
                             std::uint32_t block, int vector) {
  const std::uint32_t output = block * kBlock;
  const std::int32_t* weights = p.weights + std::size_t{block} * p.depth * kBlock;
  V sum[kTogether][kBlock];
  for (int i = 0; i < kBlock; ++i) {
    const V bias = set1(p.bias[output + static_cast<std::uint32_t>(i)]);
    for (int v = 0; v < kTogether; ++v) sum[v][i] = bias;
  }
  for (std::uint32_t k = 0; k < p.depth; ++k) {
    V x[kTogether];
    for (int v = 0; v < kTogether; ++v) x[v] = load(lanes(frame, in[k], vector + v));
    for (int i = 0; i < kBlock; ++i) {
      const V weight = set1(weights[k * kBlock + static_cast<std::uint32_t>(i)]);
      for (int v = 0; v < kTogether; ++v) sum[v][i] = dot<In>(sum[v][i], x[v], weight);
    }
  }
  for (int v = 0; v < kTogether; ++v) {
    V y[kBlock];
    for (int i = 0; i < kBlock; ++i) {
      y[i] = finish<Broadcast>(p.epilogue, output + static_cast<std::uint32_t>(i), sum[v][i]);
    }
    store_block(p, frame, out, output, vector + v, y);
  }
}

template <Form In>
void product(const Product& p, const Frame& frame) {
  for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
    const Row* in = p.in + std::size_t{pixel} * p.depth;
    for (int vector = 0; vector < kVectors; vector += kTogether) {
      for (std::uint32_t block = 0; block < p.blocks; ++block) {
        block_of_outputs<In>(p, frame, in, p.out[pixel], block, vector);
      }
    }
  }
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
    for (int vector = 0; vector < kVectors; ++vector) {
      V folded = load(lanes(frame, t.in[t.begin[i]], vector));
      for (std::uint32_t j = t.begin[i] + 1; j < t.begin[i + 1]; ++j) {
        folded = max_bytes(folded, load(lanes(frame, t.in[j], vector)));
      }
      store(lanes(frame, t.out[i], vector), folded);
    }
  }
}

}  // namespace

void add_products_tile(StepFunction* table) {
  table[index(Kind::product)] = any_product;
  table[index(Kind::max_bytes)] = max_of_bytes;
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
