#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/wire/packet.hpp"

namespace crible::wire {

/// Who writes, and for which run.
struct Sender {
  std::uint16_t source = 0;
  std::uint32_t run = 0;
  /// Larger after each restart of the source.
  std::uint32_t epoch = 0;
  /// Events of a block; 0: any packet may hold any events.
  std::uint64_t block_events = 0;
};

/// Packs fragments into packets for one shard. A source has one writer for each shard. The caller decides
/// when a packet goes (so many events, bytes or microseconds); the writer decides when it must: fits() is
/// false for a fragment of another block or luminosity block.
class PacketWriter {
 public:
  /// `reserve_bytes`: room for the packet's payloads without allocating.
  explicit PacketWriter(Sender sender, std::size_t reserve_bytes = 64 << 10);

  /// Whether the open packet can take this fragment; an empty packet takes any fragment that is not too long
  /// for a frame. False: finish() the packet first.
  bool fits(std::uint64_t event, std::uint32_t luminosity_block, std::size_t payload_bytes) const noexcept;

  /// Appends a copy of the payload to the open packet. Precondition: fits().
  void add(std::uint64_t event, std::uint32_t luminosity_block, std::span<const std::byte> payload);

  bool empty() const noexcept { return entries_.empty(); }
  std::uint32_t fragment_count() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }

  /// Bytes of the frame that finish() would write now.
  std::size_t frame_bytes() const noexcept;

  /// Closes the packet and writes it to `frame`, frame_bytes() bytes; the next add() starts a new one. An
  /// empty packet is allowed: it says that the source lives. `time_ns`: since 1970.
  void finish(std::uint64_t time_ns, std::span<std::byte> frame) noexcept;

  /// The same into a buffer of the writer's, valid until the writer is used again.
  std::span<const std::byte> finish(std::uint64_t time_ns);

  /// The control packet that closes a luminosity block for this shard; valid until the writer is used
  /// again. Precondition: empty().
  std::span<const std::byte> end_of_luminosity_block(std::uint32_t luminosity_block, std::uint64_t time_ns);

  /// The control packet that closes the run for this shard; as above.
  std::span<const std::byte> end_of_run(std::uint32_t luminosity_block, std::uint64_t time_ns);

  /// All packets and fragments that were finished so far, of every kind.
  SentCounts sent() const noexcept { return sent_; }
  const Sender& sender() const noexcept { return sender_; }

 private:
  PacketHeader next_header(PacketKind kind, std::uint64_t time_ns, std::size_t bytes) const noexcept;
  void count(std::uint32_t luminosity_block, std::uint32_t fragments) noexcept;
  std::span<const std::byte> control(PacketKind kind, std::uint32_t luminosity_block, std::uint64_t time_ns,
                                     SentCounts counts);

  Sender sender_;
  std::uint64_t first_event_ = 0;
  std::uint64_t last_event_ = 0;
  std::uint32_t luminosity_block_ = 0;
  SentCounts sent_{};
  /// What was sent of the luminosity block `counted_block_`.
  SentCounts block_sent_{};
  std::uint32_t counted_block_ = 0;
  /// Event offsets, and payload offsets from the first payload.
  std::vector<TableEntry> entries_;
  std::vector<std::byte> payloads_;
  std::vector<std::byte> frame_;
};

}  // namespace crible::wire
