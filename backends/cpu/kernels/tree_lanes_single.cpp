#include "backends/cpu/kernels/kernel.hpp"
#include "backends/cpu/kernels/tree_lanes.hpp"

// Tree ensembles of one event: one byte of a register for each of 32 trees. A group of 32 trees is, for each
// of the 15 nodes, 32 bytes of feature numbers, then 32 edges of 1 or 2 bytes.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {

#if defined(__AVX2__)

namespace {

constexpr int group_trees = 32;
constexpr std::uint32_t table_features = 16;  // features that one byte shuffle can choose from
constexpr std::uint32_t most_tables = 16;

/// Features as bytes: the low ones, and the high ones for lanes of 16 bits.
struct Features {
  alignas(16) std::uint8_t low[table_features * most_tables];
  alignas(16) std::uint8_t high[table_features * most_tables];
};

void take_features(const TreeLanes& t, const Frame& frame, Features& features) {
  const std::int32_t lowest = t.lane_bits == 16 ? -32768 : -128;
  for (std::uint32_t i = 0; i < t.features; ++i) {
    const TreeFeature& f = t.feature[i];
    const std::int32_t x = *row<1, std::int32_t>(frame, f.row);
    const std::int32_t raised = x < f.base ? f.base : x;
    const std::uint32_t above = static_cast<std::uint32_t>(raised) - static_cast<std::uint32_t>(f.base);
    const auto top = static_cast<std::uint32_t>(f.top);
    const std::uint32_t held = above > top ? top : above;
    const std::uint32_t taken =
        t.has_missing && x == t.missing ? static_cast<std::uint32_t>(f.on_missing) : held;
    const std::uint32_t stored = taken + static_cast<std::uint32_t>(lowest);
    features.low[i] = static_cast<std::uint8_t>(stored);
    features.high[i] = static_cast<std::uint8_t>(stored >> 8);
  }
}

/// The bytes that 32 trees ask for; Tables: how many shuffles hold all features.
inline B chosen(const std::uint8_t* bytes, B numbers, std::uint32_t tables) {
  const auto table = [&](std::uint32_t i) {
    return _mm256_broadcastsi128_si256(
        _mm_load_si128(reinterpret_cast<const __m128i*>(bytes + i * table_features)));
  };
  if (tables == 1) return _mm256_shuffle_epi8(table(0), numbers);
  B result = _mm256_setzero_si256();
  for (std::uint32_t i = 0; i < tables; ++i) {
    // Numbers outside this table get their top bit set, for which the shuffle gives 0.
    const B within = _mm256_sub_epi8(numbers, _mm256_set1_epi8(static_cast<char>(i * table_features)));
    const B outside =
        _mm256_cmpgt_epi8(_mm256_xor_si256(within, _mm256_set1_epi8(-128)), _mm256_set1_epi8(-113));
    result = _mm256_or_si256(result, _mm256_shuffle_epi8(table(i), _mm256_or_si256(within, outside)));
  }
  return result;
}

inline B load_bytes(const std::uint8_t* p) {
  return _mm256_load_si256(reinterpret_cast<const B*>(p));
}

template <int Bytes>
inline B leaves_of_group(const std::uint8_t* group, const Features& features, std::uint32_t tables) {
  B left[tree_nodes];
  for (int node = 0; node < tree_nodes; ++node, group += group_trees * (1 + Bytes)) {
    const B numbers = load_bytes(group);
    const B low = chosen(features.low, numbers, tables);
    if constexpr (Bytes == 1) {
      left[node] = _mm256_cmpgt_epi8(load_bytes(group + group_trees), low);
    } else {
      const B high = chosen(features.high, numbers, tables);
      const B first = _mm256_cmpgt_epi16(load_bytes(group + group_trees), _mm256_unpacklo_epi8(low, high));
      const B second =
          _mm256_cmpgt_epi16(load_bytes(group + 2 * group_trees), _mm256_unpackhi_epi8(low, high));
      left[node] = _mm256_packs_epi16(first, second);
    }
  }
  return leaf_number(left);
}

template <int Bytes>
void all_outputs(const TreeLanes& t, const Frame& frame) {
  Features features;
  take_features(t, frame, features);
  const std::uint32_t tables = (t.features + table_features - 1) / table_features;
  constexpr std::size_t group_bytes = std::size_t{tree_nodes} * group_trees * (1 + Bytes);
  for (std::uint32_t output = 0; output < t.outputs; ++output) {
    std::int64_t total[4] = {t.bias[output], 0, 0, 0};
    for (std::uint32_t group = t.group_begin[output]; group < t.group_begin[output + 1]; ++group) {
      alignas(32) std::uint8_t numbers[group_trees];
      _mm256_store_si256(reinterpret_cast<B*>(numbers),
                         leaves_of_group<Bytes>(t.groups + group * group_bytes, features, tables));
      const std::int64_t* leaves = t.leaves + std::size_t{group} * group_trees * 16;
      for (int tree = 0; tree < group_trees; ++tree) total[tree % 4] += leaves[tree * 16 + numbers[tree]];
    }
    const std::int64_t sum = (total[0] + total[1]) + (total[2] + total[3]);
    if (t.wide_out) {
      *row<1, std::int64_t>(frame, t.out[output]) = sum;
    } else {
      *row<1, std::int32_t>(frame, t.out[output]) = static_cast<std::int32_t>(sum);
    }
  }
}

void tree_lanes(const void* data, const Frame& frame) {
  const auto& t = as<TreeLanes>(data);
  if (t.lane_bits == 8) return all_outputs<1>(t, frame);
  all_outputs<2>(t, frame);
}

}  // namespace

bool add_tree_lanes_single(StepFunction* table) {
  table[index(Kind::tree_lanes)] = tree_lanes;
  return true;
}

#else

bool add_tree_lanes_single(StepFunction*) {
  return false;
}

#endif

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
