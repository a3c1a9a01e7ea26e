#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "backends/cpu/plan/planner.hpp"

// In which order a product stores its outputs. Where neighbouring bytes are multiplied in 16 bits, two large
// weights of the same sign side by side cost a step of their own; so outputs become neighbours that the next
// layer seldom weighs so.
namespace crible::backends::cpu {

using network::Node;

namespace {

constexpr std::size_t most_comparisons = std::size_t{1} << 27;

/// The weights of the next layer: one row for each way in which it reads all outputs.
struct Readers {
  std::size_t outputs = 0;
  std::vector<std::vector<std::int32_t>> weights;  // [outputs][rows]
};

/// Only whether it is large matters; sums of two must not overflow.
std::int32_t held(std::int64_t weight) {
  constexpr std::int64_t limit = 1 << 20;
  return static_cast<std::int32_t>(std::clamp(weight, -limit, limit));
}

Readers readers_of(const Node& node, std::size_t outputs) {
  Readers readers;
  readers.weights.resize(outputs);
  if (const auto* dense = std::get_if<network::Dense>(&node.operation)) {
    if (static_cast<std::size_t>(dense->inputs) != outputs) return readers;
    for (std::size_t i = 0; i < dense->weights.size(); ++i) {
      readers.weights[i % outputs].push_back(held(dense->weights[i]));
    }
    readers.outputs = outputs;
  }
  if (const auto* conv = std::get_if<network::Conv>(&node.operation)) {
    const std::size_t taps = network::element_count(conv->window.kernel);
    const std::size_t channels = conv->weights.size() / static_cast<std::size_t>(conv->filters) / taps;
    if (conv->groups != 1 || channels != outputs) return readers;
    for (std::size_t i = 0; i < conv->weights.size(); ++i) {
      readers.weights[i / taps % outputs].push_back(held(conv->weights[i]));
    }
    readers.outputs = outputs;
  }
  return readers;
}

/// How often two outputs have weights whose sum is too large.
std::int32_t conflicts(const std::vector<std::int32_t>& a, const std::vector<std::int32_t>& b,
                       std::int32_t limit) {
  std::int32_t count = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same_sign = (a[i] ^ b[i]) >= 0;
    count += static_cast<std::int32_t>(same_sign && std::abs(a[i] + b[i]) > limit);
  }
  return count;
}

using Costs = std::vector<std::vector<std::int32_t>>;

Costs costs_of(const Readers& readers, std::int32_t limit) {
  Costs cost(readers.outputs, std::vector<std::int32_t>(readers.outputs, 0));
  for (std::size_t i = 0; i < readers.outputs; ++i) {
    for (std::size_t j = i + 1; j < readers.outputs; ++j) {
      cost[i][j] = cost[j][i] = conflicts(readers.weights[i], readers.weights[j], limit);
    }
  }
  return cost;
}

/// Who has most conflicts chooses first.
std::vector<std::uint32_t> first_choices(const Costs& cost) {
  std::vector<std::uint32_t> waiting(cost.size());
  std::iota(waiting.begin(), waiting.end(), 0u);
  const auto total = [&](std::uint32_t i) {
    return std::accumulate(cost[i].begin(), cost[i].end(), std::int64_t{0});
  };
  std::stable_sort(waiting.begin(), waiting.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return total(a) > total(b); });
  std::vector<std::uint32_t> order;
  while (!waiting.empty()) {
    const std::uint32_t one = waiting.front();
    waiting.erase(waiting.begin());
    order.push_back(one);
    if (waiting.empty()) break;
    const auto partner =
        std::min_element(waiting.begin(), waiting.end(),
                         [&](std::uint32_t a, std::uint32_t b) { return cost[one][a] < cost[one][b]; });
    order.push_back(*partner);
    waiting.erase(partner);
  }
  return order;
}

/// Two pairs exchange partners where that leaves fewer conflicts; true if any did.
bool exchange_partners(const Costs& cost, std::vector<std::uint32_t>& order) {
  bool changed = false;
  for (std::size_t i = 0; i + 1 < order.size(); i += 2) {
    for (std::size_t j = i + 2; j + 1 < order.size(); j += 2) {
      for (std::size_t other : {j, j + 1}) {
        const std::uint32_t left = order[other == j ? j + 1 : j];
        const std::int32_t now = cost[order[i]][order[i + 1]] + cost[order[j]][order[j + 1]];
        if (cost[order[i]][order[other]] + cost[order[i + 1]][left] >= now) continue;
        std::swap(order[i + 1], order[other]);
        changed = true;
      }
    }
  }
  return changed;
}

/// Neighbours with few conflicts; pairs that have some share lanes.
std::vector<std::uint32_t> paired(const Readers& readers, std::int32_t limit) {
  constexpr int most_rounds = 8;
  const Costs cost = costs_of(readers, limit);
  std::vector<std::uint32_t> order = first_choices(cost);
  for (int round = 0; round < most_rounds && exchange_partners(cost, order); ++round) {
  }
  std::vector<std::pair<std::int32_t, std::size_t>> pairs;
  for (std::size_t i = 0; i + 1 < order.size(); i += 2) pairs.push_back({-cost[order[i]][order[i + 1]], i});
  std::sort(pairs.begin(), pairs.end());
  std::vector<std::uint32_t> sorted;
  for (const auto& [conflicts_less, i] : pairs) sorted.insert(sorted.end(), {order[i], order[i + 1]});
  if (order.size() % 2 == 1) sorted.push_back(order.back());
  return sorted;
}

}  // namespace

void Planner::order_outputs(const Context& context, const Ending& ending, Matrix& matrix) const {
  if (kernels_.byte_dots != ByteDots::pairs || ending.form != Form::bytes) return;
  const int next = only_reader(context.network, context.uses, ending.node);
  if (next < 0) return;
  const Readers readers =
      readers_of(context.network.nodes[static_cast<std::size_t>(next)], std::size_t{matrix.outputs});
  if (readers.outputs == 0) return;
  const std::size_t comparisons = readers.outputs * readers.outputs * readers.weights[0].size();
  if (comparisons > most_comparisons) return;
  const std::int64_t high =
      network::hull(context.ranges[static_cast<std::size_t>(ending.node)]).high - ending.offset;
  const std::vector<std::uint32_t> order =
      paired(readers, static_cast<std::int32_t>(INT16_MAX / std::max<std::int64_t>(1, high)));

  const Matrix before = matrix;
  for (std::uint32_t o = 0; o < matrix.outputs; ++o) {
    const std::uint32_t from = order[o];
    matrix.bias[o] = before.bias[from];
    std::copy_n(before.weights.begin() + std::ptrdiff_t{from} * matrix.depth, matrix.depth,
                matrix.weights.begin() + std::ptrdiff_t{o} * matrix.depth);
    for (std::size_t first = 0; first < matrix.result.size(); first += matrix.outputs) {
      matrix.result[first + o] = before.result[first + from];
    }
  }
}

}  // namespace crible::backends::cpu
