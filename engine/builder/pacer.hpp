#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/builder/jump_guard.hpp"

namespace crible::builder {

/// Decides who has to wait for whom. A source that is ahead of another one by more than the ring holds would
/// push out events that the other one is about to complete; so its packets wait.
///
/// They wait for sources that are on their way: that were heard of in the last timeout (or, until the run is
/// a timeout old, were not heard of at all), have not ended their run, and gain ground. One that in a whole
/// timeout makes good less than a sixteenth of its arrears is waited for no more until it has caught up. So a
/// source that died or whose numbers are broken holds up the others for one timeout.
class Pacer {
 public:
  /// `guard` says where the sources are; it must outlive this.
  Pacer(const JumpGuard& guard, std::int64_t timeout_ns);

  /// The first packet of the run begins at this position.
  void start(std::uint64_t position, std::int64_t now_ns) noexcept;

  /// Whether a packet of `source` that ends at `last` has to wait for others that are more than `lead`
  /// positions behind.
  bool must_wait(std::size_t source, std::uint64_t last, std::uint64_t lead, std::int64_t now_ns) noexcept;

  /// The source sent something, or said that nothing more comes from it.
  void set_ended(std::size_t source, bool ended) noexcept { arrears_[source].ended = ended; }

 private:
  /// How a source that others wait for gets on.
  struct Arrears {
    enum class State : std::uint8_t { none, watched, given_up } state = State::none;
    bool ended = false;
    std::int64_t since_ns = 0;
    /// Where it was at that time, and how far that is from where it should be.
    std::uint64_t position = 0;
    std::uint64_t missing = 0;
  };

  bool worth_waiting(Arrears& arrears, std::uint64_t position, std::uint64_t missing,
                     std::int64_t now_ns) const noexcept;

  const JumpGuard& guard_;
  const std::int64_t timeout_ns_;
  std::vector<Arrears> arrears_;
  std::uint64_t start_position_ = 0;
  std::int64_t start_ns_ = 0;
  bool started_ = false;
};

}  // namespace crible::builder
