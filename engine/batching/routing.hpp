#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace crible::batching {

/// Batches that went one way through a device, as the device names it: "item", "graph", ...
struct PathCounts {
  std::string path;
  std::uint64_t batches = 0;
};

/// What one device did of a network's batches.
struct RouteCounts {
  std::string device;
  std::uint64_t batches = 0;
  std::uint64_t events = 0;
  std::int64_t one_event_ns = 0;  // by the time model: a batch of one event, and a full one
  std::int64_t full_batch_ns = 0;
  std::vector<PathCounts> paths{};  // in which ways, where the device has names for them
  std::string paths_how{};          // how these were chosen, a clause
};

/// Which devices took the batches of a network, and what went wrong.
struct Routing {
  std::vector<RouteCounts> routes{};    // the preferred one first, the CPU last
  std::string why{};                    // how the choice was made, a sentence
  std::uint64_t moved = 0;              // batches of a device that failed, run on the CPU
  std::uint64_t checked = 0;            // batches run again on the CPU to compare
  std::uint64_t wrong = 0;              // of these, with other bits
  std::vector<std::string> troubles{};  // one sentence for each device that was taken out

  /// Adds another shard's.
  void add(const Routing& other);
};

}  // namespace crible::batching
