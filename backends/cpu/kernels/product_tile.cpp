#include "backends/cpu/kernels/dots.hpp"

// Dense and convolution over a tile: lanes are events, four outputs at a time share each row of the input.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

constexpr int block_outputs = 4;
constexpr int tile_vectors = tile_events / vector_lanes;
constexpr int vectors_together = 2;  // vectors of events in registers
static_assert(tile_vectors % vectors_together == 0);

inline std::byte* lanes(const Frame& frame, Row r, int vector) {
  return frame.rows + (std::size_t{r} * tile_events + static_cast<std::size_t>(vector) * vector_lanes) * 4;
}

/// Any epilogue, any form: parameters are read for each output.
struct AnyFinish {
  const Product& p;

  void store_block(const Frame& frame, Row out, std::uint32_t output, int vector, V* y) const {
    for (int i = 0; i < block_outputs; ++i) {
      y[i] = finish<Broadcast>(p.epilogue, output + static_cast<std::uint32_t>(i), y[i]);
    }
    const std::uint32_t left = p.outputs - output;
    switch (p.out_form) {
      case Form::wide:
        for (std::uint32_t i = 0; i < block_outputs && i < left; ++i) {
          store(lanes(frame, out + output + i, vector), y[i]);
        }
        return;
      case Form::shorts: {
        const V mask = set1(0xffff);
        const Row first = out + output / 2;
        store(lanes(frame, first, vector), bit_or(bit_and(y[0], mask), shift_left<16>(y[1])));
        if (left > 2) {
          store(lanes(frame, first + 1, vector), bit_or(bit_and(y[2], mask), shift_left<16>(y[3])));
        }
        return;
      }
      case Form::bytes:
        return store(lanes(frame, out + output / 4, vector), quads(y));
    }
  }
};

/// One shift for all outputs, results as bytes: what most layers are.
template <bool Odd>
struct ShiftToBytes {
  V shift;
  V mask;
  V low;
  V high;

  explicit ShiftToBytes(const Product& p)
      : shift(set1(p.epilogue.shift[0])),
        mask(set1(p.epilogue.mask[0])),
        low(set1(p.epilogue.low * 0x01010101)),
        high(set1(static_cast<std::int32_t>(static_cast<std::uint32_t>(p.epilogue.high) * 0x01010101u))) {}

  void store_block(const Frame& frame, Row out, std::uint32_t output, int vector, V* y) const {
    for (int i = 0; i < block_outputs; ++i) {
      const V sum = y[i];
      y[i] = shift_right(sum, shift);
      if constexpr (Odd) y[i] = even_on_tie(y[i], sum, mask);
    }
    store(lanes(frame, out + output / 4, vector), min_bytes(max_bytes(quads(y), low), high));
  }
};

template <class Dots, class Finisher>
inline void block_of_outputs(const Product& p, const Finisher& finisher, const Frame& frame, const Row* in,
                             Row out, std::uint32_t block, int vector) {
  const std::uint32_t output = block * block_outputs;
  V sum[vectors_together][block_outputs];
  for (int i = 0; i < block_outputs; ++i) {
    const V bias = set1(p.bias[output + static_cast<std::uint32_t>(i)]);
    for (int v = 0; v < vectors_together; ++v) sum[v][i] = bias;
  }
  const std::int32_t* weights = p.weights + std::size_t{p.begin[block]} * Dots::words * block_outputs;
  for (std::uint32_t k = p.begin[block]; k < p.begin[block + 1];
       ++k, weights += Dots::words * block_outputs) {
    const std::byte* row = lanes(frame, in[p.lane[k]], vector);
    typename Dots::Input x[vectors_together];
    for (int v = 0; v < vectors_together; ++v) x[v] = Dots::prepare(load(row + v * vector_lanes * 4));
    for (int i = 0; i < block_outputs; ++i) {
      V w[Dots::words];
      for (int word = 0; word < Dots::words; ++word) w[word] = set1(weights[word * block_outputs + i]);
      for (int v = 0; v < vectors_together; ++v) sum[v][i] = Dots::dot(sum[v][i], x[v], w);
    }
  }
  for (int v = 0; v < vectors_together; ++v) finisher.store_block(frame, out, output, vector + v, sum[v]);
}

#if defined(__AVX2__) && !defined(__AVX512VNNI__)

/// Sums of neighbours stay in 16 bits for a segment; 32-bit sums wait in memory.
template <class Finisher>
inline void block_of_pairs(const Product& p, const Finisher& finisher, const Frame& frame, const Row* in,
                           Row out, std::uint32_t block, int vector) {
  const std::uint32_t output = block * block_outputs;
  V sum[vectors_together][block_outputs];
  for (int i = 0; i < block_outputs; ++i) {
    const V bias = set1(p.bias[output + static_cast<std::uint32_t>(i)]);
    for (int v = 0; v < vectors_together; ++v) sum[v][i] = bias;
  }
  std::uint32_t k = p.begin[block];
  for (std::uint32_t segment = p.segment_begin[block]; segment < p.segment_begin[block + 1]; ++segment) {
    V shorts[vectors_together][block_outputs] = {};
    for (; k < p.segment_end[segment]; ++k) {
      const std::byte* row = lanes(frame, in[p.lane[k]], vector);
      V x[vectors_together];
      for (int v = 0; v < vectors_together; ++v) x[v] = load(row + v * vector_lanes * 4);
      for (int i = 0; i < block_outputs; ++i) {
        const V weight = set1(p.weights[std::size_t{k} * block_outputs + static_cast<std::size_t>(i)]);
        for (int v = 0; v < vectors_together; ++v)
          shorts[v][i] = add_shorts(shorts[v][i], pairs(x[v], weight));
      }
    }
    for (int v = 0; v < vectors_together; ++v) {
      for (int i = 0; i < block_outputs; ++i) sum[v][i] = add_neighbours(sum[v][i], shorts[v][i]);
    }
  }
  for (int v = 0; v < vectors_together; ++v) finisher.store_block(frame, out, output, vector + v, sum[v]);
}

/// Two steps, then their 16-bit sums are widened: for weights so large that more would not fit.
template <class Finisher>
inline void block_of_twins(const Product& p, const Finisher& finisher, const Frame& frame, const Row* in,
                           Row out, std::uint32_t block, int vector) {
  const std::uint32_t output = block * block_outputs;
  V sum[vectors_together][block_outputs];
  for (int i = 0; i < block_outputs; ++i) {
    const V bias = set1(p.bias[output + static_cast<std::uint32_t>(i)]);
    for (int v = 0; v < vectors_together; ++v) sum[v][i] = bias;
  }
  const std::int32_t* weights = p.weights + std::size_t{p.begin[block]} * block_outputs;
  for (std::uint32_t k = p.begin[block]; k < p.begin[block + 1]; k += 2, weights += 2 * block_outputs) {
    const std::byte* first = lanes(frame, in[p.lane[k]], vector);
    const std::byte* second = lanes(frame, in[p.lane[k + 1]], vector);
    V x[2][vectors_together];
    for (int v = 0; v < vectors_together; ++v) {
      x[0][v] = load(first + v * vector_lanes * 4);
      x[1][v] = load(second + v * vector_lanes * 4);
    }
    for (int i = 0; i < block_outputs; ++i) {
      const V one = set1(weights[i]);
      const V other = set1(weights[block_outputs + i]);
      for (int v = 0; v < vectors_together; ++v) {
        sum[v][i] = add_neighbours(sum[v][i], add_shorts(pairs(x[0][v], one), pairs(x[1][v], other)));
      }
    }
  }
  for (int v = 0; v < vectors_together; ++v) finisher.store_block(frame, out, output, vector + v, sum[v]);
}

#endif

template <class Finisher>
void product(const Product& p, const Frame& frame) {
  const Finisher finisher{p};
  const auto each_block = [&](auto one_block) {
    for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
      const Row* in = p.in + std::size_t{pixel} * p.depth;
      for (int vector = 0; vector < tile_vectors; vector += vectors_together) {
        for (std::uint32_t block = 0; block < p.blocks; ++block) one_block(in, p.out[pixel], block, vector);
      }
    }
  };
#if defined(__AVX2__) && !defined(__AVX512VNNI__)
  if (p.form == Form::bytes && p.dots == ByteDots::pairs) {
    return each_block([&](const Row* in, Row out, std::uint32_t block, int vector) {
      block_of_pairs(p, finisher, frame, in, out, block, vector);
    });
  }
  if (p.form == Form::bytes && p.dots == ByteDots::twins) {
    return each_block([&](const Row* in, Row out, std::uint32_t block, int vector) {
      block_of_twins(p, finisher, frame, in, out, block, vector);
    });
  }
#endif
  with_dots(p, [&](auto dots) {
    each_block([&](const Row* in, Row out, std::uint32_t block, int vector) {
      block_of_outputs<decltype(dots)>(p, finisher, frame, in, out, block, vector);
    });
  });
}

void any_product(const void* data, const Frame& frame) {
  const auto& p = as<Product>(data);
  const Epilogue& e = p.epilogue;
  const bool simple =
      e.finish == Finish::shift && e.uniform && !e.adds && !e.negative && p.out_form == Form::bytes;
  if (!simple) return product<AnyFinish>(p, frame);
  if (e.odd) return product<ShiftToBytes<true>>(p, frame);
  product<ShiftToBytes<false>>(p, frame);
}

void max_of_bytes(const void* data, const Frame& frame) {
  const auto& t = as<PackedMax>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    for (int vector = 0; vector < tile_vectors; ++vector) {
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
