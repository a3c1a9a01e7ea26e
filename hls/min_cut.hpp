#pragma once

#include <cstdint>
#include <vector>

namespace crible::hls {

/// The cheapest cut of a directed graph between a source and a sink, by Dinic's algorithm.
class MinCut {
 public:
  static constexpr int source = 0;
  static constexpr int sink = 1;
  static constexpr std::int64_t never = std::int64_t{1} << 50;  // capacity of an edge that must not be cut

  /// A new node's number; 0 and 1 exist already.
  int add_node();
  void add_edge(int from, int to, std::int64_t capacity);

  /// The nodes on the source's side of the cheapest cut (the one closest to the source).
  std::vector<bool> source_side();

 private:
  struct Edge {
    int to = 0;
    std::int64_t room = 0;
  };

  bool level_nodes();
  std::int64_t push(int node, std::int64_t most);

  std::vector<Edge> edges_;  // each followed by its reverse
  std::vector<std::vector<int>> leaving_{{}, {}};
  std::vector<int> level_;
  std::vector<std::size_t> next_;
};

}  // namespace crible::hls
