#include "hls/min_cut.hpp"

#include <algorithm>

namespace crible::hls {

int MinCut::add_node() {
  leaving_.emplace_back();
  return static_cast<int>(leaving_.size()) - 1;
}

void MinCut::add_edge(int from, int to, std::int64_t capacity) {
  leaving_[static_cast<std::size_t>(from)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({to, capacity});
  leaving_[static_cast<std::size_t>(to)].push_back(static_cast<int>(edges_.size()));
  edges_.push_back({from, 0});
}

bool MinCut::level_nodes() {
  level_.assign(leaving_.size(), -1);
  level_[source] = 0;
  std::vector<int> queue{source};
  for (std::size_t i = 0; i < queue.size(); ++i) {
    const auto from = static_cast<std::size_t>(queue[i]);
    for (const int e : leaving_[from]) {
      const Edge& edge = edges_[static_cast<std::size_t>(e)];
      int& level = level_[static_cast<std::size_t>(edge.to)];
      if (edge.room == 0 || level >= 0) continue;
      level = level_[from] + 1;
      queue.push_back(edge.to);
    }
  }
  return level_[sink] >= 0;
}

std::int64_t MinCut::push(int node, std::int64_t most) {
  if (node == sink) return most;
  const auto from = static_cast<std::size_t>(node);
  for (std::size_t& i = next_[from]; i < leaving_[from].size(); ++i) {
    const auto e = static_cast<std::size_t>(leaving_[from][i]);
    const int to = edges_[e].to;
    if (edges_[e].room == 0 || level_[static_cast<std::size_t>(to)] != level_[from] + 1) continue;
    const std::int64_t pushed = push(to, std::min(most, edges_[e].room));
    if (pushed == 0) continue;
    edges_[e].room -= pushed;
    edges_[e ^ 1].room += pushed;
    return pushed;
  }
  return 0;
}

std::vector<bool> MinCut::source_side() {
  while (level_nodes()) {
    next_.assign(leaving_.size(), 0);
    while (push(source, never) > 0) {
    }
  }
  std::vector<bool> side(leaving_.size());
  for (std::size_t i = 0; i < side.size(); ++i) side[i] = level_[i] >= 0;
  return side;
}

}  // namespace crible::hls
