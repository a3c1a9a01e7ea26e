#pragma once

#include <array>
#include <cstdint>

#include "engine/wire/packet.hpp"

namespace crible::builder {

/// What a packet's numbers say about its source: to be added to the source's book.
struct SequenceStep {
  /// Counted already, too old to tell, or of a start of the source before the last one.
  bool outside = false;
  bool restarted = false;
  /// The source's numbers do not agree: those of a control packet, or the fragments before a packet.
  bool contradiction = false;
  std::int64_t packets_sent = 0;
  std::int64_t packets_gap = 0;
  std::int64_t fragments_sent = 0;
  std::int64_t fragments_gap = 0;
};

/// Follows the packet numbers of one source, through losses, repetitions, disorder and restarts. A gap is
/// booked when a later packet shows it, and taken back when the missing packet comes after all.
class SequenceTracker {
 public:
  /// Takes the next packet of the source that arrived.
  SequenceStep take(const wire::PacketView& packet) noexcept;

  /// Whether the source has started at all, and whether it said since its last start that the run is over.
  bool started() const noexcept { return started_; }
  bool ended() const noexcept { return ended_; }

 private:
  /// Packets that can be told apart behind the newest one.
  static constexpr std::uint64_t window = 1024;
  /// A greater step forward is a broken number, not a loss.
  static constexpr std::uint64_t max_jump = std::uint64_t{1} << 32;

  struct Epoch {
    std::uint32_t number = 0;
    /// The packet number, and the count of fragments before it, that the next packet should have.
    std::uint64_t next = 0;
    std::uint32_t next_fragments = 0;
    /// Bit n mod window: packet n has arrived, for the last `window` numbers before `next`.
    std::array<std::uint64_t, window / 64> arrived{};

    /// What was sent of the luminosity block of the newest packet. Not exact when packets were lost between
    /// two blocks, as nobody knows which of the two they belonged to.
    std::uint32_t luminosity_block = 0;
    bool block_exact = true;
    wire::SentCounts block_sent{};

    SequenceStep take(const wire::PacketView& packet) noexcept;
    SequenceStep go_forward(const wire::PacketView& packet) noexcept;
    void follow_block(const wire::PacketView& packet, SequenceStep& step) noexcept;
    bool has_arrived(std::uint64_t sequence) const noexcept;
    void set_arrived(std::uint64_t sequence, bool value) noexcept;
  };

  Epoch current_;
  Epoch previous_;
  bool started_ = false;
  bool restarted_ = false;
  bool ended_ = false;
};

}  // namespace crible::builder
