#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// How a batch gets to the GPU and back, and which way was found to be the fastest for a network on a device.
namespace crible::backends::cuda {

enum class Path : std::uint8_t {
  persistent,  // the kernel that waits at a mailbox
  graph,       // copies and kernel as one graph
  batched,     // copies and kernel, a work-item or a group for each event
  tiles,       // copies and kernel, layers by the tensor cores
};

inline constexpr std::array<Path, 4> all_paths{Path::persistent, Path::graph, Path::batched, Path::tiles};

const char* name(Path path);

/// The paths that were kept for a network and a device: paths[p] for batches of up to 2^p events. False when
/// there are none, or not for `points` sizes. The files are in $XDG_CACHE_HOME/crible or ~/.cache/crible.
bool load_paths(const std::string& key, std::size_t points, std::vector<Path>& paths);

/// Keeps them; a cache that cannot be written is no error.
void save_paths(const std::string& key, const std::vector<Path>& paths);

}  // namespace crible::backends::cuda
