#include "engine/builder/builder.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "tests/unit/builder/harness.hpp"

namespace crible::builder {
namespace {

using testing::Harness;
using testing::SeenEvent;
using testing::small_config;
using testing::writer_of;
using wire::PacketWriter;

constexpr std::uint64_t block_events = 100;

const FragmentCounts& fragments_of(const Ledger& ledger, std::size_t source, std::uint32_t block = 0) {
  return ledger.books().at(block).sources.at(source).fragments;
}

TEST(EventBuilder, AnEventIsCompleteWithItsLastSource) {
  Harness harness(small_config({10, 20, 30}));
  PacketWriter a = writer_of(10), b = writer_of(20), c = writer_of(30);
  harness.send(a, {1, 2});
  harness.now_ns = 1100;
  harness.send(b, {1, 2});
  EXPECT_TRUE(harness.events().empty());
  EXPECT_EQ(harness.builder().open_count(), 2u);
  harness.now_ns = 1200;
  harness.send(c, {2});
  ASSERT_EQ(harness.events().size(), 1u);
  const SeenEvent& event = harness.events()[0];
  EXPECT_EQ(event.number, 2u);
  EXPECT_EQ(event.reason, CloseReason::complete);
  EXPECT_EQ(event.sources, (std::vector<std::uint16_t>{10, 20, 30}));
  EXPECT_EQ(event.first_received_ns, 1000);
  EXPECT_EQ(event.last_received_ns, 1200);
  EXPECT_EQ(event.built_ns, 1200);
  EXPECT_EQ(event.sent_ns, 1'001'200u);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(harness.events()[1].reason, CloseReason::incomplete_stop);
  EXPECT_EQ(ledger.total().events.complete, 1);
  EXPECT_EQ(ledger.total().events.incomplete_stop, 1);
  EXPECT_EQ(ledger.total().events.rejected, 2);
  EXPECT_EQ(fragments_of(ledger, 0).used, 2);
}

TEST(EventBuilder, TheSameSourceTwiceDoesNotCompleteAnEvent) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {7});
  harness.send(a, {7});
  EXPECT_TRUE(harness.events().empty());
  harness.send(b, {7});
  EXPECT_EQ(harness.events().size(), 1u);
  harness.send(b, {7});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(fragments_of(ledger, 0).duplicate, 1) << "while the event was open";
  EXPECT_EQ(fragments_of(ledger, 1).duplicate, 1) << "after the event was closed";
  EXPECT_EQ(fragments_of(ledger, 1).late, 0);
}

TEST(EventBuilder, TimeoutClosesAndLatecomersAreLateOnce) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {7});
  EXPECT_EQ(harness.builder().next_deadline_ns(), 2000);
  harness.wait(999);
  EXPECT_TRUE(harness.events().empty());
  harness.wait(1);
  ASSERT_EQ(harness.events().size(), 1u);
  EXPECT_EQ(harness.events()[0].reason, CloseReason::incomplete_timeout);
  EXPECT_EQ(harness.events()[0].sources, std::vector<std::uint16_t>{1});
  harness.send(b, {7});
  harness.send(a, {7});
  EXPECT_EQ(harness.events().size(), 1u) << "a latecomer must not open the event again";
  const Ledger ledger = harness.stop();
  EXPECT_EQ(fragments_of(ledger, 1).late, 1);
  EXPECT_EQ(fragments_of(ledger, 0).duplicate, 1);
  EXPECT_EQ(ledger.total().events.opened, 1);
}

TEST(EventBuilder, OldEventsOfAReusedPlaceAreLate) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1);
  harness.send(a, {7});
  harness.send(a, {7 + 256});
  harness.send(a, {7});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(fragments_of(ledger, 0).late, 1);
  EXPECT_EQ(fragments_of(ledger, 0).used, 2);
}

TEST(EventBuilder, ANewerEventEvictsTheOldOneOfItsPlace) {
  Harness harness(small_config({1, 2}));
  harness.builder().wait_for_nobody(harness.now_ns);
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {7, 8});
  harness.send(a, {7 + 256});
  ASSERT_EQ(harness.events().size(), 1u);
  EXPECT_EQ(harness.events()[0].reason, CloseReason::evicted);
  harness.send(b, {7, 8});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.evicted, 1);
  EXPECT_EQ(fragments_of(ledger, 0).evicted, 1);
  EXPECT_EQ(fragments_of(ledger, 1).late, 1);
  EXPECT_EQ(fragments_of(ledger, 1).used, 1);
}

TEST(EventBuilder, StrangersAreCounted) {
  Harness harness(small_config({1, 2}));
  PacketWriter stranger = writer_of(99), old_run = writer_of(1, 1, 4);
  harness.send(stranger, {1, 2, 3});
  harness.send(old_run, {1, 2});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().total().fragments.unknown_source, 3);
  EXPECT_EQ(ledger.total().total().fragments.wrong_run, 2);
  EXPECT_EQ(ledger.total().events.opened, 0);
  EXPECT_EQ(ledger.total().total().fragments.sent, 0);
}

TEST(EventBuilder, DamagedFramesShowAsTransportGap) {
  Harness harness(small_config({1}));
  PacketWriter a = writer_of(1);
  for (const std::uint64_t event : {1, 2, 3}) a.add(event, 0, testing::payload_of(1, event));
  const auto frame = a.finish(0);
  testing::Bytes damaged(frame.begin(), frame.end());
  damaged.back() ^= std::byte{1};
  harness.send(damaged);
  harness.send(a, {4});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(fragments_of(ledger, 0).transport_gap, 3);
  EXPECT_EQ(fragments_of(ledger, 0).sent, 4);
  EXPECT_EQ(fragments_of(ledger, 0).received, 1);
  const auto status = static_cast<std::size_t>(wire::PacketStatus::wrong_checksum);
  EXPECT_EQ(ledger.total().frames[status], 1);
}

TEST(EventBuilder, PacketsThatBreakARuleAreCorrupt) {
  Harness harness(small_config({1}));
  PacketWriter other_blocks({1, 5, 1, 1000});
  harness.send(other_blocks, {99, 100});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(fragments_of(ledger, 0).corrupt, 2);
  EXPECT_EQ(fragments_of(ledger, 0).transport_gap, 0);
  EXPECT_EQ(ledger.total().events.opened, 0);
}

TEST(EventBuilder, EventsOfAnotherShardAreCorrupt) {
  BuilderConfig config = small_config({1});
  config.shards = 3;
  config.shard = 1;
  Harness harness(config);
  PacketWriter a = writer_of(1);
  harness.send(a, {100, 199});
  harness.send(a, {200});
  harness.send(a, {400, 450});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(harness.events().size(), 4u);
  EXPECT_EQ(fragments_of(ledger, 0).corrupt, 1);
  const auto status = static_cast<std::size_t>(wire::PacketStatus::wrong_shard);
  EXPECT_EQ(ledger.total().frames[status], 1);
}

TEST(EventBuilder, AShardUsesAllItsPlaces) {
  BuilderConfig config = small_config({1, 2});
  config.shards = 64;
  config.shard = 5;
  Harness harness(config);
  harness.builder().wait_for_nobody(harness.now_ns);
  PacketWriter a = writer_of(1), b = writer_of(2);
  const std::uint64_t next = 64 * block_events;
  for (const std::uint64_t event : {std::uint64_t{500}, 500 + next}) {
    harness.send(a, {event, event + 99});
  }
  EXPECT_EQ(harness.builder().open_count(), 4u) << "blocks of a shard must not share places";
  for (const std::uint64_t event : {std::uint64_t{500}, 500 + next}) {
    harness.send(b, {event, event + 99});
  }
  EXPECT_EQ(harness.stop().total().events.complete, 4);
}

TEST(EventBuilder, MoreThan64Sources) {
  std::vector<std::uint16_t> sources;
  for (std::uint16_t i = 0; i < 200; ++i) sources.push_back(static_cast<std::uint16_t>(5 * i));
  Harness harness(small_config(sources));
  std::vector<PacketWriter> writers;
  for (const std::uint16_t source : sources) writers.push_back(writer_of(source));
  for (std::size_t i = 0; i < writers.size(); ++i) {
    EXPECT_TRUE(harness.events().empty());
    harness.send(writers[i], i % 2 == 0 ? std::vector<std::uint64_t>{3} : std::vector<std::uint64_t>{3, 4});
    if (i > 0) harness.send(writers[i - 1], {3});
  }
  ASSERT_EQ(harness.events().size(), 1u);
  harness.wait(2000);
  ASSERT_EQ(harness.events().size(), 2u);
  EXPECT_EQ(harness.events()[1].sources.size(), 100u);
  harness.send(writers[0], {4});
  harness.send(writers[1], {4});
  const Ledger ledger = harness.stop();
  EXPECT_EQ(fragments_of(ledger, 0).late, 1);
  EXPECT_EQ(fragments_of(ledger, 1).duplicate, 2);
  EXPECT_EQ(ledger.total().total().fragments.duplicate, 200);
}

TEST(EventBuilder, SourcesThatDisagreeOnTheLuminosityBlockAreFlagged) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.send(a, {7}, 3);
  harness.send(b, {7}, 4);
  ASSERT_EQ(harness.events().size(), 1u);
  EXPECT_TRUE(harness.events()[0].mixed);
  EXPECT_EQ(harness.events()[0].luminosity_block, 3u);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.books().at(3).events.mixed_luminosity_blocks, 1);
  EXPECT_EQ(fragments_of(ledger, 0, 3).used, 1);
  EXPECT_EQ(fragments_of(ledger, 1, 4).used, 1);
}

TEST(EventBuilder, MessagesAreKeptUntilTheLastOfTheirEventsIsReleased) {
  Harness harness(small_config({1, 2}));
  PacketWriter a = writer_of(1), b = writer_of(2);
  harness.hold_events = true;
  harness.send(a, {1, 2});
  harness.send(b, {1});
  EXPECT_EQ(harness.messages_kept(), 2u);
  Event* first = harness.builder().next_closed();
  ASSERT_NE(first, nullptr);
  harness.builder().release(*first, Outcome::accepted);
  EXPECT_EQ(harness.messages_kept(), 1u) << "event 2 still needs the first packet";
  harness.send(b, {2});
  Event* second = harness.builder().next_closed();
  ASSERT_NE(second, nullptr);
  EXPECT_EQ(harness.messages_kept(), 2u);
  harness.builder().release(*second, Outcome::prescaled_out);
  EXPECT_EQ(harness.messages_kept(), 0u);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.accepted, 1);
  EXPECT_EQ(ledger.total().events.prescaled_out, 1);
}

TEST(EventBuilder, IsBusyWhenNobodyReleases) {
  BuilderConfig config = small_config({1});
  config.closed_events = 200;
  Harness harness(config);
  harness.hold_events = true;
  PacketWriter a = writer_of(1);
  std::vector<std::uint64_t> events(100);
  for (std::size_t i = 0; i < events.size(); ++i) events[i] = i;
  harness.send(a, events);
  a.add(100, 0, {});
  const auto frame = a.finish(0);
  for (std::uint64_t event = 1; event < 51; ++event) a.add(100 + event, 0, {});
  wire::Message small(frame, nullptr, nullptr);
  EXPECT_EQ(harness.builder().accept(small, 1000), Accepted::taken);
  const auto large_frame = a.finish(0);
  wire::Message large(large_frame, nullptr, nullptr);
  EXPECT_EQ(harness.builder().accept(large, 1000), Accepted::busy);
  EXPECT_EQ(large.bytes().size(), large_frame.size()) << "the message is still the caller's";
  EXPECT_EQ(harness.ledger().total().total().fragments.received, 101) << "nothing was booked";
  while (Event* event = harness.builder().next_closed()) harness.builder().release(*event, Outcome::forced);
  EXPECT_EQ(harness.builder().accept(large, 1000), Accepted::taken);
  while (Event* event = harness.builder().next_closed()) harness.builder().release(*event, Outcome::forced);
  EXPECT_EQ(harness.stop().total().events.forced, 151);
}

TEST(EventBuilder, WhenAllPacketsAreTakenTheOldestEventsGo) {
  BuilderConfig config = small_config({1, 2});
  config.max_packets = 8;
  config.max_held_packets = 4;
  Harness harness(config);
  PacketWriter a = writer_of(1);
  for (std::uint64_t event = 0; event < 20; ++event) harness.send(a, {event});
  ASSERT_FALSE(harness.events().empty());
  EXPECT_EQ(harness.events()[0].number, 0u);
  EXPECT_EQ(harness.events()[0].reason, CloseReason::evicted);
  const Ledger ledger = harness.stop();
  EXPECT_EQ(ledger.total().events.evicted, 12);
  EXPECT_EQ(fragments_of(ledger, 0).evicted, 12);
}

TEST(EventBuilder, RefusesAConfigurationThatMakesNoSense) {
  const auto refused = [](auto change) {
    BuilderConfig config = small_config({1, 2});
    change(config);
    try {
      EventBuilder builder(config);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("not refused");
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_TRUE(has(refused([](auto& c) { c.sources = {}; }), "sources is empty"));
  EXPECT_TRUE(has(refused([](auto& c) { c.sources = {3, 3}; }), "twice"));
  EXPECT_TRUE(has(refused([](auto& c) { c.block_events = 0; }), "block_events is 0"));
  EXPECT_TRUE(has(refused([](auto& c) { c.shards = 0; }), "shards is 0"));
  EXPECT_TRUE(has(refused([](auto& c) { c.shard = 1; }), "shard is 1 of 1"));
  EXPECT_TRUE(has(refused([](auto& c) { c.timeout_ns = 0; }), "timeout_ns"));
  EXPECT_TRUE(has(refused([](auto& c) { c.ring_events = 300; }), "power of two"));
  EXPECT_TRUE(has(refused([](auto& c) { c.ring_events = 128; }), "two blocks"));
  EXPECT_TRUE(has(refused([](auto& c) { c.closed_events = 199; }), "closed_events"));
  EXPECT_TRUE(has(refused([](auto& c) { c.max_held_packets = c.max_packets; }), "max_held_packets"));
  EXPECT_EQ(refused([](auto&) {}), "not refused");
}

}  // namespace
}  // namespace crible::builder
