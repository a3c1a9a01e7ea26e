#include "engine/pipeline/replay.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/builder/ledger.hpp"
#include "engine/pipeline/decider.hpp"
#include "engine/record/checksum.hpp"
#include "engine/record/writer.hpp"

namespace crible::pipeline {
namespace {

using menu::Cause;
using testing::HasSubstr;

/// Two sources with one energy each, a network that adds them, and a menu with a threshold to be chosen.
std::string config(int threshold, const std::string& last_chain = "sampled") {
  return R"(detector:
  sources:
    - {name: west, id: 3, payload: [{name: energy, type: u16}]}
    - {name: east, id: 9, payload: [{name: energy, type: u16}]}
networks:
  - name: energy
    file: )" +
         std::filesystem::absolute("examples/minimal/energy.crn").string() + R"(
    outputs: [total]
    inputs: [{input: energies, from: [{value: west.energy}, {value: east.energy}]}]
menu:
  name: test
  streams: [physics]
  chains:
    - {name: total, when: energy.total > )" +
         std::to_string(threshold) + R"(, streams: [physics]}
    - {name: west, when: west.energy > 50, prescale: 5, streams: [physics]}
    - {name: )" +
         last_chain + R"(, random: {one_in: 10}, streams: [physics]}
run: {number: 12}
)";
}

std::uint16_t west_of(std::uint64_t event) {
  return static_cast<std::uint16_t>(event * 37 % 101);
}
std::uint16_t east_of(std::uint64_t event) {
  return static_cast<std::uint16_t>(event * 53 % 97);
}

class Replay : public testing::Test, private DecisionSink {
 protected:
  Trigger trigger(const std::string& text) {
    write_file(folder_ / "config.yaml", text);
    return load_trigger(folder_ / "config.yaml");
  }

  /// What happens to some events before they are decided.
  struct Fate {
    std::uint32_t flags = 0;
    bool west_missing = false;
    std::size_t west_bytes = 2;
  };

  /// Decides events as a shard does and records all of them. `change` may damage the decisions' bytes.
  void record(const Trigger& by, std::size_t events, const std::map<std::uint64_t, Fate>& fates = {},
              const std::function<void(std::uint64_t, std::vector<std::byte>&)>& change = {}) {
    record::RunHeader header;
    header.run = by.run.number;
    header.menu_hash = by.menu.hash();
    for (const menu::Chain& chain : by.menu.chains()) header.chains.push_back(chain.name);
    for (std::size_t n = 0; n < by.networks.size(); ++n)
      header.networks.emplace_back(by.network_names()[n], by.network_hashes[n]);
    header.chains.insert(header.chains.end(), more_chains_.begin(), more_chains_.end());
    record::Writer writer(
        {.file = recording_, .overwrite = true, .block_bytes = 4096, .max_wait_ns = 60'000'000'000}, header);
    DeciderOptions options;
    options.run = by.run.number;
    Decider decider(by, compile(by, by.run.batch), options);
    for (std::uint64_t event = 1; event <= events; ++event) {
      const auto fate = fates.contains(event) ? fates.at(event) : Fate{};
      const std::uint16_t west[] = {west_of(event), 0};
      const std::uint16_t east = east_of(event);
      detector::Payload payloads[] = {std::as_bytes(std::span(west)).first(fate.west_bytes),
                                      std::as_bytes(std::span(&east, 1))};
      if (fate.west_missing) payloads[0] = {};
      decider.add({.event = event,
                   .luminosity_block = 4,
                   .fragments = payloads,
                   .flags = fate.flags,
                   .prescale_set = prescale_set_,
                   .times = {}},
                  0, *this);
      decider.pump(0, batching::Urgency::now, *this);
      std::vector<std::byte> bytes(encoded_bytes(decision_, by.layout, answers()));
      encode(decision_, by.layout, answers(), bytes.data());
      if (change) change(event, bytes);
      std::vector<record::Fragment> fragments;
      if (!fate.west_missing) fragments.push_back({3, payloads[0]});
      fragments.push_back({9, payloads[1]});
      ASSERT_EQ(writer.append(0, {event, 4, decision_.streams, bytes, fragments}, 0), record::Status::ok);
    }
    for (const std::string& ledger : ledgers_) writer.ledger(4, ledger);
    ASSERT_TRUE(writer.close());
  }

  ReplayResult replay_by(const Trigger& by, ReplayOptions options = {}) {
    ReplayControl control;
    return replay(record::Reader(recording_), by, options, control);
  }

  const TemporaryFolder temporary_{"crible-replay"};
  const std::filesystem::path folder_ = temporary_.path();
  const std::filesystem::path recording_ = folder_ / "recording";
  std::vector<std::string> ledgers_;
  std::uint16_t prescale_set_ = 0;        // that the recorded events are decided with
  std::vector<std::string> more_chains_;  // that the run header names besides the menu's

 private:
  void decided(const Decided& event) noexcept override {
    decision_ = event.decision;
    objects_.assign(event.answers.objects.begin(), event.answers.objects.end());
    std::size_t values = 0;
    for (const std::uint32_t count : objects_) values += count;
    values_.assign(event.answers.values, event.answers.values + std::max<std::size_t>(values, 1));
  }

  menu::Answers answers() const { return {objects_, values_.data()}; }

  menu::Decision decision_;
  std::vector<std::uint32_t> objects_;
  std::vector<std::int64_t> values_;
};

TEST_F(Replay, TheSameMenuDecidesTheSame) {
  const Trigger by = trigger(config(80));
  record(by, 2000);
  for (const ReplayOptions options : {ReplayOptions{1, true}, {3, true}, {1, false}, {2, false}}) {
    const ReplayResult result = replay_by(by, options);
    EXPECT_TRUE(result.identical());
    EXPECT_EQ(result.comparison.events, 2000u);
    EXPECT_EQ(result.comparison.identical, 2000u);
    EXPECT_EQ(result.comparison.gained() + result.comparison.lost(), 0u);
    EXPECT_TRUE(result.changes.empty());
    EXPECT_TRUE(result.comparison.examples.empty());
    // The prescaled and the random chain keep some and not all: comparing them shows something.
    for (const ChainComparison& chain : result.comparison.chains) {
      EXPECT_GT(chain.kept, 0u) << chain.name;
      EXPECT_LT(chain.kept, 1900u) << chain.name;
      EXPECT_EQ(chain.identical, 2000u);
    }
  }
}

TEST_F(Replay, AnotherThresholdGainsAndLosesExactlyThoseBetween) {
  record(trigger(config(80)), 2000);
  std::uint64_t between = 0;
  for (std::uint64_t event = 1; event <= 2000; ++event) {
    const int total = west_of(event) + east_of(event);
    between += total > 70 && total <= 80;
  }
  ASSERT_GT(between, 0u);
  const ReplayResult looser = replay_by(trigger(config(70)));
  EXPECT_FALSE(looser.identical());
  EXPECT_EQ(looser.comparison.chains[0].gained, between);
  EXPECT_EQ(looser.comparison.chains[0].lost, 0u);
  EXPECT_EQ(looser.comparison.chains[1].identical, 2000u);
  EXPECT_EQ(looser.comparison.different(), between);
  EXPECT_EQ(looser.comparison.chains_differ, between);
  EXPECT_EQ(looser.comparison.outputs_differ, 0u);
  ASSERT_EQ(looser.changes.size(), 1u);
  EXPECT_THAT(looser.changes[0], HasSubstr("the menu is another one"));
  ASSERT_EQ(looser.comparison.examples.size(), std::min<std::size_t>(between, Comparison::max_examples));
  EXPECT_THAT(looser.comparison.examples[0].what, HasSubstr("chain total gained"));

  record(trigger(config(70)), 2000);
  const ReplayResult tighter = replay_by(trigger(config(80)), {.jobs = 2});
  EXPECT_EQ(tighter.comparison.chains[0].lost, between);
  EXPECT_EQ(tighter.comparison.chains[0].gained, 0u);
}

TEST_F(Replay, ChainsAreMatchedByName) {
  record(trigger(config(80, "old_name")), 500);
  const ReplayResult result = replay_by(trigger(config(80, "new_name")));
  ASSERT_EQ(result.comparison.chains.size(), 4u);
  EXPECT_EQ(result.comparison.chains[0].identical, 500u);
  EXPECT_EQ(result.comparison.chains[2].name, "new_name");
  EXPECT_FALSE(result.comparison.chains[2].recorded);
  EXPECT_GT(result.comparison.chains[2].gained, 0u);
  EXPECT_EQ(result.comparison.chains[3].name, "old_name");
  EXPECT_FALSE(result.comparison.chains[3].here);
  EXPECT_GT(result.comparison.chains[3].lost, 0u);
}

TEST_F(Replay, WhatAPrescaleHidesIsToldApart) {
  std::string other = config(80);
  const std::string old_condition = "west.energy > 50", new_condition = "west.energy > 40";
  other.replace(other.find(old_condition), old_condition.size(), new_condition);
  record(trigger(config(80)), 2000);
  const ChainComparison looser = replay_by(trigger(other)).comparison.chains[1];
  EXPECT_GT(looser.gained, 0u);
  EXPECT_GT(looser.gained_before, 2 * looser.gained) << "four of five are hidden";
  EXPECT_EQ(looser.lost + looser.lost_before, 0u);
  record(trigger(other), 2000);
  const ChainComparison tighter = replay_by(trigger(config(80))).comparison.chains[1];
  EXPECT_EQ(tighter.lost, looser.gained);
  EXPECT_EQ(tighter.lost_before, looser.gained_before);
  EXPECT_EQ(tighter.gained + tighter.gained_before, 0u);
  EXPECT_EQ(tighter.identical, 2000u - tighter.lost - tighter.lost_before);
}

TEST_F(Replay, TheRecordedPrescaleSetIsApplied) {
  std::string text = config(80);
  text.insert(text.find("run: {"), "  prescale_sets: {all: {west: 1}}\n");
  const Trigger by = trigger(text);
  prescale_set_ = 1;
  record(by, 300);
  for (const bool networks : {true, false}) {
    const ReplayResult result = replay_by(by, {1, networks});
    EXPECT_TRUE(result.identical());
    EXPECT_GT(result.comparison.chains[1].kept, 100u) << "every second event, and not one of five of them";
  }
}

TEST_F(Replay, AnotherPrescaleSetOrStreamIsADifference) {
  const Trigger by = trigger(config(80));
  record(by, 100, {}, [](std::uint64_t event, std::vector<std::byte>& decision) {
    if (event == 5) decision[offsetof(menu::DecisionHeader, prescale_set)] = std::byte{9};  // there is none
    if (event == 6) decision[offsetof(menu::DecisionHeader, streams)] ^= std::byte{2};
  });
  const Comparison comparison = replay_by(by).comparison;
  EXPECT_EQ(comparison.outcome_differs, 2u);
  ASSERT_EQ(comparison.examples.size(), 2u);
  EXPECT_EQ(comparison.examples[0].what, "prescale set differs");
  EXPECT_EQ(comparison.examples[1].what, "streams differ");
}

TEST_F(Replay, OnlyLateEventsTakeTheirDeclaredAction) {
  std::string text = config(80);
  text.replace(text.find("number: 12"), 10, "number: 12, deadline: {late: reject}");
  const Trigger by = trigger(text);
  record(by, 100, {{7, {.flags = flag(Cause::evicted)}}});
  for (const bool networks : {true, false}) EXPECT_TRUE(replay_by(by, {1, networks}).identical());
}

TEST_F(Replay, ABlockWithOtherThanItsEventsIsNamed) {
  const Trigger by = trigger(config(80));
  for (const int more : {1, -1}) {
    record(by, 2000);
    record::BlockInfo block;
    {
      const record::Reader reader(recording_);
      block = reader.blocks()[3];
      ASSERT_EQ(block.header.kind, record::BlockKind::events);
    }
    block.header.event_count += static_cast<std::uint32_t>(more);
    block.header.header_crc = record::header_crc(block.header);
    std::fstream file(recording_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(block.offset));
    file.write(reinterpret_cast<const char*>(&block.header), sizeof block.header);
    file.close();
    const ReplayResult result = replay_by(by);
    ASSERT_EQ(result.bad_blocks.size(), 1u) << more;
    EXPECT_THAT(result.bad_blocks[0], HasSubstr("contradicts itself"));
  }
}

TEST(Comparisons, KeepTheFirstExamplesByEventNumber) {
  Comparison sum, part;
  for (std::uint64_t event = 100; event > 50; event -= 5) sum.examples.push_back({event, "late"});
  for (std::uint64_t event = 1; event < 12; event += 5) part.examples.push_back({event, "early"});
  sum.add(part);
  ASSERT_EQ(sum.examples.size(), Comparison::max_examples);
  EXPECT_EQ(sum.examples.front().event, 1u);
  EXPECT_EQ(sum.examples.back().event, 85u);
}

TEST_F(Replay, AHeaderWithMoreChainsThanADecisionHoldsIsNotBelieved) {
  for (int chain = 0; chain < 5000; ++chain) more_chains_.push_back("c" + std::to_string(chain));
  const Trigger by = trigger(config(80));
  record(by, 100);
  const ReplayResult result = replay_by(by);
  ASSERT_EQ(result.comparison.chains.size(), 5003u);
  EXPECT_EQ(result.comparison.identical, 100u);
  EXPECT_EQ(result.comparison.lost(), 0u);
  EXPECT_EQ(result.comparison.chains.back().identical, 100u);
}

TEST_F(Replay, OneBitOfANetworkOutputIsADifference) {
  const Trigger by = trigger(config(80));
  record(by, 300, {}, [](std::uint64_t event, std::vector<std::byte>& decision) {
    if (event == 17) decision[decision.size() - 8] ^= std::byte{1};  // the only network value
  });
  const ReplayResult result = replay_by(by);
  EXPECT_EQ(result.comparison.different(), 1u);
  EXPECT_EQ(result.comparison.outputs_differ, 1u);
  ASSERT_EQ(result.comparison.examples.size(), 1u);
  EXPECT_EQ(result.comparison.examples[0].event, 17u);
  EXPECT_THAT(result.comparison.examples[0].what, HasSubstr("network energy output 0 was "));
}

TEST_F(Replay, WhatHappenedOnlineIsTakenFromTheRecording) {
  const Trigger by = trigger(config(80));
  record(by, 300,
         {{5, {.flags = flag(Cause::incomplete_timeout), .west_missing = true}},
          {6, {.flags = flag(Cause::late_queue)}},
          {7, {.west_bytes = 1}},  // bad payload
          {8, {.flags = flag(Cause::network_failed)}},
          {9, {.flags = flag(Cause::mixed_luminosity_blocks)}}});
  for (const bool networks : {true, false}) {
    const ReplayResult result = replay_by(by, {1, networks});
    EXPECT_TRUE(result.identical());
    EXPECT_EQ(result.comparison.identical, 300u);
  }
}

TEST_F(Replay, ABadPayloadIsFoundAgainAndNotBelieved) {
  const Trigger by = trigger(config(80));
  record(by, 100, {{7, {.flags = flag(Cause::bad_payload)}}});  // though the payload was good
  const ReplayResult result = replay_by(by);
  EXPECT_EQ(result.comparison.different(), 1u);
  EXPECT_EQ(result.comparison.outcome_differs, 1u);
  ASSERT_EQ(result.comparison.examples.size(), 1u);
  EXPECT_THAT(result.comparison.examples[0].what, HasSubstr("causes were bad_payload, are none"));
}

TEST_F(Replay, ADecisionThatCannotBeReadCounts) {
  const Trigger by = trigger(config(80));
  record(by, 100, {}, [](std::uint64_t event, std::vector<std::byte>& decision) {
    if (event == 3) decision.resize(40);
    if (event == 4) decision.clear();
  });
  for (const bool networks : {true, false}) {
    const ReplayResult result = replay_by(by, {1, networks});
    EXPECT_EQ(result.comparison.events, 100u);
    EXPECT_EQ(result.comparison.unreadable, 2u);
    EXPECT_FALSE(result.identical());
  }
}

TEST_F(Replay, ADamagedBlockIsNamedAndTheRestIsDecided) {
  const Trigger by = trigger(config(80));
  record(by, 2000);
  record::BlockInfo block;
  {
    const record::Reader reader(recording_);
    block = reader.blocks()[3];
    ASSERT_EQ(block.header.kind, record::BlockKind::events);
  }
  std::fstream file(recording_, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(block.offset + 200));
  file.put('\x55');
  file.close();
  const ReplayResult result = replay_by(by);
  EXPECT_FALSE(result.identical());
  ASSERT_EQ(result.bad_blocks.size(), 1u);
  EXPECT_THAT(result.bad_blocks[0], HasSubstr("block 3 at byte " + std::to_string(block.offset)));
  EXPECT_EQ(result.bad_events, block.header.event_count);
  EXPECT_EQ(result.comparison.identical, 2000u - block.header.event_count);
}

TEST_F(Replay, BooksAreSummedAndChecked) {
  const Trigger by = trigger(config(80));
  builder::Book book;
  book.luminosity_block = 4;
  book.sources.resize(2);
  for (builder::SourceBook& source : book.sources)
    source.fragments.sent = source.fragments.received = source.fragments.used = 3;
  book.events.opened = book.events.complete = book.events.accepted = 3;
  ledgers_ = {to_json(book, {3, 9}), to_json(book, {3, 9})};
  record(by, 10);
  const ReplayResult good = replay_by(by);
  EXPECT_TRUE(good.ledger.balanced()) << good.ledger.violations.front();
  EXPECT_EQ(good.ledger.books, 2u);
  EXPECT_EQ(good.ledger.luminosity_blocks, 1u);

  builder::Ledger whole(by.run.number, {3, 9});
  whole.add(book);
  ledgers_ = {to_json(book, {3, 9}), to_json(whole)};
  record(by, 10);
  EXPECT_TRUE(replay_by(by).ledger.balanced());
  EXPECT_EQ(replay_by(by).ledger.books, 1u);
  ledgers_ = {to_json(book, {3, 9}), to_json(book, {3, 9}), to_json(whole)};
  record(by, 10);
  EXPECT_THAT(replay_by(by).ledger.violations, testing::ElementsAre(HasSubstr("do not add up")));

  book.sources[1].fragments.used = 2;  // one fragment vanished
  ledgers_ = {to_json(book, {3, 9})};
  record(by, 10);
  const ReplayResult bad = replay_by(by);
  EXPECT_FALSE(bad.ledger.balanced());
  EXPECT_FALSE(bad.identical());

  book.sources[1].fragments.used = 3;
  book.sources[1].packets.contradictions = 1;
  builder::Ledger contradicted(by.run.number, {3, 9});
  contradicted.add(book);
  ledgers_ = {to_json(book, {3, 9}), to_json(contradicted)};
  record(by, 10);
  EXPECT_THAT(replay_by(by).ledger.violations, testing::ElementsAre(HasSubstr("contradictions is 1")));

  ledgers_ = {"no book"};
  record(by, 10);
  EXPECT_THAT(replay_by(by).ledger.violations.at(0), HasSubstr(recording_.string() + ": block "));
}

TEST_F(Replay, OtherNetworksMustBeEvaluated) {
  record(trigger(config(80)), 10);
  std::string other = read_file("examples/minimal/energy.crn");
  other.replace(other.find("weights 1 1"), 11, "weights 1 2");
  write_file(folder_ / "other.crn", other);
  std::string text = config(80);
  const std::string old = std::filesystem::absolute("examples/minimal/energy.crn").string();
  text.replace(text.find(old), old.size(), (folder_ / "other.crn").string());
  const Trigger by = trigger(text);
  EXPECT_THROW(replay_by(by, {1, false}), Error);
  const ReplayResult result = replay_by(by);
  EXPECT_GT(result.comparison.outputs_differ, 0u);
  EXPECT_THAT(result.changes.at(0), HasSubstr("network energy is another one"));
}

TEST_F(Replay, CanBeStopped) {
  const Trigger by = trigger(config(80));
  record(by, 100);
  ReplayControl control;
  control.stop = true;
  const ReplayResult result = replay(record::Reader(recording_), by, {}, control);
  EXPECT_TRUE(result.stopped);
  EXPECT_FALSE(result.identical());
  EXPECT_EQ(result.comparison.events, 0u);
}

}  // namespace
}  // namespace crible::pipeline
