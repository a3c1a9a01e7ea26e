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

/// The sums of a block of outputs for some vectors of events.
struct Sums {
  V of[vectors_together][block_outputs];

  void fill(const std::int32_t* bias) {
    for (int i = 0; i < block_outputs; ++i) {
      const V value = set1(bias[i]);
      for (int v = 0; v < vectors_together; ++v) of[v][i] = value;
    }
  }
};

/// Any epilogue, any form: parameters are read for each output.
struct AnyFinish {
  const Product& p;

  void store_block(const Frame& frame, Row out, std::uint32_t output, int vector, const Sums& sum) const {
    for (int v = 0; v < vectors_together; ++v) store_vector(frame, out, output, vector + v, sum.of[v]);
  }

  void store_vector(const Frame& frame, Row out, std::uint32_t output, int vector, const V* sums) const {
    V y[block_outputs];
    for (int i = 0; i < block_outputs; ++i) {
      y[i] = finish<Broadcast>(p.epilogue, output + static_cast<std::uint32_t>(i), sums[i]);
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
  const Product& p;

  void store_block(const Frame& frame, Row out, std::uint32_t output, int vector, const Sums& sum) const {
    const UniformShift<Odd> shift(p.epilogue);  // each time: the sums need the registers until now
    for (int v = 0; v < vectors_together; ++v) {
      V y[block_outputs];
      for (int i = 0; i < block_outputs; ++i) y[i] = shift.shifted(sum.of[v][i]);
      store(lanes(frame, out + output / 4, vector + v), shift.bounded(quads(y)));
    }
  }
};

/// One shift for all outputs, results in a lane each.
template <bool Odd>
struct ShiftToWide {
  const Product& p;

  void store_block(const Frame& frame, Row out, std::uint32_t output, int vector, const Sums& sum) const {
    const UniformShift<Odd> shift(p.epilogue);
    const V low = set1(p.epilogue.low);
    const V high = set1(p.epilogue.high);
    const std::uint32_t left = p.outputs - output;
    for (std::uint32_t i = 0; i < block_outputs && i < left; ++i) {
      for (int v = 0; v < vectors_together; ++v) {
        store(lanes(frame, out + output + i, vector + v), min(max(shift.shifted(sum.of[v][i]), low), high));
      }
    }
  }
};

/// One pixel's block: which steps it takes, and where it reads.
struct Block {
  const Product& p;
  const Frame& frame;
  const Row* in;
  std::uint32_t block;
  int vector;

  const std::byte* row(std::uint32_t step) const { return lanes(frame, in[p.lane[step]], vector); }
  std::uint32_t begin() const { return p.begin[block]; }
  std::uint32_t end() const { return p.begin[block + 1]; }
  const std::int32_t* weights(int words) const {
    return p.weights + std::size_t{begin()} * static_cast<std::size_t>(words * block_outputs);
  }
};

template <class Dots>
struct Summed {
  static void add_up(const Block& block, Sums& sum) {
    const std::int32_t* weights = block.weights(Dots::words);
    for (std::uint32_t k = block.begin(); k < block.end(); ++k, weights += Dots::words * block_outputs) {
      const std::byte* row = block.row(k);
      typename Dots::Input x[vectors_together];
      for (int v = 0; v < vectors_together; ++v) x[v] = Dots::prepare(load(row + v * vector_lanes * 4));
      for (int i = 0; i < block_outputs; ++i) {
        const auto w = Dots::weights_of_output(weights + i, block_outputs);
        for (int v = 0; v < vectors_together; ++v) sum.of[v][i] = Dots::dot(sum.of[v][i], x[v], w);
        compute_now(sum.of[0][i], sum.of[1][i]);
      }
    }
  }
};

#if defined(CRIBLE_CPU_PAIRS)

/// Sums of neighbours stay in 16 bits for a segment. Not inlined: nothing else may take registers.
struct SummedPairs {
  static void add_up(const Block& block, Sums& sum) {
    const Product& p = block.p;
    const std::int32_t* weights = block.weights(1);
    std::uint32_t k = block.begin();
    for (std::uint32_t s = p.segment_begin[block.block]; s < p.segment_begin[block.block + 1]; ++s) {
      Sums shorts;
      for (auto& of_vector : shorts.of) {
        for (V& value : of_vector) value = zero();
      }
      for (; k < p.segment_end[s]; ++k, weights += block_outputs) {
        const std::byte* row = block.row(k);
        const V x = load(row);
        const V y = load(row + vector_lanes * 4);
        for (int i = 0; i < block_outputs; ++i) {
          const V w = set1(weights[i]);
          shorts.of[0][i] = add_shorts(shorts.of[0][i], pairs(x, w));
          shorts.of[1][i] = add_shorts(shorts.of[1][i], pairs(y, w));
          compute_now(shorts.of[0][i], shorts.of[1][i]);
        }
      }
      for (int v = 0; v < vectors_together; ++v) {
        for (int i = 0; i < block_outputs; ++i) {
          sum.of[v][i] = add_neighbours(sum.of[v][i], shorts.of[v][i]);
        }
      }
    }
  }
};

/// Two steps, then their 16-bit sums are widened: for weights so large that more would not fit.
struct SummedTwins {
  static void add_up(const Block& block, Sums& sum) {
    Sums total = sum;
    const std::int32_t* weights = block.weights(1);
    for (std::uint32_t k = block.begin(); k < block.end(); k += 2, weights += 2 * block_outputs) {
      const std::byte* first = block.row(k);
      const std::byte* second = block.row(k + 1);
      V x[2][vectors_together];
      for (int v = 0; v < vectors_together; ++v) {
        x[0][v] = load(first + v * vector_lanes * 4);
        x[1][v] = load(second + v * vector_lanes * 4);
      }
      for (int i = 0; i < block_outputs; ++i) {
        const V one = set1(weights[i]);
        const V other = set1(weights[block_outputs + i]);
        for (int v = 0; v < vectors_together; ++v) {
          const V shorts = add_shorts(pairs(x[0][v], one), pairs(x[1][v], other));
          total.of[v][i] = add_neighbours(total.of[v][i], shorts);
        }
      }
    }
    sum = total;
  }
};

#endif

template <class Summing, class Finisher>
void summed_product(const Product& p, const Frame& frame) {
  const Finisher finisher{p};
  for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
    const Row* in = p.in + std::size_t{pixel} * p.depth;
    for (int vector = 0; vector < tile_vectors; vector += vectors_together) {
      for (std::uint32_t block = 0; block < p.blocks; ++block) {
        const std::uint32_t output = block * block_outputs;
        Sums sum;
        sum.fill(p.bias + output);
        Summing::add_up(Block{p, frame, in, block, vector}, sum);
        finisher.store_block(frame, p.out[pixel], output, vector, sum);
      }
    }
  }
}

template <class Finisher>
void product(const Product& p, const Frame& frame) {
  switch (p.form) {
    case Form::wide:
      return summed_product<Summed<DotInt>, Finisher>(p, frame);
    case Form::shorts:
      return summed_product<Summed<DotShorts>, Finisher>(p, frame);
    case Form::bytes:
      break;
  }
#if defined(CRIBLE_CPU_PAIRS)
  if (p.dots == ByteDots::pairs) return summed_product<SummedPairs, Finisher>(p, frame);
  if (p.dots == ByteDots::twins) return summed_product<SummedTwins, Finisher>(p, frame);
#endif
  if constexpr (byte_dot_kind == ByteDots::exact) {
    return summed_product<Summed<DotBytes>, Finisher>(p, frame);
  }
  summed_product<Summed<DotHalves>, Finisher>(p, frame);
}

void any_product(const void* data, const Frame& frame) {
  const auto& p = as<Product>(data);
  if (shifts_uniformly_to_lanes(p)) {
    if (p.epilogue.odd) return product<ShiftToWide<true>>(p, frame);
    return product<ShiftToWide<false>>(p, frame);
  }
  if (!shifts_uniformly_to_bytes(p)) return product<AnyFinish>(p, frame);
  if (p.epilogue.odd) return product<ShiftToBytes<true>>(p, frame);
  product<ShiftToBytes<false>>(p, frame);
}

void max_of_bytes(const void* data, const Frame& frame) {
  const auto& t = as<PackedMax>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    for (std::uint32_t at = 0; at < t.span; ++at) {
      for (int vector = 0; vector < tile_vectors; ++vector) {
        V folded = load(lanes(frame, t.in[t.begin[i]] + at, vector));
        for (std::uint32_t j = t.begin[i] + 1; j < t.begin[i + 1]; ++j) {
          folded = max_bytes(folded, load(lanes(frame, t.in[j] + at, vector)));
        }
        store(lanes(frame, t.out[i] + at, vector), folded);
      }
    }
  }
}

}  // namespace

void add_products_tile(StepFunction* table) {
  table[index(Kind::product)] = any_product;
  table[index(Kind::max_bytes)] = max_of_bytes;
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
