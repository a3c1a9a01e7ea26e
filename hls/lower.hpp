#pragma once

#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "hls/firmware.hpp"
#include "hls/form.hpp"
#include "hls/graph.hpp"

/// Network to bit-level arithmetic: each node becomes words, unrolled over all its elements.
namespace crible::hls {

/// The arithmetic of one event.
struct Arithmetic {
  Graph graph;
  /// [network output][element]; with saturation counters one entry more: [saturated node], 1 where an element
  /// saturates.
  std::vector<std::vector<WordId>> outputs;
  std::vector<network::NodeId> saturated_nodes;
  std::vector<int> owners;                 // [word]: the network node for which it was made first
  std::vector<std::vector<WordId>> nodes;  // [network node][element]; no_word where none exists
};

/// Throws Error naming the node for what firmware cannot be made of.
Arithmetic lower(const network::Network& network, const Options& options);

}  // namespace crible::hls
