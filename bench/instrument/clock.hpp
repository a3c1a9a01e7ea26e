#pragma once

#include <cstdint>
#include <string>

namespace crible::bench {

/// The clock of the instrument: CLOCK_MONOTONIC, on whose scale the engine stamps events, too. Waiting spins
/// on the processor's time-stamp counter where that runs at one rate in all states of all cores, which costs
/// less than half of a call of the system's clock; otherwise, as describe() says, on the system's clock.
class Clock {
 public:
  /// Compares the two clocks for about 10 ms. `counter_allowed` false: as on a machine without the counter.
  explicit Clock(bool counter_allowed = true);

  /// CLOCK_MONOTONIC.
  static std::int64_t system_ns() noexcept;

  /// The same scale by the counter, never further from it than max_drift_ns() after a wait.
  std::int64_t now_ns() const noexcept;

  /// Spins until now_ns() has reached `due_ns`; returns what the system's clock says then.
  std::int64_t wait_until(std::int64_t due_ns) noexcept;

  bool uses_counter() const { return uses_counter_; }

  /// The largest correction so far, in nanoseconds, when the scales were compared again (every 50 ms).
  std::int64_t max_drift_ns() const { return max_drift_ns_; }

  /// "tsc, 2.596 GHz, invariant", or which clock instead, and why.
  std::string describe() const;

 private:
  void anchor() noexcept;

  bool uses_counter_ = false;
  double ns_per_tick_ = 1;
  std::uint64_t anchor_ticks_ = 0;
  std::int64_t anchor_ns_ = 0;
  std::int64_t max_drift_ns_ = 0;
};

/// The processor says that its time-stamp counter runs at one rate, whatever the core does.
bool has_invariant_counter() noexcept;

}  // namespace crible::bench
