#include "engine/wire/packet.hpp"

#include <array>
#include <limits>

#include "engine/wire/crc32c.hpp"

namespace crible::wire {

namespace {

struct StatusText {
  std::string_view name;
  std::string_view sentence;
};

/// In the order of PacketStatus.
constexpr std::array<StatusText, packet_status_count> status_texts = {{
    {"ok", "the packet is sound"},
    {"too_short", "the frame is shorter than a packet header of 64 bytes"},
    {"too_long", "the frame is longer than 64 MiB"},
    {"wrong_magic", "the frame does not begin with the bytes CRPK"},
    {"wrong_version", "the packet's version is not 1"},
    {"wrong_header_size", "the packet's header is not 64 bytes long"},
    {"wrong_frame_size", "the packet's frame_bytes is not the number of bytes that arrived"},
    {"wrong_checksum", "the packet's CRC-32C is not that of its bytes"},
    {"unknown_kind", "the packet's kind is none of data (1), end of luminosity block (2) and end of run (3)"},
    {"wrong_fragment_count", "the packet's fragment_count does not fit its frame and kind"},
    {"bad_payload_offsets",
     "the packet's payload offsets do not ascend from the end of the table to the end of "
     "the frame"},
    {"bad_event_offsets", "the packet's event numbers do not ascend"},
    {"spans_blocks", "the packet holds events of more than one block"},
    {"wrong_shard", "the packet holds events of a block that belongs to another shard"},
}};

/// The checks that need nothing but the header and the frame's length, cheapest first.
PacketStatus check_header(const PacketHeader& header, std::size_t frame_bytes) noexcept {
  if (header.magic != packet_magic) return PacketStatus::wrong_magic;
  if (header.version != packet_version) return PacketStatus::wrong_version;
  if (header.header_bytes != sizeof(PacketHeader)) return PacketStatus::wrong_header_size;
  if (header.frame_bytes != frame_bytes) return PacketStatus::wrong_frame_size;
  return PacketStatus::ok;
}

/// What only a source's mistake can get wrong, the checksum being right.
PacketStatus check_counts(const PacketHeader& header) noexcept {
  const std::size_t body_bytes = header.frame_bytes - sizeof(PacketHeader);
  switch (header.kind) {
    case PacketKind::data:
      if (header.fragment_count > body_bytes / sizeof(TableEntry)) return PacketStatus::wrong_fragment_count;
      if (header.fragment_count == 0 && body_bytes != 0) return PacketStatus::wrong_fragment_count;
      return PacketStatus::ok;
    case PacketKind::end_of_luminosity_block:
    case PacketKind::end_of_run:
      if (header.fragment_count != 0 || body_bytes != sizeof(SentCounts)) {
        return PacketStatus::wrong_fragment_count;
      }
      return PacketStatus::ok;
  }
  return PacketStatus::unknown_kind;
}

/// The table of a data packet that has at least one fragment. One pass without early exits: a sound table is
/// the rule, and the loop then runs at the speed of its loads.
PacketStatus check_table(const PacketView& view, std::uint64_t block_events) noexcept {
  const PacketHeader& header = view.header();
  const std::uint32_t count = header.fragment_count;
  TableEntry last = view.entry(0);
  bool payloads_fail = last.payload_offset != sizeof(PacketHeader) + count * sizeof(TableEntry);
  bool events_fail = false;
  for (std::uint32_t i = 1; i < count; ++i) {
    const TableEntry entry = view.entry(i);
    payloads_fail |= entry.payload_offset < last.payload_offset;
    events_fail |= entry.event_offset <= last.event_offset;
    last = entry;
  }
  if (payloads_fail || last.payload_offset > header.frame_bytes) return PacketStatus::bad_payload_offsets;
  const std::uint64_t room = std::numeric_limits<std::uint64_t>::max() - header.first_event;
  if (events_fail || last.event_offset > room) return PacketStatus::bad_event_offsets;
  if (block_events != 0 && (header.first_event + view.entry(0).event_offset) / block_events !=
                               (header.first_event + last.event_offset) / block_events) {
    return PacketStatus::spans_blocks;
  }
  return PacketStatus::ok;
}

}  // namespace

std::string_view sentence(PacketStatus status) noexcept {
  return status_texts[static_cast<std::size_t>(status)].sentence;
}

std::string_view name(PacketStatus status) noexcept {
  return status_texts[static_cast<std::size_t>(status)].name;
}

PacketStatus parse(std::span<const std::byte> frame, std::uint64_t block_events, PacketView& view) noexcept {
  if (frame.size() < sizeof(PacketHeader)) return PacketStatus::too_short;
  if (frame.size() > max_frame_bytes) return PacketStatus::too_long;
  PacketHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  if (const PacketStatus status = check_header(header, frame.size()); status != PacketStatus::ok)
    return status;
  if (frame_checksum(frame) != header.crc32c) return PacketStatus::wrong_checksum;
  if (const PacketStatus status = check_counts(header); status != PacketStatus::ok) return status;
  view.header_ = header;
  view.frame_ = frame.data();
  return header.fragment_count == 0 ? PacketStatus::ok : check_table(view, block_events);
}

}  // namespace crible::wire
