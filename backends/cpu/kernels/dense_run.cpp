#include "backends/cpu/kernels/group.hpp"

// Dense layers of one event, one behind the other. Rows are read in order, and everything else from one
// stretch of memory, so that many small networks stay in the nearest caches.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

/// Lanes side by side, of rows or of an array, where they may lie anywhere.
struct LanesInOrder {
  const std::byte* in;

  std::int32_t at(std::size_t lane) const {
    std::int32_t bits;
    __builtin_memcpy(&bits, in + lane * sizeof(bits), sizeof(bits));
    return bits;
  }
  [[gnu::always_inline]] V operator()(std::size_t lane, int) const { return set1(at(lane)); }
};

template <DenseEnd End, int Blocks>
[[gnu::always_inline]] inline void store_blocks(const DenseLayer& layer, std::int32_t* out,
                                                std::uint32_t block, const V* sums) {
  if constexpr (End == DenseEnd::sums) {
    repeat<Blocks>([&](auto b) __attribute__((always_inline)) {
      const std::uint32_t output = (block + static_cast<std::uint32_t>(b.value)) * vector_lanes;
      const std::uint32_t left = layer.outputs - output;
      store_first(out + output, sums[b.value], left < vector_lanes ? left : vector_lanes);
    });
  } else {
    const UniformShift<End == DenseEnd::bytes_even> shift(layer);
    V y[Blocks];
    repeat<Blocks>([&](auto b) __attribute__((always_inline)) { y[b.value] = shift.shifted(sums[b.value]); });
    store_packed<Blocks>(out + block * vector_lanes / 4, shift.bounded(pack_bytes<Blocks>(y)));
  }
}

/// Where the next group of blocks begins.
struct Position {
  const std::int32_t* data;
  std::uint32_t block;
};

/// What a group reads at `data`; `data` moves behind it.
template <class Dots, int Blocks>
[[gnu::always_inline]] inline GroupWeights weights_at(const DenseLayer& layer, const std::int32_t*& data) {
  GroupWeights weights{data, layer.depth, layer.segment, 0, nullptr, nullptr};
  data += std::size_t{layer.depth} * (Blocks * Dots::words * vector_lanes);
  if constexpr (Dots::has_rest) {
    weights.rest_steps = static_cast<std::uint32_t>(data[0]);
    weights.rest_lane = reinterpret_cast<const std::uint32_t*>(data + 1);
    data += (std::size_t{weights.rest_steps} + vector_lanes) / vector_lanes * vector_lanes;
    weights.rest = data;
    data += std::size_t{weights.rest_steps} * vector_lanes;
  }
  return weights;
}

/// Groups of so many blocks, as long as there are enough.
template <class Dots, DenseEnd End, int Blocks>
[[gnu::always_inline]] inline Position some_blocks(const DenseLayer& layer, const LanesInOrder& input,
                                                   std::int32_t* out, Position at) {
  for (; at.block + Blocks <= layer.blocks; at.block += Blocks) {
    const std::int32_t* bias = at.data;
    at.data += Blocks * vector_lanes;
    const Group<Dots, Blocks, 1, LanesInOrder> group{input, weights_at<Dots, Blocks>(layer, at.data)};
    V total[Blocks];
    group.add_up(bias, total);
    store_blocks<End, Blocks>(layer, out, at.block, total);
  }
  return at;
}

template <class Dots, DenseEnd End>
[[gnu::noinline]] void all_blocks(const DenseLayer& layer, const std::byte* in, std::int32_t* out) {
  const LanesInOrder input{in};
  Position at{reinterpret_cast<const std::int32_t*>(&layer + 1), 0};
  at = some_blocks<Dots, End, 4>(layer, input, out, at);
  at = some_blocks<Dots, End, 2>(layer, input, out, at);
  some_blocks<Dots, End, 1>(layer, input, out, at);
}

template <class Dots>
inline void ended(const DenseLayer& layer, const std::byte* in, std::int32_t* out) {
  switch (layer.end) {
    case DenseEnd::sums:
      return all_blocks<Dots, DenseEnd::sums>(layer, in, out);
    case DenseEnd::bytes:
      return all_blocks<Dots, DenseEnd::bytes>(layer, in, out);
    case DenseEnd::bytes_even:
      return all_blocks<Dots, DenseEnd::bytes_even>(layer, in, out);
  }
}

inline void run_layer(const DenseLayer& layer, const std::byte* in, std::int32_t* out) {
  if (layer.form == Form::shorts) return ended<DotShorts>(layer, in, out);
#if defined(CRIBLE_CPU_PAIRS)
  if (layer.dots == ByteDots::pairs) return ended<DotPairs>(layer, in, out);
  if (layer.dots == ByteDots::alone) return ended<DotAlone>(layer, in, out);
  if (layer.dots == ByteDots::widened) return ended<DotWidened>(layer, in, out);
#endif
  if constexpr (byte_dot_kind == ByteDots::exact) return ended<DotBytes>(layer, in, out);
  ended<DotHalves>(layer, in, out);
}

/// Lane by lane: an array that was just written in parts would have to reach the cache before a whole vector
/// of it can be read, and each call would wait for that.
const std::byte* flipped(const DenseLayer& layer, const std::byte* in, std::int32_t* copy) {
  if (layer.flip == 0) return in;
  const LanesInOrder lanes{in};
  for (std::uint32_t lane = 0; lane < layer.depth; ++lane) {
    copy[lane] = lanes.at(lane) ^ static_cast<std::int32_t>(layer.flip);
    __asm__ volatile("" ::: "memory");  // not as vectors
  }
  return reinterpret_cast<const std::byte*>(copy);
}

void dense_run(const void* data, const Frame& frame) {
  const auto* layer = static_cast<const DenseLayer*>(data);
  for (;;) {
    const std::byte* in = row<1, std::byte>(frame, layer->in);
    if (layer->in_port != no_port) {
      in = flipped(*layer, frame.inputs[layer->in_port] + layer->in_byte,
                   row<1, std::int32_t>(frame, layer->in));
    }
    auto* out = layer->out_port != no_port ? reinterpret_cast<std::int32_t*>(frame.outputs[layer->out_port])
                                           : row<1, std::int32_t>(frame, layer->out);
    run_layer(*layer, in, out);
    if (layer->last) return;
    layer = reinterpret_cast<const DenseLayer*>(reinterpret_cast<const std::byte*>(layer) + layer->bytes);
  }
}

}  // namespace

void add_dense_runs(StepFunction* table) {
  table[index(Kind::dense_run)] = dense_run;
}

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
