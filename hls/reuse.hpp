#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/network/verify.hpp"
#include "hls/firmware.hpp"
#include "hls/over_cycles.hpp"

/// Multipliers shared over clock cycles: dense and conv nodes in several steps.
namespace crible::hls {

/// A node that is computed in steps. Its input's elements are put in a row; each step looks at a window of it
/// and the next one at the window `advance` places on.
///
/// A node with several rows or positions (dense on a matrix, conv) computes some of them in each step, by the
/// same additions. One with a single row (dense on a vector) multiplies some of its inputs in each step, by
/// weights that change with the step, and adds up.
struct SharedNode {
  network::NodeId node = 0;
  int steps = 1;
  network::Network step;  // inputs: the window and, when it adds up, the number of the step
  std::vector<int> row;   // [place] element of the node's input; -1: filler
  std::int64_t filler = 0;
  int advance = 0;                 // places from one step to the next
  std::vector<int> window;         // [element of the step's first input] place from the window's beginning
  std::vector<std::int64_t> bias;  // of what is added up; empty: the steps' results are put together
  std::vector<StepPlace> results;  // [element of the node's result], unless it adds up
};

/// The nodes that everything passes through, each planned for at most `reuse` steps. Empty when there is
/// none.
std::vector<SharedNode> plan_reuse(const network::Network& network, const network::Ranges& ranges, int reuse);

/// The modules of one shared node: a step of the usual kind, and one that feeds it and collects.
Firmware shared_module(const network::Network& network, const network::Ranges& ranges, const SharedNode& node,
                       const Options& options);

}  // namespace crible::hls
