#pragma once

#include <optional>

#include "hls/firmware.hpp"

/// Recurrent networks over time: one body, its states going round through its own pipeline registers.
namespace crible::hls {

/// A network cut at its only recurrent node.
struct ScanParts {
  network::Network before;  // outputs: the sequence, then the initial states
  network::Network step;    // the body
  network::Network after;   // input: what the node emits
  int steps = 0;
  int emit = 0;
  bool sequence = false;
  bool reverse = false;
};

/// Throws Error, saying why, when the network has not exactly one recurrent node or when a value goes around
/// it.
ScanParts cut_at_scan(const network::Network& network);

/// Three modules of the usual kind and a fourth, the top, that lets one event after the other go through the
/// body. An event takes steps x (latency of the body) cycles there, which is the initiation interval.
Firmware generate_scan(const network::Network& network, const Options& options);

}  // namespace crible::hls
