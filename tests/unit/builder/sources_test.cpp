// Sources that misbehave: jumps, restarts, repetitions, gaps, luminosity blocks.

#include <gtest/gtest.h>

#include "engine/wire/crc32c.hpp"
#include "tests/unit/builder/harness.hpp"

namespace crible::builder {
namespace {

using testing::Harness;
using testing::writer_of;
using testing::writers_of;
using wire::PacketWriter;

constexpr std::uint64_t jump = std::uint64_t{1} << 32;

BuilderConfig config_of(std::uint16_t source_count) {
  BuilderConfig config = testing::numbered_config(source_count);
  config.max_held_packets = 8;
  return config;
}

void send_all(Harness& harness, std::vector<PacketWriter>& writers, std::uint64_t event,
              std::uint32_t block = 0) {
  for (PacketWriter& writer : writers) harness.send(writer, {event}, block);
}

TEST(Jumps, OneWrongNumberCostsItsOwnPacketOnly) {
  Harness harness(config_of(4));
  auto writers = writers_of(4);
  send_all(harness, writers, 1);
  harness.send(writers[0], {1 + jump});
  for (std::uint64_t event = 2; event < 400; ++event) {
    send_all(harness, writers, event);
    harness.wait(10);
  }
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.complete, 399);
  EXPECT_EQ(ledger.total().events.opened, 399);
  EXPECT_EQ(ledger.total().sources[0].fragments.far_ahead, 1);
}

TEST(Jumps, ASourceWithABrokenCounterIsOutvoted) {
  Harness harness(config_of(4));
  auto writers = writers_of(4);
  send_all(harness, writers, 0);
  for (std::uint64_t event = 1; event < 500; ++event) {
    harness.send(writers[3], {event % 7 == 0 ? event * jump : event + jump});
    for (std::size_t i = 0; i < 3; ++i) harness.send(writers[i], {event});
    harness.wait(10);
  }
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.evicted, 0);
  EXPECT_EQ(ledger.total().sources[0].fragments.used, 500);
  EXPECT_EQ(ledger.total().sources[1].fragments.late, 0);
  EXPECT_GT(ledger.total().sources[3].fragments.far_ahead, 450);
}

TEST(Jumps, AWrongFirstNumberOfTheRunIsOutvoted) {
  Harness harness(config_of(4));
  auto writers = writers_of(4);
  harness.send(writers[0], {jump * 77});
  harness.send(writers[0], {jump * 77 + 1});
  for (std::uint64_t event = 0; event < 1000; ++event) send_all(harness, writers, event);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.complete, 1000);
}

TEST(Jumps, ATrueJumpOfAllSourcesLosesNothing) {
  Harness harness(config_of(4));
  auto writers = writers_of(4);
  for (std::uint64_t event = 1; event < 300; ++event) send_all(harness, writers, event);
  // Each source in turn: a few packets from after the jump while the others are still before it.
  for (std::size_t i = 0; i < 4; ++i) {
    harness.send(writers[i], {300});
    harness.send(writers[i], {jump});
    harness.send(writers[i], {jump + 1});
  }
  for (std::uint64_t event = jump + 2; event < jump + 100; ++event) send_all(harness, writers, event);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.complete, 400);
  EXPECT_EQ(ledger.total().events.opened, 400);
  EXPECT_EQ(ledger.total().total().fragments.used, 1600);
}

TEST(Jumps, ALoneSourceIsBelieved) {
  Harness harness(config_of(4));
  auto writers = writers_of(4);
  harness.send(writers[1], {5});
  harness.send(writers[1], {jump});
  harness.send(writers[1], {9 * jump + 1});
  harness.wait(1001);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().sources[1].fragments.used, 3);
}

TEST(Jumps, HeldPacketsAreSettledAtTheStop) {
  Harness harness(config_of(4));
  auto writers = writers_of(4);
  send_all(harness, writers, 1);
  for (std::uint64_t i = 0; i < 5; ++i) harness.send(writers[0], {jump + i});
  EXPECT_EQ(harness.ledger().total().sources[0].fragments.pending, 5);
  EXPECT_EQ(harness.builder().open_count(), 0u);
  EXPECT_EQ(harness.stop().total().sources[0].fragments.far_ahead, 5);
}

TEST(Jumps, NumbersUpToTheLastAreEventsLikeOthers) {
  Harness harness(config_of(2));
  auto writers = writers_of(2);
  const std::uint64_t last = ~std::uint64_t{0};
  for (const std::uint64_t event : {last - 1, last}) send_all(harness, writers, event);
  EXPECT_EQ(harness.stop().total().events.complete, 2);
}

TEST(Restarts, AreCountedAndLoseNothing) {
  Harness harness(config_of(2));
  auto writers = writers_of(2);
  for (std::uint64_t event = 1; event < 20; ++event) send_all(harness, writers, event);
  writers[1] = writer_of(1, 2);
  for (std::uint64_t event = 20; event < 40; ++event) send_all(harness, writers, event);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.complete, 39);
  EXPECT_EQ(ledger.total().sources[1].packets.restarts, 1);
  EXPECT_EQ(ledger.total().sources[1].packets.sent, 39);
  EXPECT_EQ(ledger.total().sources[1].packets.transport_gap, 0);
  EXPECT_EQ(ledger.total().sources[1].fragments.outside, 0);
}

TEST(Restarts, PacketsOfTheFormerStartStillCount) {
  Harness harness(config_of(1));
  auto old_start = writers_of(1, 1);
  auto new_start = writers_of(1, 2);
  harness.send(old_start[0], {1});
  old_start[0].add(2, 0, testing::payload_of(0, 2));
  const auto frame = old_start[0].finish(0);
  const testing::Bytes delayed(frame.begin(), frame.end());
  harness.send(new_start[0], {3});
  harness.send(delayed);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().sources[0].packets.restarts, 1);
  EXPECT_EQ(ledger.total().sources[0].fragments.sent, 3);
  EXPECT_EQ(ledger.total().sources[0].fragments.outside, 0);
  EXPECT_EQ(ledger.total().events.complete, 3);
}

TEST(Restarts, WithoutANewEpochAreRepetitionsThatAreUsed) {
  Harness harness(config_of(1));
  auto first = writers_of(1);
  auto second = writers_of(1);
  for (std::uint64_t event = 0; event < 10; ++event) harness.send(first[0], {event});
  for (std::uint64_t event = 10; event < 15; ++event) harness.send(second[0], {event});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().sources[0].packets.outside, 5);
  EXPECT_EQ(ledger.total().sources[0].fragments.used, 15);
  EXPECT_EQ(ledger.total().sources[0].fragments.sent, 10);
}

TEST(Sequences, AGapIsKnownToTheFragmentAndTakenBackWhenItArrives) {
  Harness harness(config_of(1));
  auto writers = writers_of(1);
  std::vector<testing::Bytes> frames;
  for (std::uint64_t packet = 0; packet < 6; ++packet) {
    for (std::uint64_t i = 0; i <= packet; ++i) {
      const std::uint64_t event = 10 * packet + i;
      writers[0].add(event, 0, testing::payload_of(0, event));
    }
    const auto frame = writers[0].finish(0);
    frames.emplace_back(frame.begin(), frame.end());
  }
  const auto gap = [&] { return harness.ledger().total().sources[0].fragments.transport_gap; };
  harness.send(frames[0]);
  harness.send(frames[4]);
  EXPECT_EQ(gap(), 2 + 3 + 4);
  EXPECT_EQ(harness.ledger().total().sources[0].packets.transport_gap, 3);
  harness.send(frames[2]);
  EXPECT_EQ(gap(), 2 + 4);
  harness.send(frames[2]);
  EXPECT_EQ(gap(), 2 + 4);
  EXPECT_EQ(harness.ledger().total().sources[0].fragments.outside, 3);
  EXPECT_EQ(harness.ledger().total().sources[0].fragments.duplicate, 3);
  harness.send(frames[5]);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().sources[0].fragments.sent, 21);
  EXPECT_EQ(ledger.total().sources[0].fragments.used, 1 + 3 + 5 + 6);
}

TEST(Sequences, AWildSequenceNumberIsNoGap) {
  Harness harness(config_of(1));
  auto writers = writers_of(1);
  harness.send(writers[0], {1});
  writers[0].add(2, 0, testing::payload_of(0, 2));
  const auto frame = writers[0].finish(0);
  testing::Bytes wild(frame.begin(), frame.end());
  wire::PacketHeader header;
  std::memcpy(&header, wild.data(), sizeof header);
  header.sequence = ~std::uint64_t{0};
  std::memcpy(wild.data(), &header, sizeof header);
  header.crc32c = wire::frame_checksum(wild);
  std::memcpy(wild.data(), &header, sizeof header);
  harness.send(wild);
  harness.send(frame);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().sources[0].packets.transport_gap, 0);
  EXPECT_EQ(ledger.total().sources[0].packets.outside, 1);
  EXPECT_EQ(ledger.total().sources[0].fragments.used, 2);
  EXPECT_EQ(ledger.total().sources[0].fragments.duplicate, 1);
}

}  // namespace
}  // namespace crible::builder
