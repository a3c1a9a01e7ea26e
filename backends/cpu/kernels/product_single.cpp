#include "backends/cpu/kernels/group.hpp"

// Dense and convolution of one event: lanes are outputs, each lane of the input is broadcast to them.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

inline V broadcast(const Frame& frame, Row r) {
  return set1(*row<1, std::int32_t>(frame, r));
}

/// Any epilogue, any form: parameters are read for each block.
struct AnyFinish {
  const Product& p;

  template <int Blocks>
  void store_blocks(const Frame& frame, Row out, std::uint32_t block, const V* sums) const {
    for (int b = 0; b < Blocks; ++b) {
      const std::uint32_t output = (block + static_cast<std::uint32_t>(b)) * vector_lanes;
      store_vector(frame, out, output, finish<Consecutive>(p.epilogue, output, sums[b]));
    }
  }

  void store_vector(const Frame& frame, Row out, std::uint32_t output, V y) const {
    switch (p.out_form) {
      case Form::wide:
        return store(row<1, std::int32_t>(frame, out + output), y);
      case Form::shorts:
        return store_shorts(row<1, std::int32_t>(frame, out + output / 2), y);
      case Form::bytes:
        return store_bytes(row<1, std::int32_t>(frame, out + output / 4), y);
    }
  }
};

/// One shift for all outputs, results as bytes: what most layers are.
template <bool Odd>
struct ShiftToBytes {
  const Product& p;

  template <int Blocks>
  [[gnu::always_inline]] void store_blocks(const Frame& frame, Row out, std::uint32_t block,
                                           const V* sums) const {
    const UniformShift<Odd> shift(p.epilogue);  // each time: the sums need the registers until now
    V y[Blocks];
    repeat<Blocks>([&](auto b) __attribute__((always_inline)) { y[b.value] = shift.shifted(sums[b.value]); });
    const Row first = out + block * vector_lanes / 4;
    store_packed<Blocks>(row<1, std::int32_t>(frame, first), shift.bounded(pack_bytes<Blocks>(y)));
  }
};

/// One shift for all outputs, results in a lane each, with bounds of their own.
template <bool Odd>
struct ShiftToWide {
  const Product& p;

  template <int Blocks>
  [[gnu::always_inline]] void store_blocks(const Frame& frame, Row out, std::uint32_t block,
                                           const V* sums) const {
    const Epilogue& e = p.epilogue;
    const UniformShift<Odd> shift(e);
    auto* to = row<1, std::int32_t>(frame, out);
    repeat<Blocks>([&](auto b) __attribute__((always_inline)) {
      const std::uint32_t output = (block + static_cast<std::uint32_t>(b.value)) * vector_lanes;
      const V y = shift.shifted(sums[b.value]);
      store(to + output, min(max(y, load(e.lows + output)), load(e.highs + output)));
    });
  }
};

/// Lanes of pixels, by lists of rows.
struct ListedRows {
  const Frame& frame;
  const Row* in;
  std::size_t depth;

  [[gnu::always_inline]] V operator()(std::size_t lane, int pixel) const {
    return broadcast(frame, in[static_cast<std::size_t>(pixel) * depth + lane]);
  }
};

/// Where the next group of blocks begins.
struct Position {
  const std::int32_t* weights;
  const std::uint32_t* rest;
  std::uint32_t block;
};

template <class Dots, class Finisher, int Blocks, int Pixels>
[[gnu::always_inline]] inline void some_pixels(const Product& p, const Frame& frame, const std::int32_t* bias,
                                               const Position& at, std::uint32_t pixel) {
  V total[Blocks * Pixels];
  const ListedRows input{frame, p.in + std::size_t{pixel} * p.depth, p.depth};
  const std::uint32_t rest = at.rest[0];
  const GroupWeights weights{at.weights,        p.depth,       p.segment,
                             at.rest[1] - rest, p.lane + rest, p.rest + std::size_t{rest} * vector_lanes};
  const Group<Dots, Blocks, Pixels, ListedRows> group{input, weights};
  group.add_up(bias + at.block * vector_lanes, total);
  const Finisher finisher{p};
  repeat<Pixels>([&](auto i) __attribute__((always_inline)) {
    finisher.template store_blocks<Blocks>(frame, p.out[pixel + static_cast<std::uint32_t>(i.value)],
                                           at.block, total + i.value * Blocks);
  });
}

/// Groups of so many blocks, as long as there are enough.
template <class Dots, class Finisher, int Blocks>
[[gnu::always_inline]] inline Position some_blocks(const Product& p, const Frame& frame,
                                                   const std::int32_t* bias, Position at) {
  constexpr int together = Dots::results / Blocks < 4 ? Dots::results / Blocks : 4;
  for (; at.block + Blocks <= p.blocks; at.block += Blocks) {
    std::uint32_t pixel = 0;
    if constexpr (together > 1) {
      for (; pixel + together <= p.pixels; pixel += together) {
        some_pixels<Dots, Finisher, Blocks, together>(p, frame, bias, at, pixel);
      }
    }
    for (; pixel < p.pixels; ++pixel) some_pixels<Dots, Finisher, Blocks, 1>(p, frame, bias, at, pixel);
    at.weights += std::size_t{p.depth} * (Blocks * Dots::words * vector_lanes);
    ++at.rest;
  }
  return at;
}

/// Every block has all lanes. Blocks go four at a time, then two, then one, as the weights lie.
template <class Dots, class Finisher>
[[gnu::noinline]] void uniform_product(const Product& p, const Frame& frame) {
  const std::int32_t* bias = p.sums == nullptr ? p.bias
                                               : row<1, std::int32_t>(frame, p.sums[0]) +
                                                     frame.iteration * std::size_t{p.sums_of_steps};
  Position at{p.weights, p.begin, 0};
  at = some_blocks<Dots, Finisher, 4>(p, frame, bias, at);
  at = some_blocks<Dots, Finisher, 2>(p, frame, bias, at);
  some_blocks<Dots, Finisher, 1>(p, frame, bias, at);
}

/// Blocks with lanes of their own: zero weights are left out.
template <class Dots, class Finisher>
void sparse_product(const Product& p, const Frame& frame) {
  const Finisher finisher{p};
  constexpr int step_words = Dots::words * vector_lanes;
  constexpr std::uint32_t chains = 4;
  for (std::uint32_t pixel = 0; pixel < p.pixels; ++pixel) {
    const Row* in = p.in + std::size_t{pixel} * p.depth;
    for (std::uint32_t block = 0; block < p.blocks; ++block) {
      V sum[chains] = {load(p.bias + block * vector_lanes), zero(), zero(), zero()};
      const auto step = [&](std::uint32_t k, V& into) {
        const auto w = Dots::weights(p.weights + std::size_t{k} * step_words);
        into = Dots::dot(into, Dots::prepare(broadcast(frame, in[p.lane[k]])), w);
      };
      std::uint32_t k = p.begin[block];
      for (; k + chains <= p.begin[block + 1]; k += chains) {
        for (std::uint32_t chain = 0; chain < chains; ++chain) step(k + chain, sum[chain]);
      }
      for (; k < p.begin[block + 1]; ++k) step(k, sum[0]);
      const V total = add(add(sum[0], sum[1]), add(sum[2], sum[3]));
      finisher.template store_blocks<1>(frame, p.out[pixel], block, &total);
    }
  }
}

template <class Dots>
void finished_product(const Product& p, const Frame& frame) {
  if (!p.uniform) {
    if constexpr (!Dots::in_shorts && !Dots::has_rest) sparse_product<Dots, AnyFinish>(p, frame);
    return;
  }
  if (shifts_within_bounds(p)) {
    if (p.epilogue.odd) return uniform_product<Dots, ShiftToWide<true>>(p, frame);
    return uniform_product<Dots, ShiftToWide<false>>(p, frame);
  }
  if (!shifts_uniformly_to_bytes(p)) return uniform_product<Dots, AnyFinish>(p, frame);
  if (p.epilogue.odd) return uniform_product<Dots, ShiftToBytes<true>>(p, frame);
  uniform_product<Dots, ShiftToBytes<false>>(p, frame);
}

void bytes_product(const Product& p, const Frame& frame) {
#if defined(CRIBLE_CPU_PAIRS)
  if (p.dots == ByteDots::pairs) return finished_product<DotPairs>(p, frame);
  if (p.dots == ByteDots::alone) return finished_product<DotAlone>(p, frame);
  if (p.dots == ByteDots::widened) return finished_product<DotWidened>(p, frame);
#endif
  if constexpr (byte_dot_kind == ByteDots::exact) return finished_product<DotBytes>(p, frame);
  finished_product<DotHalves>(p, frame);
}

void any_product(const void* data, const Frame& frame) {
  const auto& p = as<Product>(data);
  switch (p.form) {
    case Form::wide:
      return finished_product<DotInt>(p, frame);
    case Form::shorts:
      return finished_product<DotShorts>(p, frame);
    case Form::bytes:
      return bytes_product(p, frame);
  }
}

/// Rows that follow each other are folded together, a vector of them at a time.
void max_of_bytes(const void* data, const Frame& frame) {
  const auto& t = as<PackedMax>(data);
  for (std::uint32_t i = 0; i < t.count; ++i) {
    const Row* in = t.in + t.begin[i];
    const std::uint32_t folds = t.begin[i + 1] - t.begin[i];
    for (std::uint32_t done = 0; done < t.span; done += vector_lanes) {
      V folded = load(row<1, std::int32_t>(frame, in[0] + done));
      for (std::uint32_t j = 1; j < folds; ++j) {
        folded = max_bytes(folded, load(row<1, std::int32_t>(frame, in[j] + done)));
      }
      store(row<1, std::int32_t>(frame, t.out[i] + done), folded);
    }
  }
}

}  // namespace

void add_products_single(StepFunction* table) {
  table[index(Kind::product)] = any_product;
  table[index(Kind::max_bytes)] = max_of_bytes;
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
