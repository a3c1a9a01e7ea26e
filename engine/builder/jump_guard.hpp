#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crible::builder {

/// Where a source is in the run: at the last event of its last packet.
struct Whereabouts {
  std::uint64_t position = 0;
  /// When that packet came.
  std::int64_t time_ns = 0;
  bool known = false;
};

/// Decides which event numbers to believe. Each source votes by where its last packet was; a vote is void
/// after a timeout. The newest position moves on with every packet that is within reach of it; a packet far
/// ahead moves it only when more sources vote for there than for here. So one source's broken numbers are
/// outvoted, and a true jump is followed as soon as most sources have made it.
class JumpGuard {
 public:
  /// `reach`: how far from each other sources can be, in positions.
  JumpGuard(std::size_t source_count, std::uint64_t reach, std::int64_t timeout_ns);

  /// Whether the packet with events at `first` to `last` may be placed now; if not, hold it back.
  bool judge(std::size_t source, std::uint64_t first, std::uint64_t last, std::int64_t now_ns) noexcept;

  /// Whether a packet that was held back is in reach by now.
  bool in_reach(std::uint64_t first) const noexcept { return first <= newest_ || first - newest_ <= reach_; }

  /// The last word on a packet that was held back for a timeout: believe it unless it is outvoted.
  bool judge_finally(std::uint64_t first, std::uint64_t last, std::int64_t now_ns) noexcept;

  /// The newest position that is believed in.
  std::uint64_t newest() const noexcept { return newest_; }

  /// Where each source is.
  const std::vector<Whereabouts>& sources() const noexcept { return sources_; }

 private:
  std::size_t votes_near(std::uint64_t position, std::int64_t now_ns) const noexcept;

  const std::uint64_t reach_;
  const std::int64_t timeout_ns_;
  std::vector<Whereabouts> sources_;
  std::uint64_t newest_ = 0;
  bool started_ = false;
};

}  // namespace crible::builder
