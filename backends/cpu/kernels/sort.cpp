#include "backends/cpu/kernels/kernel.hpp"

// A stable sort without branches: each key's rank is the number of keys that come before it.

namespace crible::backends::cpu::CRIBLE_CPU_VARIANT {
namespace {

template <int E, class T>
void rank_line(const Frame& frame, const Row* keys, std::uint32_t length, bool descending,
               std::int32_t* ranks) {
  for (std::uint32_t i = 0; i < length; ++i) {
    const T* key = row<E, T>(frame, keys[i]);
    std::int32_t* rank = ranks + std::size_t{i} * E;
    for (int lane = 0; lane < E; ++lane) rank[lane] = 0;
    for (std::uint32_t j = 0; j < length; ++j) {
      if (j == i) continue;
      const T* other = row<E, T>(frame, keys[j]);
      const bool wins_ties = j < i;
      for (int lane = 0; lane < E; ++lane) {
        const bool before = descending ? other[lane] > key[lane] : other[lane] < key[lane];
        rank[lane] += before || (wins_ties && other[lane] == key[lane]);
      }
    }
  }
}

template <int E, class T>
void sort(const void* data, const Frame& frame) {
  const auto& t = as<Sort>(data);
  auto* ranks = reinterpret_cast<std::int32_t*>(t.ranks);
  for (std::uint32_t line = 0; line < t.lines; ++line) {
    const std::size_t start = std::size_t{line} * t.length;
    if (t.keys_64) {
      rank_line<E, std::int64_t>(frame, t.keys + start, t.length, t.descending, ranks);
    } else {
      rank_line<E, std::int32_t>(frame, t.keys + start, t.length, t.descending, ranks);
    }
    for (std::uint32_t i = 0; i < t.length; ++i) {
      const std::int32_t* rank = ranks + std::size_t{i} * E;
      const T* value = t.indices ? nullptr : row<E, T>(frame, t.values[start + i]);
      for (int lane = 0; lane < E; ++lane) {
        const Row out = t.out[start + static_cast<std::uint32_t>(rank[lane])];
        row<E, T>(frame, out)[lane] = t.indices ? static_cast<T>(i) : value[lane];
      }
    }
  }
}

}  // namespace

template <int E>
void add_sorts(StepFunction* table) {
  table[index(Kind::sort_32)] = sort<E, std::int32_t>;
  table[index(Kind::sort_64)] = sort<E, std::int64_t>;
}

template void add_sorts<1>(StepFunction* table);
template void add_sorts<tile_events>(StepFunction* table);

}  // namespace crible::backends::cpu::CRIBLE_CPU_VARIANT
