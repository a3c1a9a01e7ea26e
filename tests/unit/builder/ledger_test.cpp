#include "engine/builder/ledger.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"

namespace crible::builder {
namespace {

const std::vector<std::uint16_t> sources = {4, 9};

/// A book in which every counter has a value of its own, and that balances.
Book sample(std::uint32_t block) {
  Book book;
  book.luminosity_block = block;
  book.sources.resize(2);
  std::int64_t value = block;
  for (SourceBook& source : book.sources) {
    FragmentCounts& f = source.fragments;
    for (const auto& counter : fragment_counters) f.*counter.value = ++value;
    f.received = f.used + f.duplicate + f.late + f.corrupt + f.unknown_source + f.wrong_run + f.far_ahead +
                 f.evicted + f.pending;
    f.sent = f.received + f.transport_gap - f.outside;
    for (const auto& counter : packet_counters) source.packets.*counter.value = ++value;
    source.packets.sent = source.packets.received + source.packets.transport_gap - source.packets.outside;
  }
  EventCounts& e = book.events;
  for (const auto& counter : event_counters) e.*counter.value = ++value;
  e.opened = e.closed() + e.open;
  e.in_flight = e.closed() - e.accepted - e.rejected - e.prescaled_out - e.forced;
  book.frames[0] = book.total().packets.received;
  return book;
}

/// The only sentence about a book after `change`.
std::string broken_by(void (*change)(Book&)) {
  Book book = sample(7);
  EXPECT_EQ(balance(book, sources), std::vector<std::string>{});
  change(book);
  const auto sentences = balance(book, sources);
  EXPECT_FALSE(sentences.empty());
  return sentences.empty() ? "" : sentences.front();
}

TEST(Ledger, EachBrokenEquationHasItsSentence) {
  EXPECT_EQ(broken_by([](Book& b) { ++b.sources[1].fragments.sent; }).substr(0, 63),
            "luminosity block 7, source 9: fragments sent + outside is 355, ");
  const std::string received = broken_by([](Book& b) { ++b.sources[0].fragments.late; });
  EXPECT_NE(received.find("source 4: fragments received is"), std::string::npos) << received;
  const std::string packets = broken_by([](Book& b) { ++b.sources[0].packets.transport_gap; });
  EXPECT_NE(packets.find("packets sent + outside is"), std::string::npos) << packets;
  const std::string opened = broken_by([](Book& b) { ++b.events.opened; });
  EXPECT_NE(opened.find("events opened is"), std::string::npos) << opened;
  const std::string closed = broken_by([](Book& b) { --b.events.in_flight; });
  EXPECT_NE(closed.find("events closed is"), std::string::npos) << closed;
  const std::string frames = broken_by([](Book& b) { ++b.frames[0]; });
  EXPECT_NE(frames.find("readable frames is"), std::string::npos) << frames;
}

TEST(Ledger, EveryCounterIsInAnEquationOrAnObservation) {
  for (const auto& counter : fragment_counters) {
    Book book = sample(7);
    book.sources[0].fragments.*counter.value += 1;
    EXPECT_FALSE(balance(book, sources).empty()) << counter.name;
  }
  for (const auto& counter : event_counters) {
    Book book = sample(7);
    book.events.*counter.value += 1;
    EXPECT_EQ(balance(book, sources).empty(), counter.name == "mixed_luminosity_blocks") << counter.name;
  }
}

TEST(Ledger, AddsPartsOfABlockAndMergesShards) {
  Ledger one(5, sources);
  one.add(sample(7));
  one.add(sample(8));
  Ledger two(5, sources);
  two.add(sample(7));
  one.merge(two);
  EXPECT_EQ(one.books().size(), 2u);
  EXPECT_EQ(one.books().at(7).events.opened, 2 * sample(7).events.opened);
  EXPECT_EQ(one.total().total().fragments.used,
            2 * sample(7).total().fragments.used + sample(8).total().fragments.used);
  EXPECT_EQ(one.balance(), std::vector<std::string>{});
}

TEST(Ledger, RefusesToMergeWhatDoesNotBelongTogether) {
  Ledger ledger(5, sources);
  EXPECT_THROW(ledger.merge(Ledger(6, sources)), Error);
  EXPECT_THROW(ledger.merge(Ledger(5, {4})), Error);
  Book book = sample(1);
  book.sources.resize(1);
  EXPECT_THROW(ledger.add(book), Error);
}

TEST(Ledger, TheFinalCheckWantsNothingOpen) {
  Ledger ledger(5, sources);
  ledger.add(sample(7));
  const auto sentences = ledger.check_final();
  const auto mentions = [&](const char* part) {
    for (const std::string& sentence : sentences) {
      if (sentence.find(part) != std::string::npos) return true;
    }
    return false;
  };
  EXPECT_TRUE(mentions("events open is"));
  EXPECT_TRUE(mentions("events in_flight is"));
  EXPECT_TRUE(mentions("fragments pending is"));
  EXPECT_TRUE(mentions("contradictions is"));
  Book negative;
  negative.sources.resize(2);
  negative.sources[1].fragments.used = -1;
  negative.sources[1].fragments.late = 1;
  Ledger other(5, sources);
  other.add(negative);
  EXPECT_EQ(other.balance(), std::vector<std::string>{});
  ASSERT_FALSE(other.check_final().empty());
  EXPECT_NE(other.check_final()[0].find("source 9: used is -1, below zero"), std::string::npos);
}

void expect_same(const Book& left, const Book& right) {
  EXPECT_EQ(left.luminosity_block, right.luminosity_block);
  ASSERT_EQ(left.sources.size(), right.sources.size());
  for (std::size_t i = 0; i < left.sources.size(); ++i) {
    for (const auto& c : fragment_counters) {
      EXPECT_EQ(left.sources[i].fragments.*c.value, right.sources[i].fragments.*c.value);
    }
    for (const auto& c : packet_counters) {
      EXPECT_EQ(left.sources[i].packets.*c.value, right.sources[i].packets.*c.value);
    }
  }
  for (const auto& c : event_counters) EXPECT_EQ(left.events.*c.value, right.events.*c.value);
  EXPECT_EQ(left.frames, right.frames);
  EXPECT_EQ(left.unknown.fragments.unknown_source, right.unknown.fragments.unknown_source);
}

TEST(Ledger, SurvivesJson) {
  Ledger ledger(5, sources);
  ledger.add(sample(7));
  Book other = sample(9);
  other.unknown.fragments.unknown_source = 3;
  other.frames[7] = 11;
  ledger.add(other);
  const Ledger read = ledger_from_json(to_json(ledger));
  EXPECT_EQ(read.run(), 5u);
  EXPECT_EQ(read.sources(), sources);
  ASSERT_EQ(read.books().size(), 2u);
  for (const auto& [block, book] : ledger.books()) expect_same(read.books().at(block), book);
  expect_same(book_from_json(to_json(other, sources)), other);
  EXPECT_EQ(to_json(other, sources).find('\n'), std::string::npos);
  EXPECT_NE(to_json(ledger).find("\"balanced\": false"), std::string::npos)
      << "unknown fragments are too many";
}

TEST(Ledger, RefusesOtherText) {
  EXPECT_THROW(ledger_from_json(""), Error);
  EXPECT_THROW(ledger_from_json("{}"), Error);
  EXPECT_THROW(book_from_json("[1]"), Error);
  EXPECT_THROW(book_from_json("{\"luminosity_block\": \"x\"}"), Error);
}

}  // namespace
}  // namespace crible::builder
