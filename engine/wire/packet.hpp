#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

// The packet: one frame that carries the fragments of many events from one source. docs/wire-format.md
// tells a stranger the same. All numbers are little-endian.

namespace crible::wire {

/// The bytes "CRPK".
inline constexpr std::uint32_t packet_magic = 0x4b505243;
inline constexpr std::uint16_t packet_version = 1;

/// Frames above this size are refused unread; a source's packets are smaller by far.
inline constexpr std::size_t max_frame_bytes = std::size_t{64} << 20;

/// What a packet is for. Zero is no kind, so that a frame of zeros is not a packet.
enum class PacketKind : std::uint16_t {
  data = 1,
  /// The source has no more fragments of this luminosity block for this shard.
  end_of_luminosity_block = 2,
  /// The source has no more fragments of this run for this shard.
  end_of_run = 3,
};

/// The first 64 bytes of every frame.
struct PacketHeader {
  std::uint32_t magic = packet_magic;
  std::uint16_t version = packet_version;
  std::uint16_t header_bytes = 64;
  PacketKind kind = PacketKind::data;
  std::uint16_t source = 0;
  std::uint32_t run = 0;
  /// Packets of this source to this shard since its start, of every kind: 0, 1, 2, ...
  std::uint64_t sequence = 0;
  /// The event number that the table's event offsets count from. Control packets: 0.
  std::uint64_t first_event = 0;
  std::uint32_t luminosity_block = 0;
  /// Entries of the table. Control packets: 0.
  std::uint32_t fragment_count = 0;
  /// When the source closed the packet: nanoseconds since 1970 (CLOCK_REALTIME).
  std::uint64_t time_ns = 0;
  /// The whole frame, this header included.
  std::uint32_t frame_bytes = 0;
  /// Which start of the source this is: larger after each restart, for instance seconds since 1970. It
  /// tells a restart from a repetition, as both send old sequence numbers again.
  std::uint32_t epoch = 0;
  /// Fragments that the source sent to this shard in this epoch before this packet, modulo 2^32. It makes
  /// the number of fragments in a lost packet known.
  std::uint32_t fragments_before = 0;
  /// CRC-32C (Castagnoli, as in iSCSI and SSE 4.2) of bytes 0..59 and 64..frame_bytes-1.
  std::uint32_t crc32c = 0;
};

static_assert(sizeof(PacketHeader) == 64);
static_assert(offsetof(PacketHeader, magic) == 0);
static_assert(offsetof(PacketHeader, version) == 4);
static_assert(offsetof(PacketHeader, header_bytes) == 6);
static_assert(offsetof(PacketHeader, kind) == 8);
static_assert(offsetof(PacketHeader, source) == 10);
static_assert(offsetof(PacketHeader, run) == 12);
static_assert(offsetof(PacketHeader, sequence) == 16);
static_assert(offsetof(PacketHeader, first_event) == 24);
static_assert(offsetof(PacketHeader, luminosity_block) == 32);
static_assert(offsetof(PacketHeader, fragment_count) == 36);
static_assert(offsetof(PacketHeader, time_ns) == 40);
static_assert(offsetof(PacketHeader, frame_bytes) == 48);
static_assert(offsetof(PacketHeader, epoch) == 52);
static_assert(offsetof(PacketHeader, fragments_before) == 56);
static_assert(offsetof(PacketHeader, crc32c) == 60);

/// One fragment in the table that follows the header.
struct TableEntry {
  /// Event number minus the header's first_event; larger than that of the entry before.
  std::uint32_t event_offset;
  /// Where the payload begins, counted from the frame's first byte; it ends where the next one begins, the
  /// last one with the frame. The first payload begins right after the table.
  std::uint32_t payload_offset;
};

static_assert(sizeof(TableEntry) == 8);
static_assert(offsetof(TableEntry, event_offset) == 0);
static_assert(offsetof(TableEntry, payload_offset) == 4);

/// What a control packet carries after its header: what the source has sent to this shard in this epoch
/// before it. end_of_luminosity_block: of that luminosity block; end_of_run: in all (control packets too).
struct SentCounts {
  std::uint64_t packets;
  std::uint64_t fragments;
};

static_assert(sizeof(SentCounts) == 16);
static_assert(offsetof(SentCounts, packets) == 0);
static_assert(offsetof(SentCounts, fragments) == 8);

/// What parsing found. Up to wrong_fragment_count the frame names nobody: only the frame is counted, and what
/// its source sent in it shows as a transport gap. After it the header is sound, and its fragments are
/// counted.
enum class PacketStatus : std::uint8_t {
  ok,
  too_short,
  too_long,
  wrong_magic,
  wrong_version,
  wrong_header_size,
  wrong_frame_size,
  wrong_checksum,
  unknown_kind,
  wrong_fragment_count,
  /// The table: payloads not in order, outside the frame, or not right after the table.
  bad_payload_offsets,
  /// The table: event numbers that do not ascend, or leave 64 bits.
  bad_event_offsets,
  /// Events of two blocks in one packet.
  spans_blocks,
  /// Events of a block that belongs to another shard; the builder finds it, parse() does not know shards.
  wrong_shard,
};
inline constexpr std::size_t packet_status_count = 14;

/// Whether the header of a frame with this status can be believed.
constexpr bool header_is_sound(PacketStatus status) {
  return status == PacketStatus::ok || status >= PacketStatus::bad_payload_offsets;
}

/// One sentence for people: what is wrong with the packet.
std::string_view sentence(PacketStatus status) noexcept;

/// The name of the status as a key: "wrong_checksum".
std::string_view name(PacketStatus status) noexcept;

/// A checked packet: a copy of its header, and the frame that somebody else keeps. The frame may lie at any
/// address, as it does inside a receive buffer of ZeroMQ; so numbers are loaded by memcpy.
class PacketView {
 public:
  const PacketHeader& header() const noexcept { return header_; }
  std::uint32_t fragment_count() const noexcept { return header_.fragment_count; }

  /// Entry `index` < fragment_count() of the table.
  TableEntry entry(std::uint32_t index) const noexcept {
    TableEntry entry;
    std::memcpy(&entry, frame_ + sizeof(PacketHeader) + index * sizeof entry, sizeof entry);
    return entry;
  }

  std::uint64_t event(std::uint32_t index) const noexcept {
    return header_.first_event + entry(index).event_offset;
  }

  /// The payload of fragment `index`; it can be empty.
  std::span<const std::byte> payload(std::uint32_t index) const noexcept {
    const std::size_t begin = entry(index).payload_offset;
    const std::size_t end =
        index + 1 < fragment_count() ? entry(index + 1).payload_offset : header_.frame_bytes;
    return {frame_ + begin, end - begin};
  }

  /// The counts of a control packet.
  SentCounts sent_counts() const noexcept {
    SentCounts counts;
    std::memcpy(&counts, frame_ + sizeof(PacketHeader), sizeof counts);
    return counts;
  }

  std::span<const std::byte> frame() const noexcept { return {frame_, header_.frame_bytes}; }

 private:
  friend PacketStatus parse(std::span<const std::byte>, std::uint64_t, PacketView&) noexcept;
  PacketHeader header_;
  const std::byte* frame_ = nullptr;
};

/// Checks a frame from its first byte to its checksum and its table.
/// `block_events` is the number of events in a block of the run, 0 to leave that rule out. `view` is set when
/// header_is_sound(result); only its header may be used unless the result is ok.
[[nodiscard]] PacketStatus parse(std::span<const std::byte> frame, std::uint64_t block_events,
                                 PacketView& view) noexcept;

}  // namespace crible::wire
