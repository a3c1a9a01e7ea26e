#pragma once

#include <vector>

#include "engine/network/network.hpp"

namespace crible::network {

/// Proven interval of each element of each node's tensor: ranges[node][element].
using Ranges = std::vector<std::vector<Interval>>;

/// Checks everything SEMANTICS.md demands: order, arity, shapes, types, attribute sizes, shifts, table
/// indices, and that no accumulator can overflow. Throws Error naming the node. Returns the proof's ranges.
Ranges verify(const Network& network);

/// Smallest and largest over the elements of one node.
Interval hull(const std::vector<Interval>& elements);

}  // namespace crible::network
