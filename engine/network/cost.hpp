#pragma once

#include <cstdint>

#include "engine/network/network.hpp"

namespace crible::network {

/// What one event costs, by definition and not by any executor: zero weights and padding count.
struct Cost {
  std::uint64_t multiply_accumulates = 0;  // products of an input with a weight or another input
  std::uint64_t operations = 0;            // elements read to make the result, products included
  std::uint64_t parameters = 0;            // weights, biases, tables, thresholds, tree nodes, constants

  Cost& operator+=(const Cost& other);
};

/// Cost of one node; `network` gives the shapes of its inputs. A recurrent node counts its body once for each
/// step, its parameters once. Numbers stay at the largest uint64 rather than overflow.
Cost cost(const Network& network, const Node& node);
Cost cost(const Network& network);

}  // namespace crible::network
