#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "engine/wire/packet.hpp"

namespace crible::wire {

/// What can be done to a packet on its way.
enum class PacketFault : std::uint8_t {
  none,
  /// It does not arrive.
  drop,
  /// It arrives twice.
  duplicate,
  /// It changes places with the next packet.
  reorder,
  /// It arrives many packets later.
  delay,
  /// One bit is wrong.
  flip_bit,
  /// The end is missing.
  truncate,
  /// It is of another run, with a right checksum.
  wrong_run,
  /// It is of a source that nobody expects, with a right checksum.
  unknown_source,
};
inline constexpr std::size_t packet_fault_count = 9;

/// How often each fault happens: the probability for a data packet, by PacketFault; that of none is what is
/// left. Control packets always pass, so that the ledger can tell what was lost.
using FaultRates = std::array<double, packet_fault_count>;

struct FaultCounts {
  std::uint64_t packets = 0;
  std::uint64_t fragments = 0;
};

/// Does wrong to packets, the same wrong for the same seed: what happens to a packet depends on the seed and
/// on the packet's source, epoch and sequence number only. It counts what it does, so a test can say what the
/// ledger must show. For `crible source` and for tests.
class FaultInjector {
 public:
  /// `delay_packets`: how many packets a delayed one lets pass.
  FaultInjector(const FaultRates& rates, std::uint64_t seed, std::size_t delay_packets = 1000);

  /// The fault of a packet with this header.
  PacketFault fault_of(const PacketHeader& header) const noexcept;

  /// Takes a sound packet and appends to `out` the frames that are sent now: none, it, or several.
  void pass(std::span<const std::byte> frame, std::vector<std::vector<std::byte>>& out);

  /// Appends the packets that are still held back.
  void flush(std::vector<std::vector<std::byte>>& out);

  const FaultCounts& counts(PacketFault fault) const { return counts_.at(static_cast<std::size_t>(fault)); }

 private:
  struct Delayed {
    std::size_t packets_left;
    std::vector<std::byte> frame;
  };

  std::vector<std::byte> damaged(std::span<const std::byte> frame, const PacketHeader& header,
                                 PacketFault fault) const;

  FaultRates rates_;
  std::uint64_t seed_;
  std::size_t delay_packets_;
  std::array<FaultCounts, packet_fault_count> counts_{};
  std::deque<Delayed> delayed_;
};

}  // namespace crible::wire
