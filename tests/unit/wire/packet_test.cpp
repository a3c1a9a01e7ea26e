#include "engine/wire/packet.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "engine/wire/crc32c.hpp"
#include "engine/wire/packet_writer.hpp"

namespace crible::wire {
namespace {

using Bytes = std::vector<std::byte>;

Bytes payload_of(std::uint64_t event) {
  const std::string text = std::string(event % 5, 'p') + std::to_string(event);
  const auto* begin = reinterpret_cast<const std::byte*>(text.data());
  return {begin, begin + text.size()};
}

/// A packet of run 7, source 3, luminosity block 2, with events 100, 101, 105 of blocks of 100.
Bytes sample() {
  PacketWriter writer({3, 7, 1, 100});
  for (const std::uint64_t event : {100, 101, 105}) writer.add(event, 2, payload_of(event));
  const auto frame = writer.finish(123456789);
  return {frame.begin(), frame.end()};
}

PacketHeader header_of(const Bytes& frame) {
  PacketHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  return header;
}

/// The sample with a changed header and, unless `sealed` is false, a right checksum again.
Bytes with_header(const std::function<void(PacketHeader&)>& change, bool sealed = true) {
  Bytes frame = sample();
  PacketHeader header = header_of(frame);
  change(header);
  std::memcpy(frame.data(), &header, sizeof header);
  if (sealed) {
    header.crc32c = frame_checksum(frame);
    std::memcpy(frame.data(), &header, sizeof header);
  }
  return frame;
}

/// The sample with one number of its table changed and a right checksum.
Bytes with_table(std::size_t index, std::uint32_t TableEntry::*member, std::uint32_t value) {
  Bytes frame = sample();
  TableEntry entry;
  std::byte* at = frame.data() + sizeof(PacketHeader) + index * sizeof entry;
  std::memcpy(&entry, at, sizeof entry);
  entry.*member = value;
  std::memcpy(at, &entry, sizeof entry);
  PacketHeader header = header_of(frame);
  header.crc32c = frame_checksum(frame);
  std::memcpy(frame.data(), &header, sizeof header);
  return frame;
}

PacketStatus status_of(const Bytes& frame, std::uint64_t block_events = 100) {
  PacketView view;
  return parse(frame, block_events, view);
}

TEST(Crc32c, HasTheKnownValues) {
  const std::string digits = "123456789";
  EXPECT_EQ(crc32c(std::as_bytes(std::span(digits))), 0xe3069283u);
  // RFC 3720, B.4.
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0})), 0x8a9136aau);
  EXPECT_EQ(crc32c(Bytes(32, std::byte{0xff})), 0x62a8ab43u);
  EXPECT_EQ(crc32c({}), 0u);
}

TEST(Crc32c, GoesOnFromWhatCameBefore) {
  const Bytes frame = sample();
  const std::span<const std::byte> bytes(frame);
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    EXPECT_EQ(crc32c(bytes.subspan(cut), crc32c(bytes.first(cut))), crc32c(bytes));
  }
}

TEST(Packet, IsReadAsItWasWritten) {
  const Bytes frame = sample();
  PacketView view;
  ASSERT_EQ(parse(frame, 100, view), PacketStatus::ok);
  EXPECT_EQ(view.header().kind, PacketKind::data);
  EXPECT_EQ(view.header().source, 3);
  EXPECT_EQ(view.header().run, 7u);
  EXPECT_EQ(view.header().epoch, 1u);
  EXPECT_EQ(view.header().sequence, 0u);
  EXPECT_EQ(view.header().luminosity_block, 2u);
  EXPECT_EQ(view.header().time_ns, 123456789u);
  ASSERT_EQ(view.fragment_count(), 3u);
  const std::uint64_t events[] = {100, 101, 105};
  for (std::uint32_t i = 0; i < 3; ++i) {
    EXPECT_EQ(view.event(i), events[i]);
    const auto payload = view.payload(i);
    EXPECT_EQ(Bytes(payload.begin(), payload.end()), payload_of(events[i]));
  }
}

TEST(Packet, IsReadAtAnyAddress) {
  const Bytes frame = sample();
  for (std::size_t shift = 0; shift < 8; ++shift) {
    Bytes shifted(shift);
    shifted.insert(shifted.end(), frame.begin(), frame.end());
    PacketView view;
    ASSERT_EQ(parse(std::span(shifted).subspan(shift), 100, view), PacketStatus::ok);
    EXPECT_EQ(view.event(2), 105u);
  }
}

TEST(Packet, EveryFlippedBitIsNoticed) {
  const Bytes frame = sample();
  for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    Bytes damaged = frame;
    damaged[bit / 8] ^= std::byte{1} << static_cast<int>(bit % 8);
    EXPECT_FALSE(header_is_sound(status_of(damaged))) << "bit " << bit;
  }
}

TEST(Packet, EveryCutAndEveryExcessIsNoticed) {
  const Bytes frame = sample();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_EQ(status_of(cut), size < 64 ? PacketStatus::too_short : PacketStatus::wrong_frame_size);
  }
  Bytes longer = frame;
  longer.push_back(std::byte{0});
  EXPECT_EQ(status_of(longer), PacketStatus::wrong_frame_size);
  EXPECT_EQ(status_of(Bytes(max_frame_bytes + 1)), PacketStatus::too_long);
  EXPECT_EQ(status_of(Bytes(64)), PacketStatus::wrong_magic);
}

TEST(Packet, EachWrongFieldHasItsStatus) {
  struct Case {
    PacketStatus expected;
    std::function<void(PacketHeader&)> change;
  };
  const std::vector<Case> cases = {
      {PacketStatus::wrong_magic, [](auto& h) { h.magic += 1; }},
      {PacketStatus::wrong_version, [](auto& h) { h.version = 2; }},
      {PacketStatus::wrong_header_size, [](auto& h) { h.header_bytes = 72; }},
      {PacketStatus::wrong_frame_size, [](auto& h) { h.frame_bytes += 1; }},
      {PacketStatus::unknown_kind, [](auto& h) { h.kind = PacketKind{0}; }},
      {PacketStatus::unknown_kind, [](auto& h) { h.kind = PacketKind{4}; }},
      {PacketStatus::wrong_fragment_count, [](auto& h) { h.fragment_count = 0; }},
      {PacketStatus::wrong_fragment_count, [](auto& h) { h.fragment_count = 0xffffffff; }},
      {PacketStatus::wrong_fragment_count, [](auto& h) { h.kind = PacketKind::end_of_run; }},
      {PacketStatus::bad_payload_offsets, [](auto& h) { h.fragment_count = 2; }},
      {PacketStatus::spans_blocks, [](auto& h) { h.first_event = 195; }},
      {PacketStatus::bad_event_offsets, [](auto& h) { h.first_event = ~std::uint64_t{4}; }},
  };
  for (const Case& test : cases) {
    EXPECT_EQ(name(status_of(with_header(test.change))), name(test.expected));
  }
  EXPECT_EQ(status_of(with_header([](auto& h) { h.run = 8; }, false)), PacketStatus::wrong_checksum);
}

TEST(Packet, EachWrongTableEntryHasItsStatus) {
  const auto first = static_cast<std::uint32_t>(sizeof(PacketHeader) + 3 * sizeof(TableEntry));
  const auto bad_payload = PacketStatus::bad_payload_offsets;
  EXPECT_EQ(status_of(with_table(0, &TableEntry::payload_offset, first + 1)), bad_payload);
  EXPECT_EQ(status_of(with_table(0, &TableEntry::payload_offset, first - 1)), bad_payload);
  EXPECT_EQ(status_of(with_table(1, &TableEntry::payload_offset, first - 1)), bad_payload);
  EXPECT_EQ(status_of(with_table(2, &TableEntry::payload_offset, 0xffffffff)), bad_payload);
  const auto frame_bytes = static_cast<std::uint32_t>(sample().size());
  EXPECT_EQ(status_of(with_table(2, &TableEntry::payload_offset, frame_bytes + 1)), bad_payload);
  EXPECT_EQ(status_of(with_table(2, &TableEntry::payload_offset, frame_bytes)), PacketStatus::ok);
  EXPECT_EQ(status_of(with_table(1, &TableEntry::event_offset, 0)), PacketStatus::bad_event_offsets);
  EXPECT_EQ(status_of(with_table(1, &TableEntry::event_offset, 5)), PacketStatus::bad_event_offsets);
  EXPECT_EQ(status_of(with_table(2, &TableEntry::event_offset, 99)), PacketStatus::ok);
  EXPECT_EQ(status_of(with_table(2, &TableEntry::event_offset, 100)), PacketStatus::spans_blocks);
}

TEST(Packet, ItsEventsSayTheBlockNotTheNumberThatOffsetsCountFrom) {
  Bytes frame = sample();
  for (std::size_t i = 0; i < 3; ++i) {
    TableEntry entry;
    std::memcpy(&entry, frame.data() + sizeof(PacketHeader) + i * sizeof entry, sizeof entry);
    entry.event_offset += 50;
    std::memcpy(frame.data() + sizeof(PacketHeader) + i * sizeof entry, &entry, sizeof entry);
  }
  PacketHeader header = header_of(frame);
  header.first_event -= 50;
  std::memcpy(frame.data(), &header, sizeof header);
  header.crc32c = frame_checksum(frame);
  std::memcpy(frame.data(), &header, sizeof header);
  EXPECT_EQ(name(status_of(frame)), name(PacketStatus::ok));
}

TEST(Packet, AControlPacketHasNoTable) {
  PacketWriter writer({1, 1, 0, 100});
  const auto end = writer.end_of_run(0, 0);
  Bytes frame(end.begin(), end.end());
  PacketHeader header = header_of(frame);
  header.fragment_count = 2;  // as many as would fit into its body
  const TableEntry entries[2] = {{0, 80}, {1, 80}};
  std::memcpy(frame.data() + sizeof header, entries, sizeof entries);
  std::memcpy(frame.data(), &header, sizeof header);
  header.crc32c = frame_checksum(frame);
  std::memcpy(frame.data(), &header, sizeof header);
  EXPECT_EQ(name(status_of(frame)), name(PacketStatus::wrong_fragment_count));
}

TEST(Packet, ALongestFrameIsWrittenAndRead) {
  PacketWriter writer({1, 1, 0, 100});
  const std::size_t payload_bytes = max_frame_bytes - sizeof(PacketHeader) - sizeof(TableEntry);
  EXPECT_FALSE(writer.fits(1, 0, payload_bytes + 1));
  ASSERT_TRUE(writer.fits(1, 0, payload_bytes));
  writer.add(1, 0, Bytes(payload_bytes));
  PacketView view;
  EXPECT_EQ(parse(writer.finish(0), 100, view), PacketStatus::ok);
}

TEST(Packet, TheBlockRuleCanBeLeftOut) {
  EXPECT_EQ(status_of(sample(), 5), PacketStatus::spans_blocks);
  EXPECT_EQ(status_of(sample(), 0), PacketStatus::ok);
}

TEST(Packet, EveryStatusHasItsOwnNameAndSentence) {
  std::set<std::string_view> names;
  std::set<std::string_view> sentences;
  for (std::size_t i = 0; i < packet_status_count; ++i) {
    names.insert(name(static_cast<PacketStatus>(i)));
    sentences.insert(sentence(static_cast<PacketStatus>(i)));
  }
  EXPECT_EQ(names.size(), packet_status_count);
  EXPECT_EQ(sentences.size(), packet_status_count);
  EXPECT_FALSE(names.contains(""));
  EXPECT_EQ(name(PacketStatus::wrong_shard), "wrong_shard");
}

}  // namespace
}  // namespace crible::wire
