#include "engine/wire/packet_writer.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace crible::wire {
namespace {

const std::vector<std::byte> payload(10, std::byte{42});

PacketView parsed(std::span<const std::byte> frame) {
  PacketView view;
  EXPECT_EQ(parse(frame, 100, view), PacketStatus::ok);
  return view;
}

TEST(PacketWriter, APacketEndsWhereARuleSaysSo) {
  PacketWriter writer({1, 1, 0, 100});
  EXPECT_TRUE(writer.fits(150, 4, 10));
  writer.add(150, 4, payload);
  EXPECT_TRUE(writer.fits(151, 4, 10));
  EXPECT_TRUE(writer.fits(199, 4, 10));
  EXPECT_FALSE(writer.fits(200, 4, 10)) << "the next block";
  EXPECT_FALSE(writer.fits(151, 5, 10)) << "the next luminosity block";
  EXPECT_FALSE(writer.fits(150, 4, 10)) << "the same event";
  EXPECT_FALSE(writer.fits(149, 4, 10)) << "an earlier event";
  EXPECT_FALSE(writer.fits(151, 4, max_frame_bytes)) << "too long";
  writer.finish(0);
  EXPECT_TRUE(writer.fits(149, 5, 10));
}

TEST(PacketWriter, WithoutBlocksOnlyTheOffsetsLimitAPacket) {
  PacketWriter writer({1, 1, 0, 0});
  writer.add(1000, 0, payload);
  EXPECT_TRUE(writer.fits(1000 + 0xffffffffull, 0, 10));
  EXPECT_FALSE(writer.fits(1001 + 0xffffffffull, 0, 10));
}

TEST(PacketWriter, NumbersPacketsAndFragments) {
  PacketWriter writer({1, 1, 0, 100});
  writer.add(1, 0, payload);
  writer.add(2, 0, payload);
  EXPECT_EQ(parsed(writer.finish(0)).header().fragments_before, 0u);
  writer.add(3, 0, payload);
  const PacketView second = parsed(writer.finish(0));
  EXPECT_EQ(second.header().sequence, 1u);
  EXPECT_EQ(second.header().fragments_before, 2u);
  const PacketView empty = parsed(writer.finish(0));
  EXPECT_EQ(empty.header().sequence, 2u);
  EXPECT_EQ(empty.header().fragments_before, 3u);
  EXPECT_EQ(empty.fragment_count(), 0u);
  EXPECT_EQ(writer.sent().packets, 3u);
  EXPECT_EQ(writer.sent().fragments, 3u);
}

TEST(PacketWriter, ControlPacketsSayWhatWasSent) {
  PacketWriter writer({1, 1, 0, 100});
  for (const std::uint32_t block : {5u, 6u}) {
    for (std::uint64_t event = 0; event < 3 + block; ++event) writer.add(event, block, payload);
    writer.finish(0);
    const PacketView end = parsed(writer.end_of_luminosity_block(block, 77));
    EXPECT_EQ(end.header().kind, PacketKind::end_of_luminosity_block);
    EXPECT_EQ(end.header().luminosity_block, block);
    EXPECT_EQ(end.header().time_ns, 77u);
    EXPECT_EQ(end.sent_counts().packets, 1u);
    EXPECT_EQ(end.sent_counts().fragments, 3u + block);
  }
  const PacketView none = parsed(writer.end_of_luminosity_block(9, 0));
  EXPECT_EQ(none.sent_counts().packets, 0u);
  const PacketView end = parsed(writer.end_of_run(9, 0));
  EXPECT_EQ(end.header().kind, PacketKind::end_of_run);
  EXPECT_EQ(end.sent_counts().packets, 5u);
  EXPECT_EQ(end.sent_counts().fragments, 17u);
}

TEST(PacketWriter, WritesTheSameIntoACallersBuffer) {
  PacketWriter one({1, 1, 0, 100});
  PacketWriter other({1, 1, 0, 100});
  for (PacketWriter* writer : {&one, &other}) {
    writer->add(7, 1, payload);
    writer->add(9, 1, {});
  }
  std::vector<std::byte> buffer(one.frame_bytes());
  one.finish(5, buffer);
  const auto frame = other.finish(5);
  EXPECT_EQ(buffer, std::vector<std::byte>(frame.begin(), frame.end()));
}

}  // namespace
}  // namespace crible::wire
