#include "backends/cpu/plan/pairs.hpp"

#include <algorithm>
#include <cstdlib>

namespace crible::backends::cpu {

using network::Interval;

namespace {

constexpr std::int64_t least_short = -32768;
constexpr std::int64_t greatest_short = 32767;
constexpr std::size_t partners_tried = 64;  // for each step: keeps planning linear

/// Of a stored byte, or of none: what fits with more products fits with fewer.
Interval product(Interval stored, std::int64_t weight) {
  const std::int64_t extreme = stored.high * weight;
  return {std::min<std::int64_t>(0, extreme), std::max<std::int64_t>(0, extreme)};
}

Interval sum(Interval a, Interval b) {
  return {a.low + b.low, a.high + b.high};
}

bool fits_16(Interval range) {
  return range.low >= least_short && range.high <= greatest_short;
}

/// How much of 16 bits the fullest sum of a step takes.
std::int64_t fullest(const PairStep& step) {
  std::int64_t result = 0;
  for (const Interval& range : step.sums) result = std::max({result, range.high, -range.low});
  return result;
}

/// Moves as much of the larger weight of a pair to `rest` as its sum has too much.
void take_excess_of_pair(std::int32_t* weights, std::int32_t* rest, const Interval* stored) {
  const Interval range = sum(product(stored[0], weights[0]), product(stored[1], weights[1]));
  const auto take = [&](std::int64_t excess, int sign) {
    if (excess <= 0) return;
    const int larger = sign * weights[0] >= sign * weights[1] ? 0 : 1;
    const std::int64_t high = stored[larger].high;
    const auto taken = sign * static_cast<std::int32_t>((excess + high - 1) / high);
    rest[larger] += taken;
    weights[larger] -= taken;
  };
  take(range.high - greatest_short, 1);
  take(least_short - range.low, -1);
}

}  // namespace

bool all_zero(const LaneWeights& weights) {
  return std::all_of(weights.begin(), weights.end(), [](std::int32_t w) { return w == 0; });
}

std::vector<Interval> pair_sums(const LaneWeights& weights, const Interval* stored) {
  std::vector<Interval> sums;
  for (std::size_t i = 0; i < weights.size(); i += 2) {
    sums.push_back(sum(product(stored[i % 4], weights[i]), product(stored[i % 4 + 1], weights[i + 1])));
  }
  return sums;
}

bool fit_together(const std::vector<Interval>& a, const std::vector<Interval>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!fits_16(b.empty() ? a[i] : sum(a[i], b[i]))) return false;
  }
  return true;
}

LaneWeights take_excess(LaneWeights& weights, const Interval* stored) {
  LaneWeights rest(weights.size(), 0);
  for (std::size_t i = 0; i < weights.size(); i += 2) {
    take_excess_of_pair(weights.data() + i, rest.data() + i, stored + i % 4);
  }
  return rest;
}

std::vector<PairStep> pair_steps(std::uint32_t lane, LaneWeights weights, const Interval* stored) {
  LaneWeights rest = take_excess(weights, stored);
  std::vector<PairStep> steps;
  for (LaneWeights& part : {std::ref(weights), std::ref(rest)}) {
    if (all_zero(part)) continue;
    std::vector<Interval> sums = pair_sums(part, stored);
    steps.push_back({lane, std::move(part), std::move(sums)});
  }
  return steps;
}

std::vector<PairStep> in_twos(std::vector<PairStep> steps) {
  // The fullest first, each with the fullest that still fits.
  std::stable_sort(steps.begin(), steps.end(),
                   [](const PairStep& a, const PairStep& b) { return fullest(a) > fullest(b); });
  std::vector<bool> taken(steps.size(), false);
  std::vector<PairStep> result;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (taken[i]) continue;
    PairStep partner{steps[i].lane, LaneWeights(steps[i].weights.size(), 0), {}};
    std::size_t tried = 0;
    for (std::size_t j = i + 1; j < steps.size() && tried < partners_tried; ++j) {
      if (taken[j]) continue;
      ++tried;
      if (!fit_together(steps[i].sums, steps[j].sums)) continue;
      taken[j] = true;
      partner = std::move(steps[j]);
      break;
    }
    result.push_back(std::move(steps[i]));
    result.push_back(std::move(partner));
  }
  return result;
}

}  // namespace crible::backends::cpu
