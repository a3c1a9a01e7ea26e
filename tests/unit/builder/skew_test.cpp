// Sources that are far apart: every event is decided at most once, and who is ahead waits for who follows.

#include <gtest/gtest.h>

#include "engine/builder/past_events.hpp"
#include "tests/unit/builder/harness.hpp"

namespace crible::builder {
namespace {

using testing::Harness;
using testing::numbered_config;
using testing::writers_of;
using wire::PacketWriter;

/// What each source still has to send; taken as a shard does, from nobody who is ahead.
class Queues {
 public:
  explicit Queues(std::size_t source_count) : frames_(source_count), sent_(source_count) {}

  /// One packet of each `per_packet` events.
  void add(PacketWriter& writer, std::uint64_t first, std::uint64_t end, std::uint64_t per_packet = 1) {
    const std::uint16_t source = writer.sender().source;
    for (std::uint64_t event = first; event < end; ++event) {
      if (!writer.fits(event, 0, 8) || writer.fragment_count() == per_packet) finish(writer);
      writer.add(event, 0, testing::payload_of(source, event));
    }
    finish(writer);
  }
  void add_end(PacketWriter& writer) { push(writer.sender().source, writer.end_of_run(0, 0)); }

  /// Whether the source has anything left.
  bool empty(std::size_t source) const { return sent_[source] == frames_[source].size(); }
  bool empty() const {
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      if (!empty(i)) return false;
    }
    return true;
  }

  /// At most one packet of each source; a source that has to wait is left out.
  void send_round(Harness& harness) {
    for (std::size_t i = 0; i < frames_.size(); ++i) {
      if (!empty(i) && harness.builder().on_hold()[i] == 0) harness.send(frames_[i][sent_[i]++]);
    }
  }

 private:
  void finish(PacketWriter& writer) { push(writer.sender().source, writer.finish(0)); }
  void push(std::size_t source, std::span<const std::byte> frame) {
    frames_[source].emplace_back(frame.begin(), frame.end());
  }

  std::vector<std::vector<testing::Bytes>> frames_;
  std::vector<std::size_t> sent_;
};

/// A builder of some sources and what these send.
struct Rig {
  explicit Rig(std::uint16_t source_count)
      : harness(numbered_config(source_count)), writers(writers_of(source_count)), queues(source_count) {}

  Harness harness;
  std::vector<PacketWriter> writers;
  Queues queues;
};

/// Until everything is sent. A round takes one nanosecond of the timeout's thousand.
void send_all(Harness& harness, Queues& queues) {
  for (int round = 0; !queues.empty(); ++round) {
    ASSERT_LT(round, 100'000) << "somebody waits for ever";
    queues.send_round(harness);
    harness.wait(1);
  }
}

TEST(Skew, AnEventThatTheRingForgotIsNotDecidedAgain) {
  Harness harness(numbered_config(2));
  auto writers = writers_of(2);
  for (std::uint64_t event = 0; event < 6400; ++event) harness.send(writers[0], {event});
  harness.wait(3000);  // the vote of the one that is ahead is void now
  for (std::uint64_t event = 0; event < 6400; ++event) harness.send(writers[1], {event});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(harness.events().size(), 6400u);
  EXPECT_GE(ledger.total().sources[1].fragments.late, 6400 - 64) << "but for the packets that were held back";
}

TEST(Skew, TheManyBehindDoNotDecideAgainWhatOneAheadHasOpened) {
  Harness harness(numbered_config(4));
  auto writers = writers_of(4);
  for (std::uint64_t event = 0; event < 1000; ++event) harness.send(writers[0], {event});
  for (std::uint64_t event = 0; event < 1000; ++event) {
    for (std::size_t i = 1; i < 4; ++i) harness.send(writers[i], {event});
    harness.wait(1);
  }
  harness.stop();
  EXPECT_EQ(harness.events().size(), 1000u);
}

TEST(Skew, WhoIsAheadWaitsAndNothingIsLost) {
  Rig rig(3);
  auto& [harness, writers, queues] = rig;
  queues.add(writers[0], 0, 5000, 50);  // ten times as fast as the others
  queues.add(writers[1], 0, 5000, 5);
  queues.add(writers[2], 0, 5000, 5);
  send_all(harness, queues);
  EXPECT_EQ(harness.stop().total().events.complete, 5000);
}

TEST(Skew, ASourceThatStartsLateCatchesUp) {
  Rig rig(3);
  auto& [harness, writers, queues] = rig;
  queues.add(writers[0], 0, 20'000, 10);
  queues.add(writers[1], 0, 20'000, 10);
  // Nobody waits for the third one any more; the others are thousands of events ahead when it comes.
  for (int round = 0; round < 1300; ++round) {
    queues.send_round(harness);
    harness.wait(1);
  }
  queues.add(writers[2], 0, 20'000, 10);
  const std::size_t lost = harness.events().size();
  EXPECT_GT(lost, 2000u) << "the others did not run ahead: this tests nothing";
  send_all(harness, queues);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(harness.events().size(), 20'000u);
  EXPECT_GT(ledger.total().events.complete, 20'000 - static_cast<std::int64_t>(lost) - 256);
  EXPECT_LE(ledger.total().sources[2].fragments.late, static_cast<std::int64_t>(lost) + 256);
}

TEST(Skew, ASourceThatDiesHoldsTheOthersUpForOneTimeout) {
  Rig rig(3);
  auto& [harness, writers, queues] = rig;
  queues.add(writers[0], 0, 5000, 10);
  queues.add(writers[1], 0, 5000, 10);
  queues.add(writers[2], 0, 1000, 10);
  int rounds = 0;
  for (; !queues.empty(); ++rounds) {
    ASSERT_LT(rounds, 100'000);
    queues.send_round(harness);
    harness.wait(1);
  }
  EXPECT_LT(rounds, 500 + 1100) << "500 packets of each, and one timeout of 1000";
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.complete, 1000);
  EXPECT_EQ(ledger.total().events.closed(), 5000);
}

TEST(Skew, ASourceThatRepeatsItselfHoldsTheOthersUpForOneTimeout) {
  Rig rig(3);
  auto& [harness, writers, queues] = rig;
  queues.add(writers[0], 0, 5000, 10);
  queues.add(writers[1], 0, 5000, 10);
  queues.add(writers[2], 0, 1000, 10);
  for (int i = 0; i < 3000; ++i) queues.add(writers[2], 7, 8);
  int rounds = 0;
  for (; !queues.empty(0) || !queues.empty(1); ++rounds) {
    ASSERT_LT(rounds, 100'000);
    queues.send_round(harness);
    harness.wait(1);
  }
  EXPECT_LT(rounds, 500 + 1100);
  send_all(harness, queues);
  EXPECT_EQ(harness.stop().total().events.complete, 1000);
}

TEST(Skew, ASourceThatEndedItsRunIsNotWaitedFor) {
  Rig rig(2);
  auto& [harness, writers, queues] = rig;
  queues.add(writers[0], 0, 3000, 10);
  queues.add(writers[1], 0, 100, 10);
  queues.add_end(writers[1]);
  int rounds = 0;
  for (; !queues.empty(); ++rounds) {
    ASSERT_LT(rounds, 1000);
    queues.send_round(harness);
    harness.wait(1);
  }
  EXPECT_LT(rounds, 310);
  EXPECT_EQ(harness.stop().total().events.complete, 100);
}

TEST(Skew, AJumpOfAllSourcesOutOfStepLosesNothing) {
  constexpr std::uint64_t jump = std::uint64_t{1} << 32;
  for (std::uint16_t source_count : {2, 4}) {
    Rig rig(source_count);
    auto& [harness, writers, queues] = rig;
    for (std::uint16_t i = 0; i < source_count; ++i) {
      // Each of them sends in packets of its own length, so they jump at different times.
      for (const std::uint64_t first : {std::uint64_t{0}, jump, 3 * jump, 3 * jump + 600}) {
        queues.add(writers[i], first, first + 200, 1 + 7u * i);
      }
    }
    send_all(harness, queues);
    EXPECT_EQ(harness.stop().total().events.complete, 800) << source_count << " sources";
  }
}

TEST(Skew, AWrongNumberNowAndThenHoldsUpNobody) {
  constexpr std::uint64_t wrong = std::uint64_t{1} << 40;
  for (std::uint16_t source_count : {2, 4}) {
    Rig rig(source_count);
    auto& [harness, writers, queues] = rig;
    for (std::uint64_t event = 0; event < 3000; event += 10) {
      for (PacketWriter& writer : writers) queues.add(writer, event, event + 10, 10);
      if (event % 100 == 0) queues.add(writers[0], wrong + event, wrong + event + 1);
    }
    send_all(harness, queues);
    const Ledger ledger = harness.stop();
    EXPECT_EQ(ledger.total().events.complete, 3000) << source_count << " sources";
    EXPECT_EQ(ledger.total().sources[0].fragments.far_ahead, 30);
  }
}

TEST(Skew, ASourceOfWrongNumbersOnlyIsOnHold) {
  constexpr std::uint64_t wrong = std::uint64_t{1} << 40;
  Rig rig(3);
  auto& [harness, writers, queues] = rig;
  for (PacketWriter& writer : writers) queues.add(writer, 0, 100, 10);
  queues.add(writers[2], wrong, wrong + 20);
  queues.add(writers[0], 100, 3000, 10);
  queues.add(writers[1], 100, 3000, 10);
  while (!queues.empty(0)) {
    queues.send_round(harness);
    harness.wait(1);
  }
  EXPECT_EQ(harness.builder().on_hold()[2], 1);
  EXPECT_FALSE(queues.empty(2)) << "it was read on";
  send_all(harness, queues);  // when nobody else is left, it is believed
  const Ledger ledger = harness.stop();
  const std::int64_t far_ahead = ledger.total().sources[2].fragments.far_ahead;
  EXPECT_EQ(ledger.total().events.complete, 100);
  EXPECT_GE(far_ahead, 4);
  EXPECT_EQ(ledger.total().events.opened + far_ahead, 3000 + 20);
}

TEST(Skew, PacketsThatRunShortLeaveNobodyBehind) {
  BuilderConfig config = numbered_config(4);
  config.max_packets = 128;
  Harness harness(config);
  auto writers = writers_of(4);
  Queues queues(4);
  queues.add(writers[0], 0, 2000, 1);  // many small packets, and ahead of the others
  queues.add(writers[1], 0, 2000, 1);
  queues.add(writers[2], 0, 2000, 1);
  for (int round = 0; round < 300; ++round) queues.send_round(harness);
  queues.add(writers[3], 0, 2000, 1);
  send_all(harness, queues);
  EXPECT_EQ(harness.stop().total().events.complete, 2000);
}

TEST(Skew, WithoutHeedingItOldEventsGoAndAreCounted) {
  Harness harness(numbered_config(2));
  auto writers = writers_of(2);
  for (std::uint64_t event = 0; event < 1000; ++event) harness.send(writers[0], {event});
  EXPECT_EQ(harness.builder().on_hold()[0], 1);
  EXPECT_EQ(harness.builder().on_hold()[1], 0);
  const Ledger ledger = harness.stop();
  EXPECT_GT(ledger.total().events.evicted, 500);
  EXPECT_EQ(ledger.total().events.closed(), 1000);
}

TEST(Skew, AtAStopNobodyWaits) {
  Harness harness(numbered_config(2));
  auto writers = writers_of(2);
  for (std::uint64_t event = 0; event < 200; ++event) harness.send(writers[0], {event});
  EXPECT_EQ(harness.builder().on_hold()[0], 1);
  harness.builder().wait_for_nobody(harness.now_ns);
  EXPECT_EQ(harness.builder().on_hold()[0], 0);
  for (std::uint64_t event = 200; event < 256; ++event) harness.send(writers[0], {event});
  EXPECT_EQ(harness.builder().on_hold()[0], 0);
  EXPECT_EQ(harness.stop().total().events.incomplete_stop, 256);
}

TEST(PastEvents, KnowsExactlyWhatWasAddedWhenItIsNear) {
  PastEvents past(1);
  for (const std::uint64_t number : {10, 11, 12, 20, 13, 9, 19, 0}) past.add(number, 100);
  for (std::uint64_t number = 0; number < 30; ++number) {
    const bool added = number == 0 || (number >= 9 && number <= 13) || number == 19 || number == 20;
    EXPECT_EQ(past.contains(number), added) << number;
  }
  EXPECT_EQ(past.interval_count(), 3u);
  for (std::uint64_t number = 14; number < 19; ++number) past.add(number, 100);
  EXPECT_EQ(past.interval_count(), 2u);
  EXPECT_TRUE(past.contains(16));
  past.add(~std::uint64_t{0}, 100);
  EXPECT_TRUE(past.contains(~std::uint64_t{0}));
  EXPECT_FALSE(past.contains(~std::uint64_t{0} - 1));
}

TEST(PastEvents, TakesInNeighboursThatNeverCame) {
  PastEvents past(100);
  past.add(1000, 2000);
  past.add(1100, 2000);
  past.add(1201, 2000);
  EXPECT_TRUE(past.contains(1050));
  EXPECT_FALSE(past.contains(1101));
  EXPECT_EQ(past.interval_count(), 2u);
}

TEST(PastEvents, ForgetsNothingAndLeavesTheWayAheadFree) {
  PastEvents past(10);
  constexpr std::uint64_t current = 500'500;
  std::vector<std::uint64_t> numbers;
  for (std::uint64_t i = 0; i < 1000; ++i) numbers.push_back(i * 7919 % 1000 * 1000);
  for (const std::uint64_t number : numbers) past.add(number, current);
  for (const std::uint64_t number : numbers) EXPECT_TRUE(past.contains(number)) << number;
  EXPECT_LE(past.interval_count(), 64u);
  for (std::uint64_t number = 500'001; number < 501'000; ++number) EXPECT_FALSE(past.contains(number));
}

}  // namespace
}  // namespace crible::builder
