#include "sim/proof/sorting.hpp"

#include <algorithm>
#include <cstdint>

namespace crible::sim::proof {

namespace {

constexpr std::size_t most_places = 16;

/// The 0-1 principle: a network of exchanges that sorts all zeros and ones sorts everything.
bool sorts(const std::vector<std::pair<std::size_t, std::size_t>>& pairs, std::size_t count) {
  for (std::uint32_t start = 0; start < 1U << count; ++start) {
    std::uint32_t bits = start;
    for (const auto& [first, second] : pairs) {
      const bool out_of_order = (bits >> first & 1U) != 0 && (bits >> second & 1U) == 0;
      if (out_of_order) bits ^= 1U << first | 1U << second;
    }
    const std::uint32_t zeros = ~bits & ((1U << count) - 1);  // must be the lowest places
    if ((zeros & (zeros + 1)) != 0) return false;
  }
  return true;
}

}  // namespace

std::vector<std::pair<std::size_t, std::size_t>> exchanges(std::size_t count) {
  if (count > most_places) throw Untreated("a sort of more than 16 elements");
  std::vector<std::pair<std::size_t, std::size_t>> pairs;
  for (std::size_t run = 1; run < count; run *= 2) {
    for (std::size_t distance = run; distance >= 1; distance /= 2) {
      for (std::size_t first = 0; first + distance < count; ++first) {
        const bool takes_part = first >= distance % run && (first - distance % run) / distance % 2 == 0;
        const bool same_merge = first / (2 * run) == (first + distance) / (2 * run);
        if (takes_part && same_merge) pairs.emplace_back(first, first + distance);
      }
    }
  }
  if (!sorts(pairs, count)) throw Untreated("a sort that does not sort");
  return pairs;
}

void sort_entries(Forms& forms, std::vector<SortEntry>& entries) {
  for (const auto& [first, second] : exchanges(entries.size())) {
    const SortEntry a = entries[first];
    const SortEntry b = entries[second];
    const FormId swap = forms.less(b.key, a.key);
    entries[first].key = forms.choose(swap, b.key, a.key);
    entries[second].key = forms.choose(swap, a.key, b.key);
    if (a.payload < 0) continue;
    entries[first].payload = forms.choose(swap, b.payload, a.payload);
    entries[second].payload = forms.choose(swap, a.payload, b.payload);
  }
}

}  // namespace crible::sim::proof
