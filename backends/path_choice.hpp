#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

/// Which of its paths a program takes for which size of batch: the fastest, measured once and kept for the
/// next start under what the measurement is good for.
namespace crible::backends {

/// Sizes of batches are told apart by powers of two, rounded up: 1, 2, 3 and 4, 5 to 8, ...
inline std::size_t point_of(std::size_t events) {
  return static_cast<std::size_t>(std::bit_width(events - 1));
}

struct PathQuestion {
  std::string key;  // the network's hash, the device's name, and what else would change the answer
  std::vector<std::string> names;  // of the paths, one word each
  std::size_t max_batch = 1;
  std::function<bool(std::size_t path, std::size_t events)> possible{};  // null: each for every size

  std::size_t points() const { return point_of(max_batch) + 1; }
  /// The largest batch of a point.
  std::size_t events_at(std::size_t point) const { return std::min(std::size_t{1} << point, max_batch); }
};

struct PathChoice {
  std::vector<std::size_t> of_point{};  // by point; empty: not known yet
  std::string how{};                    // how it was chosen, a clause for people

  std::size_t of(std::size_t events) const noexcept { return of_point[point_of(events)]; }
  /// Whether any size of batch takes the path.
  bool takes(std::size_t path) const;
};

/// What the variable CRIBLE_FORCE_PATH names (where that path cannot take a batch: the first that can), else
/// what was kept. When nothing is known, `how` says so, with the file that was not believed. Throws Error for
/// a name that the program does not have. The files are in $XDG_CACHE_HOME/crible or ~/.cache/crible.
PathChoice known_paths(const PathQuestion& question);

/// Measures each path for each size, and keeps what it finds; a cache that cannot be written is no error.
/// `known` is what known_paths() gave.
PathChoice measured_paths(
    const PathQuestion& question, const PathChoice& known,
    const std::function<std::chrono::nanoseconds(std::size_t path, std::size_t events)>& time);

/// The least of some calls, few where they take long: what else the machine does only adds to them.
std::chrono::nanoseconds least_time(const std::function<std::chrono::nanoseconds()>& once);

}  // namespace crible::backends
