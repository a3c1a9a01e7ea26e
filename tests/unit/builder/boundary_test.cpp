// The edges at which the builder's parts change their mind, one step on either side.

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "engine/builder/books.hpp"
#include "engine/builder/jump_guard.hpp"
#include "engine/builder/pacer.hpp"
#include "engine/wire/crc32c.hpp"
#include "tests/unit/builder/harness.hpp"

namespace crible::builder {
namespace {

using testing::Bytes;
using testing::Harness;
using testing::numbered_config;
using testing::payload_of;
using testing::small_config;
using testing::writer_of;
using testing::writers_of;
using wire::PacketWriter;

constexpr std::uint64_t jump = std::uint64_t{1} << 32;

/// The frame after a change of its header, with a right checksum.
template <class Change>
Bytes changed(std::span<const std::byte> frame, Change change) {
  Bytes bytes(frame.begin(), frame.end());
  wire::PacketHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  change(header);
  std::memcpy(bytes.data(), &header, sizeof header);
  header.crc32c = wire::frame_checksum(bytes);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

const SourceBook& book_of(const Ledger& ledger, std::size_t source) {
  static SourceBook book;
  book = ledger.total().sources[source];
  return book;
}

TEST(BooksAlone, OneSourceThatClosesTwiceIsNotTwoSources) {
  Books books(2);
  OpenBook& open = books.use(3, 0);
  books.close(open, 0);
  books.close(open, 0);
  EXPECT_EQ(books.next_finished(), nullptr);
  books.close(open, 1);
  EXPECT_NE(books.next_finished(), nullptr);
}

TEST(BooksAlone, ABookThatIsUsedAgainHasBeenClosedByNobody) {
  Books books(2);
  for (std::uint32_t block = 0; block < 500; ++block) {
    OpenBook& open = books.use(block, 0);
    books.close(open, 0);
    EXPECT_EQ(books.next_finished(), nullptr) << block;
    books.close(open, 1);
    const Book* book = books.next_finished();
    ASSERT_NE(book, nullptr);
    EXPECT_EQ(book->luminosity_block, block);
  }
}

TEST(BooksAlone, AnIdleBookWithOpenEventsStays) {
  Books books(1);
  books.use(3, 0).book.events.open = 1;
  books.use(4, 100);
  books.finish_idle(50);
  EXPECT_EQ(books.next_finished(), nullptr);
  books.use(3, 0).book.events.open = 0;
  books.use(4, 100);
  books.finish_idle(50);
  EXPECT_NE(books.next_finished(), nullptr);
}

TEST(BooksAlone, WhenThereAreTooManyTheOneUsedLongestAgoGoes) {
  Books books(1);
  for (std::uint32_t block = 0; block < 64; ++block) books.use(block, block);
  books.use(0, 100);
  books.use(64, 101);
  const Book* book = books.next_finished();
  ASSERT_NE(book, nullptr);
  EXPECT_EQ(book->luminosity_block, 1u);
  EXPECT_EQ(books.next_finished(), nullptr);
}

TEST(BooksInUse, StayForTwoTimeoutsAfterTheLastEntry) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1);
  harness.send(a, {1}, 3);
  harness.send(a, {2}, 4);
  harness.wait(1900);
  EXPECT_TRUE(harness.finished_blocks().empty());
  harness.wait(400);
  EXPECT_EQ(harness.finished_blocks(), std::vector<std::uint32_t>{3});
}

TEST(BooksInUse, AGapOfOneBlockThatIsFilledInAnotherIsNoMistake) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1);
  a.add(1, 3, payload_of(1, 1));
  const auto frame = a.finish(0);
  const Bytes delayed(frame.begin(), frame.end());
  harness.send(a, {2}, 4);
  harness.send(delayed);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.books().at(4).sources[0].fragments.transport_gap, 1);
  EXPECT_EQ(ledger.books().at(3).sources[0].fragments.transport_gap, -1);
  EXPECT_EQ(ledger.check_final(), std::vector<std::string>{});
}

TEST(Times, AreThoseOfTheFirstAndTheLastPacketWhateverTheirSources) {
  Harness harness(small_config({10, 20, 30}));
  PacketWriter a = writer_of(10), b = writer_of(20), c = writer_of(30);
  harness.send(c, {1});
  harness.now_ns = 1200;
  harness.send(a, {1});
  harness.now_ns = 1100;  // its packet left before that of the first source
  harness.send(b, {1});
  ASSERT_EQ(harness.events().size(), 1u);
  EXPECT_EQ(harness.events()[0].first_received_ns, 1000);
  EXPECT_EQ(harness.events()[0].last_received_ns, 1200);
  EXPECT_EQ(harness.events()[0].sent_ns, 1'001'200u);
  harness.stop();
}

TEST(Places, OfManySourcesAreEmptyWhenTheyAreUsedAgain) {
  Harness harness(numbered_config(70));
  harness.builder().wait_for_nobody(harness.now_ns);
  auto writers = writers_of(70);
  harness.send(writers[69], {7});
  harness.wait(1000);
  harness.send(writers[69], {7 + 256});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(book_of(ledger, 69).fragments.used, 2);
  EXPECT_EQ(book_of(ledger, 69).fragments.duplicate, 0);
}

TEST(Shards, ArePickedByTheEventsNotByTheNumberThatOffsetsCountFrom) {
  BuilderConfig config = small_config({1});
  config.shards = 2;
  config.shard = 1;
  Harness harness(config);
  PacketWriter a = writer_of(1);
  a.add(150, 0, payload_of(1, 150));
  Bytes frame = changed(a.finish(0), [](wire::PacketHeader& header) { header.first_event = 50; });
  const std::uint32_t offset = 100;
  std::memcpy(frame.data() + sizeof(wire::PacketHeader), &offset, sizeof offset);
  harness.send(changed(frame, [](wire::PacketHeader&) {}));
  const Ledger ledger = harness.stop();
  EXPECT_EQ(book_of(ledger, 0).fragments.used, 1);
  EXPECT_EQ(book_of(ledger, 0).fragments.corrupt, 0);
}

/// A builder of two sources with one held packet of 90 events, and `busy` events that nobody releases.
class OneHeld : public ::testing::Test {
 protected:
  OneHeld() : harness_(config()), writers_(writers_of(2)) {
    harness_.hold_events = true;
    harness_.send(writers_[0], {0});
    harness_.send(writers_[1], {0});
    for (std::uint64_t event = 200; event < 290; ++event) writers_[0].add(event, 0, payload_of(0, event));
    harness_.send(writers_[0].finish(0));
    EXPECT_EQ(harness_.builder().on_hold()[0], 1);
    for (std::uint64_t event = 1; event < 60; ++event) writers_[1].add(event, 0, payload_of(1, event));
    harness_.send(writers_[1].finish(0));
    harness_.now_ns += 999;
    late_.add(1, 0, {});
  }

  static BuilderConfig config() {
    BuilderConfig config = numbered_config(2);
    config.max_held_packets = 1;
    config.closed_events = 200;
    return config;
  }

  Harness harness_;
  std::vector<PacketWriter> writers_;
  PacketWriter late_ = writer_of(0);
};

TEST_F(OneHeld, ItsTimeIsLookedAtInTime) {
  EXPECT_LE(harness_.builder().next_deadline_ns(), 1000 + 1000 / 4);
  harness_.hold_events = false;
  harness_.stop();
}

TEST_F(OneHeld, TheStopIsNotDoneWhileItHasNoRoom) {
  harness_.now_ns += 1;
  harness_.builder().advance(harness_.now_ns);  // closes 59 events, so that 140 places are left
  while (harness_.builder().stop(harness_.now_ns)) FAIL() << "events are held back";
  EXPECT_EQ(book_of(harness_.ledger(), 0).fragments.pending, 90);
  harness_.hold_events = false;
  EXPECT_EQ(book_of(harness_.stop(), 0).fragments.used, 91);
}

TEST_F(OneHeld, AnotherOneIsNotTakenWhileItHasNoRoom) {
  harness_.now_ns += 1;
  harness_.builder().advance(harness_.now_ns);
  writers_[0].add(295, 0, payload_of(0, 295));
  const auto frame = writers_[0].finish(0);
  wire::Message message(frame, nullptr, nullptr);
  EXPECT_EQ(harness_.builder().accept(message, harness_.now_ns), Accepted::busy);
  harness_.hold_events = false;
  harness_.decide();
  harness_.send(frame);
  EXPECT_EQ(book_of(harness_.stop(), 0).fragments.used, 92);
}

TEST(Packets, ThatRunShortEvictNothingWhileEventsWaitForTheirDecision) {
  BuilderConfig config = small_config({1, 2});
  config.max_packets = 8;
  config.max_held_packets = 4;
  Harness harness(config);
  harness.builder().wait_for_nobody(harness.now_ns);
  harness.hold_events = true;
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {0});
  harness.send(b, {0});
  for (std::uint64_t event = 1; event < 7; ++event) harness.send(a, {event});
  a.add(7, 0, payload_of(1, 7));
  const auto frame = a.finish(0);
  wire::Message message(frame, nullptr, nullptr);
  EXPECT_EQ(harness.builder().accept(message, harness.now_ns), Accepted::busy);
  EXPECT_EQ(harness.ledger().total().events.evicted, 0);
  harness.hold_events = false;
  harness.decide();
  harness.send(frame);
  EXPECT_EQ(harness.stop().total().events.evicted, 0);
}

TEST(Doubts, PutASourceOnHoldWithTheFourthPacket) {
  Harness harness(numbered_config(3));
  auto writers = writers_of(3);
  for (PacketWriter& writer : writers) harness.send(writer, {1});
  for (std::uint64_t packet = 1; packet <= packets_until_hold; ++packet) {
    EXPECT_EQ(harness.builder().on_hold()[0], 0) << packet;
    harness.send(writers[0], {packet * jump});
  }
  EXPECT_EQ(harness.builder().on_hold()[0], 1);
  harness.stop();
}

TEST(Doubts, ATieIsBelievedAfterATimeout) {
  Harness harness(numbered_config(2));
  auto writers = writers_of(2);
  for (PacketWriter& writer : writers) harness.send(writer, {1});
  harness.send(writers[0], {1 + jump});
  harness.wait(900);
  harness.send(writers[1], {2});
  harness.wait(100);
  EXPECT_EQ(book_of(harness.ledger(), 0).fragments.far_ahead, 0);
  EXPECT_EQ(book_of(harness.stop(), 0).fragments.used, 2);
}

TEST(Doubts, SourcesThatAreSilentForATimeoutHaveNoVote) {
  Harness harness(numbered_config(3));
  auto writers = writers_of(3);
  for (PacketWriter& writer : writers) harness.send(writer, {1});
  harness.wait(1001);
  harness.send(writers[0], {1 + jump});
  EXPECT_EQ(harness.builder().open_count(), 1u);
  harness.stop();
}

TEST(Pacing, WhoWasGivenUpIsNotWaitedForBeforeItIsNear) {
  JumpGuard guard(2, 1 << 20, 1000);
  Pacer pacer(guard, 1000);
  pacer.start(0, 0);
  guard.judge(1, 0, 0, 0);
  EXPECT_TRUE(pacer.must_wait(0, 1000, 100, 1));
  guard.judge(1, 1, 1, 900);
  EXPECT_FALSE(pacer.must_wait(0, 1000, 100, 1002)) << "it gained one event in a timeout";
  guard.judge(1, 500, 500, 1100);
  EXPECT_FALSE(pacer.must_wait(0, 1500, 100, 1101)) << "given up until it is near";
  guard.judge(1, 1450, 1450, 1200);
  EXPECT_FALSE(pacer.must_wait(0, 1500, 100, 1201));
  EXPECT_TRUE(pacer.must_wait(0, 1600, 100, 1202)) << "it was near";
}

class Window : public ::testing::Test {
 protected:
  Window() : harness_(numbered_config(1)), writer_(writer_of(0)) {}

  Bytes next() {
    writer_.add(event_, 0, payload_of(0, event_));
    ++event_;
    const auto frame = writer_.finish(0);
    return {frame.begin(), frame.end()};
  }
  std::int64_t gap() const { return book_of(harness_.ledger(), 0).packets.transport_gap; }

  Harness harness_;
  PacketWriter writer_;
  std::uint64_t event_ = 0;
};

TEST_F(Window, APacketThatIsAsOldAsItReachesIsKnown) {
  const Bytes outside = next(), first = next();
  harness_.send(next());
  EXPECT_EQ(gap(), 2);
  for (int packet = 3; packet < 1025; ++packet) harness_.send(next());
  harness_.send(first);
  EXPECT_EQ(gap(), 1);
  harness_.send(outside);
  EXPECT_EQ(gap(), 1);
  EXPECT_EQ(book_of(harness_.stop(), 0).packets.outside, 1);
}

TEST_F(Window, ALostPacketIsNotTakenForTheOneBeforeItInItsPlace) {
  for (int packet = 0; packet < 1030; ++packet) harness_.send(next());
  const Bytes lost = next();
  harness_.send(next());
  EXPECT_EQ(gap(), 1);
  harness_.send(lost);
  EXPECT_EQ(gap(), 0);
  EXPECT_EQ(book_of(harness_.stop(), 0).packets.outside, 0);
}

TEST_F(Window, FewerFragmentsBeforeALaterPacketAreAContradiction) {
  harness_.send(next());
  harness_.send(next());
  next();
  harness_.send(changed(next(), [](wire::PacketHeader& header) { header.fragments_before = 1; }));
  EXPECT_EQ(book_of(harness_.ledger(), 0).packets.contradictions, 1);
}

TEST_F(Window, AnEndOfRunThatCountsOtherPacketsIsAContradiction) {
  harness_.send(next());
  const auto end = writer_.end_of_run(0, 0);
  Bytes frame(end.begin(), end.end());
  const wire::SentCounts counts{2, 1};
  std::memcpy(frame.data() + sizeof(wire::PacketHeader), &counts, sizeof counts);
  harness_.send(changed(frame, [](wire::PacketHeader&) {}));
  EXPECT_EQ(book_of(harness_.ledger(), 0).packets.contradictions, 1);
}

}  // namespace
}  // namespace crible::builder
