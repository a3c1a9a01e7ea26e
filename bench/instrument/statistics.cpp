#include "bench/instrument/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace crible::bench {

namespace {

/// The largest rank r (from 0) so that fewer than r + 1 of n fair coins show heads with probability at most
/// 2.5 %: the r-th smallest and the r-th largest then enclose the median with 95 %. 0 when there is none.
std::size_t rank_of(std::size_t n) {
  double probability = std::pow(0.5, static_cast<double>(n));
  double sum = 0;
  std::size_t rank = 0;
  for (std::size_t heads = 0; heads < n / 2; ++heads) {
    sum += probability;
    if (sum > 0.025) break;
    rank = heads;
    probability *= static_cast<double>(n - heads) / static_cast<double>(heads + 1);
  }
  return rank;
}

}  // namespace

Spread spread_of(std::vector<double> repeats) {
  if (repeats.empty()) return {};
  std::ranges::sort(repeats);
  const std::size_t n = repeats.size(), rank = rank_of(n);
  const double median = (repeats[(n - 1) / 2] + repeats[n / 2]) / 2;
  return {median, repeats[rank], repeats[n - 1 - rank]};
}

}  // namespace crible::bench
