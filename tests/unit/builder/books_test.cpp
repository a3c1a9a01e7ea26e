// When luminosity blocks' books are finished, and that nothing is lost on the way.

#include "engine/builder/books.hpp"

#include <gtest/gtest.h>

#include "engine/wire/crc32c.hpp"
#include "tests/unit/builder/harness.hpp"

namespace crible::builder {
namespace {

using testing::Harness;
using testing::small_config;
using testing::writer_of;
using wire::PacketWriter;
using Blocks = std::vector<std::uint32_t>;

TEST(Books, ABlockIsFinishedWhenAllSourcesClosedItAndItsEventsAreDecided) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {1}, 3);
  harness.send(b, {1}, 3);
  harness.send(a.end_of_luminosity_block(3, 0));
  EXPECT_EQ(harness.finished_blocks(), Blocks{});
  harness.hold_events = true;
  harness.send(a, {2}, 4);
  harness.send(b, {2}, 4);
  harness.send(a.end_of_luminosity_block(4, 0));
  harness.send(b.end_of_luminosity_block(3, 0));
  harness.send(b.end_of_luminosity_block(4, 0));
  Event* event = harness.builder().next_closed();
  ASSERT_NE(event, nullptr);
  harness.decide();
  EXPECT_EQ(harness.finished_blocks(), Blocks{3});
  harness.builder().release(*event, Outcome::accepted);
  harness.decide();
  EXPECT_EQ(harness.finished_blocks(), (Blocks{3, 4}));
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.books().at(3).sources[0].packets.closings, 1);
  EXPECT_EQ(ledger.books().at(4).events.accepted, 1);
}

TEST(Books, WhatComesAfterABlockIsFinishedIsAnotherPartOfIt) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1);
  a.add(1, 3, testing::payload_of(1, 1));
  const auto frame = a.finish(0);
  const testing::Bytes delayed(frame.begin(), frame.end());
  harness.send(a, {2}, 3);
  harness.send(a.end_of_luminosity_block(3, 0));
  ASSERT_EQ(harness.finished_blocks(), Blocks{3});
  EXPECT_EQ(harness.ledger().books().at(3).sources[0].fragments.transport_gap, 1);
  harness.send(delayed);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(harness.finished_blocks(), (Blocks{3, 3}));
  EXPECT_EQ(ledger.books().at(3).sources[0].fragments.transport_gap, 0);
  EXPECT_EQ(ledger.books().at(3).sources[0].fragments.used, 2);
}

TEST(Books, ABlockThatASourceNeverClosesIsFinishedWhenIdle) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1);
  harness.send(a, {1}, 3);
  harness.send(a.end_of_luminosity_block(3, 0));
  harness.wait(1000);
  harness.send(a, {2}, 4);
  EXPECT_EQ(harness.finished_blocks(), Blocks{});
  for (int i = 0; i < 10; ++i) harness.wait(500);
  EXPECT_EQ(harness.finished_blocks(), Blocks{3}) << "the last block may still get more";
  harness.stop();
}

TEST(Books, WildLuminosityBlocksLoseNothing) {
  BuilderConfig config = small_config({1, 2});
  Harness harness(config);
  PacketWriter a = writer_of(1), b = writer_of(2);
  for (std::uint32_t i = 0; i < 200; ++i) {
    harness.send(a, {i}, i * 0x01000193u);
    harness.send(b, {i}, 7);
  }
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.complete, 200);
  EXPECT_EQ(ledger.total().events.mixed_luminosity_blocks, 200);
  EXPECT_EQ(ledger.books().at(7).sources[1].fragments.used, 200);
}

TEST(Books, AnyNumberOfLuminosityBlocksAtOnceStaysExact) {
  constexpr std::uint32_t block_count = 1000;
  Books books(1);
  for (int round = 0; round < 3; ++round) {
    for (std::uint32_t block = 0; block < block_count; ++block) {
      FragmentCounts& fragments = books.use(block, block).book.sources[0].fragments;
      fragments.received += block;
      fragments.late += block;
      fragments.sent += block;
    }
  }
  books.finish_all();
  Ledger ledger(5, {1});
  while (const Book* book = books.next_finished()) ledger.add(*book);
  ASSERT_EQ(ledger.books().size(), block_count) << "each block has its own book, and there is no other";
  for (const auto& [block, book] : ledger.books()) {
    EXPECT_EQ(book.sources[0].fragments.received, 3 * static_cast<std::int64_t>(block));
  }
  EXPECT_EQ(ledger.balance(), std::vector<std::string>{});
  EXPECT_EQ(books.next_finished(), nullptr);
  books.use(3, 0).book.events.forced += 1;
  books.finish_all();
  const Book* again = books.next_finished();
  ASSERT_NE(again, nullptr);
  EXPECT_EQ(again->events.forced, 1);
  EXPECT_EQ(again->sources[0].fragments.received, 0) << "books start from zero when they are used again";
}

/// The frame with other counts in its body and a right checksum.
testing::Bytes with_counts(std::span<const std::byte> control, wire::SentCounts counts) {
  testing::Bytes frame(control.begin(), control.end());
  std::memcpy(frame.data() + sizeof(wire::PacketHeader), &counts, sizeof counts);
  const std::uint32_t checksum = wire::frame_checksum(frame);
  std::memcpy(frame.data() + offsetof(wire::PacketHeader, crc32c), &checksum, sizeof checksum);
  return frame;
}

std::int64_t contradictions(const Harness& harness) {
  return harness.ledger().total().sources[0].packets.contradictions;
}

TEST(Books, ASourceThatContradictsItselfIsNamed) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1);
  harness.send(a, {1, 2}, 3);
  harness.send(with_counts(a.end_of_luminosity_block(3, 0), {1, 2}));
  EXPECT_EQ(contradictions(harness), 0);
  harness.send(a, {3}, 4);
  harness.send(with_counts(a.end_of_luminosity_block(4, 0), {1, 2}));
  EXPECT_EQ(contradictions(harness), 1);
  harness.send(with_counts(a.end_of_luminosity_block(5, 0), {1, 0}));
  EXPECT_EQ(contradictions(harness), 2);
  harness.send(with_counts(a.end_of_run(5, 0), {5, 4}));
  EXPECT_EQ(contradictions(harness), 3);
  harness.builder().finish_books();
  harness.decide();
  const auto sentences = harness.ledger().check_final();
  ASSERT_EQ(sentences.size(), 2u);
  EXPECT_NE(sentences[0].find("luminosity block 4, source 1: contradictions is 1"), std::string::npos);
}

TEST(Books, FragmentsCountedTwiceAreAContradiction) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1), liar = writer_of(1);
  harness.send(a, {1, 2});
  liar.add(9, 0, {});
  liar.finish(0);
  harness.send(liar, {3});
  EXPECT_EQ(contradictions(harness), 1);
}

TEST(Books, TheEndOfTheRunIsKnownWhenAllSourcesSaidSo) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {1});
  harness.send(a.end_of_run(0, 0));
  EXPECT_FALSE(harness.builder().all_sources_ended());
  harness.send(b.end_of_run(0, 0));
  EXPECT_TRUE(harness.builder().all_sources_ended());
  PacketWriter restarted({1, 5, 2, 100});
  harness.send(restarted, {2});
  EXPECT_FALSE(harness.builder().all_sources_ended()) << "a source that started again has not ended";
  harness.stop();
}

}  // namespace
}  // namespace crible::builder
