#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/tree_lanes.hpp"

// Tree ensembles over a tile: one byte of a register for each of the 32 events.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

#if defined(__AVX2__)

namespace {

static_assert(tile_events == 32);
constexpr std::uint32_t max_planes = 8;
constexpr std::uint32_t trees_until_full = 256;  // 256 * 255 fits 16 bits

/// Where the packing of comparisons expects an event: after it, events are in their order.
template <class T>
inline int place_of(int event) {
  if constexpr (sizeof(T) == 1) return event;
  // packs works in halves of 16 bytes: registers hold 0-7 and 16-23, then 8-15 and 24-31.
  const int half = event / 16;
  const int within = event % 16;
  if constexpr (sizeof(T) == 2) return within / 8 * 16 + half * 8 + within % 8;
  return within / 4 * 8 + half * 4 + within % 4;
}

template <class T>
void take_features(const TreeLanes& t, const Frame& frame) {
  constexpr std::int32_t lowest = sizeof(T) == 4 ? 0 : sizeof(T) == 2 ? -32768 : -128;
  auto* scratch = reinterpret_cast<T*>(t.scratch);
  for (std::uint32_t i = 0; i < t.features; ++i) {
    const TreeFeature& f = t.feature[i];
    const auto* in = row<tile_events, std::int32_t>(frame, f.row);
    std::int32_t taken[tile_events];
#pragma GCC ivdep
    for (int lane = 0; lane < tile_events; ++lane) {
      const std::int32_t raised = in[lane] < f.base ? f.base : in[lane];
      const std::int32_t above =
          static_cast<std::int32_t>(static_cast<std::uint32_t>(raised) - static_cast<std::uint32_t>(f.base));
      const std::int32_t held =
          static_cast<std::uint32_t>(above) > static_cast<std::uint32_t>(f.top) ? f.top : above;
      taken[lane] = t.has_missing && in[lane] == t.missing ? f.on_missing : held;
    }
    T* out = scratch + std::size_t{i} * tile_events;
    for (int lane = 0; lane < tile_events; ++lane) {
      out[place_of<T>(lane)] = static_cast<T>(taken[lane] + lowest);
    }
  }
}

inline B load_lanes(const void* p) {
  return _mm256_load_si256(static_cast<const B*>(p));
}

/// -1 in the byte of each event that goes left.
template <class T>
inline B goes_left(std::int32_t edge, const T* x) {
  const B e = _mm256_set1_epi32(edge);
  if constexpr (sizeof(T) == 1) return _mm256_cmpgt_epi8(e, load_lanes(x));
  if constexpr (sizeof(T) == 2) {
    return _mm256_packs_epi16(_mm256_cmpgt_epi16(e, load_lanes(x)),
                              _mm256_cmpgt_epi16(e, load_lanes(x + 16)));
  }
  if constexpr (sizeof(T) == 4) {
    const B low =
        _mm256_packs_epi32(_mm256_cmpgt_epi32(e, load_lanes(x)), _mm256_cmpgt_epi32(e, load_lanes(x + 8)));
    const B high = _mm256_packs_epi32(_mm256_cmpgt_epi32(e, load_lanes(x + 16)),
                                      _mm256_cmpgt_epi32(e, load_lanes(x + 24)));
    return _mm256_packs_epi16(low, high);
  }
}

/// Sums of bytes: `all` of even and odd bytes together modulo 2^16, `odd` of the odd ones.
struct PlaneSum {
  B all;
  B odd;
};

template <std::uint32_t Planes>
inline void flush(const PlaneSum* sums, std::int64_t* total) {
  for (std::uint32_t plane = 0; plane < Planes; ++plane) {
    alignas(32) std::uint16_t even[16];
    alignas(32) std::uint16_t odd[16];
    _mm256_store_si256(reinterpret_cast<B*>(odd), sums[plane].odd);
    _mm256_store_si256(reinterpret_cast<B*>(even),
                       _mm256_sub_epi16(sums[plane].all, _mm256_slli_epi16(sums[plane].odd, 8)));
    for (int i = 0; i < 16; ++i) {
      total[2 * i] += static_cast<std::int64_t>(std::uint64_t{even[i]} << (8 * plane));
      total[2 * i + 1] += static_cast<std::int64_t>(std::uint64_t{odd[i]} << (8 * plane));
    }
  }
}

template <class T, std::uint32_t Planes>
void sum_trees(const TreeLanes& t, std::uint32_t tree, std::uint32_t end, std::int64_t* total) {
  const T* x = reinterpret_cast<const T*>(t.scratch);
  PlaneSum sums[Planes] = {};
  for (; tree < end; ++tree) {
    const std::uint8_t* slots = t.slots + std::size_t{tree} * tree_nodes;
    const std::int32_t* edges = t.edges + std::size_t{tree} * tree_nodes;
    B left[tree_nodes];
    for (int node = 0; node < tree_nodes; ++node) {
      left[node] = goes_left<T>(edges[node], x + std::size_t{slots[node]} * tile_events);
    }
    const B leaf = leaf_number(left);
    const std::uint8_t* tables = t.tables + std::size_t{tree} * Planes * 16;
    for (std::uint32_t plane = 0; plane < Planes; ++plane) {
      const __m128i table = _mm_load_si128(reinterpret_cast<const __m128i*>(tables + plane * 16));
      const B bytes = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(table), leaf);
      sums[plane].all = _mm256_add_epi16(sums[plane].all, bytes);
      sums[plane].odd = _mm256_add_epi16(sums[plane].odd, _mm256_srli_epi16(bytes, 8));
    }
  }
  flush<Planes>(sums, total);
}

template <class T>
using SumTrees = void (*)(const TreeLanes&, std::uint32_t, std::uint32_t, std::int64_t*);

template <class T>
void all_outputs(const TreeLanes& t, const Frame& frame) {
  static constexpr SumTrees<T> kernels[max_planes] = {sum_trees<T, 1>, sum_trees<T, 2>, sum_trees<T, 3>,
                                                      sum_trees<T, 4>, sum_trees<T, 5>, sum_trees<T, 6>,
                                                      sum_trees<T, 7>, sum_trees<T, 8>};
  take_features<T>(t, frame);
  for (std::uint32_t output = 0; output < t.outputs; ++output) {
    std::int64_t total[tile_events];
    for (int lane = 0; lane < tile_events; ++lane) total[lane] = t.bias[output];
    for (std::uint32_t tree = t.begin[output]; tree < t.begin[output + 1]; tree += trees_until_full) {
      const std::uint32_t left = t.begin[output + 1] - tree;
      kernels[t.planes - 1](t, tree, tree + (left < trees_until_full ? left : trees_until_full), total);
    }
    if (t.wide_out) {
      auto* out = row<tile_events, std::int64_t>(frame, t.out[output]);
      for (int lane = 0; lane < tile_events; ++lane) out[lane] = total[lane];
    } else {
      auto* out = row<tile_events, std::int32_t>(frame, t.out[output]);
      for (int lane = 0; lane < tile_events; ++lane) out[lane] = static_cast<std::int32_t>(total[lane]);
    }
  }
}

void tree_lanes(const void* data, const Frame& frame) {
  const auto& t = as<TreeLanes>(data);
  if (t.lane_bits == 8) return all_outputs<std::int8_t>(t, frame);
  if (t.lane_bits == 16) return all_outputs<std::int16_t>(t, frame);
  all_outputs<std::int32_t>(t, frame);
}

}  // namespace

bool add_tree_lanes_tile(StepFunction* table) {
  table[index(Kind::tree_lanes)] = tree_lanes;
  return true;
}

#else

bool add_tree_lanes_tile(StepFunction*) {
  return false;
}

#endif

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
