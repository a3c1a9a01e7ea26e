#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "backends/backend.hpp"
#include "engine/base/clock.hpp"

namespace crible::batching {

/// A clock in nanoseconds; monotonic_ns is the machine's, tests have others.
using Clock = std::int64_t (*)() noexcept;

/// How long a batch takes on one device as a function of its size: measured at powers of two, linear in
/// between, corrected by every batch that really runs.
class TimeModel {
 public:
  /// Knows nothing yet: predicts `first_guess_ns` for every size up to `max_batch`.
  explicit TimeModel(std::size_t max_batch, std::int64_t first_guess_ns = 100'000);

  std::size_t max_batch() const { return max_batch_; }

  /// Nanoseconds from submit to answer of a batch of `events` rows; 0 for an empty batch.
  std::int64_t predict_ns(std::size_t events) const noexcept;

  /// Replaces what is known of this size (start-up measurement).
  void set(std::size_t events, std::int64_t elapsed_ns) noexcept;

  /// A batch of `events` rows took `elapsed_ns`: moves the nearest point an eighth of the way, as if it
  /// had taken twice the prediction at most.
  void observe(std::size_t events, std::int64_t elapsed_ns) noexcept;

 private:
  std::size_t point_of(std::size_t events) const noexcept;
  void keep_ascending(std::size_t point) noexcept;

  std::size_t max_batch_;
  std::vector<std::size_t> sizes_;      // 1, 2, 4, ..., max_batch
  std::vector<std::int64_t> times_ns_;  // never descending
};

/// Runs batches of zeros of every size of the model, `repeats` times each, and keeps the medians.
/// Throws Error when the program fails. The program must be idle.
TimeModel measure(backends::Program& program, int repeats = 5, Clock clock = monotonic_ns);

}  // namespace crible::batching
