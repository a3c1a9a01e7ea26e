// One event at a time through decoding, networks and menu: what is decided, by which cause it is not, and
// what happens to events that are late.

#include "engine/pipeline/decider.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <map>
#include <thread>

#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"
#include "tests/unit/batching/fake_program.hpp"

namespace crible::pipeline {
namespace {

using batching::FakeProgram;
using batching::Urgency;
using menu::Cause;
using menu::Outcome;

constexpr std::int64_t second_ns = 1'000'000'000;

std::int64_t clock_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

/// Two 16-bit numbers are read as one 32-bit number by the fake program, which adds one to it: the network's
/// output is low + 65536 * high + 1.
std::string config() {
  const std::string network = std::filesystem::absolute("examples/minimal/energy.crn").string();
  return R"(detector:
  sources:
    - {name: west, id: 3, payload: [{name: low, type: u16}]}
    - {name: east, id: 9, payload: [{name: high, type: u16}]}
networks:
  - {name: pair, file: )" +
         network + R"(, outputs: [total], inputs: [{from: [{value: west.low}, {value: east.high}]}]}
menu:
  name: test
  streams: [physics, debug]
  chains:
    - {name: large, when: pair.total > 100, streams: [physics]}
    - {name: even_without, when: west.low == 7, streams: [physics]}
run: {number: 12}
)";
}

/// A jet is a record of two 16-bit numbers, for each of which the network runs.
std::string config_of_jets() {
  const std::string network = std::filesystem::absolute("examples/minimal/energy.crn").string();
  return R"(detector:
  sources:
    - name: calo
      id: 3
      payload:
        - {name: jet_count, type: u16}
        - {name: jets, count: jet_count, max: 8, fields: [{name: low, type: u16}, {name: high, type: u16}]}
  collections:
    - {name: jets, from: [calo.jets]}
networks:
  - {name: tag, file: )" +
         network + R"(, per: jets, outputs: [total], inputs: [{from: [{object: low}, {object: high}]}]}
menu:
  name: test
  streams: [physics]
  chains:
    - {name: two_tags, when: "count(jets, tag.total > 100) >= 2", streams: [physics]}
run: {number: 12}
)";
}

class Deciding : public testing::Test, private DecisionSink {
 protected:
  /// What was decided, by event number.
  struct Seen {
    Outcome outcome = Outcome::rejected;
    std::uint32_t flags = 0;
    std::uint32_t streams = 0;
    std::vector<std::uint32_t> objects;
    std::vector<std::int64_t> values;
    menu::Times times;
    std::int64_t gathered_ns = 0;
    void* cookie = nullptr;
    std::uint32_t luminosity_block = 0;
  };

  void open(const std::string& text, DeciderOptions options = {}, std::size_t max_batch = 4,
            bool synchronous = true, std::size_t slots = 2) {
    write_file(folder_.path() / "trigger.yaml", text);
    trigger_ = std::make_unique<Trigger>(load_trigger(folder_.path() / "trigger.yaml"));
    auto program = std::make_unique<FakeProgram>("fake", max_batch, slots, synchronous);
    program_ = program.get();
    std::vector<std::unique_ptr<backends::Program>> programs;
    programs.push_back(std::move(program));
    options.run = trigger_->run.number;
    decider_ = std::make_unique<Decider>(*trigger_, std::move(programs), options);
    program_->submitted.clear();
  }

  /// A payload, which has to stay until its event is decided.
  detector::Payload bytes(std::initializer_list<std::uint16_t> numbers) {
    std::vector<std::byte>& out = payloads_.emplace_back(2 * numbers.size());
    std::memcpy(out.data(), std::data(numbers), out.size());
    return out;
  }

  static DeciderEvent event_of(std::uint64_t number) {
    DeciderEvent event;
    event.event = number;
    return event;
  }

  /// An event of two sources.
  void add(DeciderEvent event, std::uint16_t low, std::uint16_t high = 0, std::int64_t now_ns = 0) {
    add_payloads(event, {bytes({low}), bytes({high})}, now_ns);
  }

  void add_payloads(DeciderEvent event, std::vector<detector::Payload> payloads, std::int64_t now_ns = 0) {
    event.fragments = payloads;
    decider_->add(event, now_ns, *this);
  }

  void pump(Urgency urgency = Urgency::now, std::int64_t now_ns = 0) {
    decider_->pump(now_ns, urgency, *this);
  }

  const TemporaryFolder folder_{"crible-decider"};
  std::unique_ptr<Trigger> trigger_;
  std::unique_ptr<Decider> decider_;
  FakeProgram* program_ = nullptr;
  std::map<std::uint64_t, Seen> seen_;
  std::deque<std::vector<std::byte>> payloads_;

 private:
  void decided(const Decided& event) noexcept override {
    const menu::Decision& decision = event.decision;
    EXPECT_EQ(decision.run, 12u);
    EXPECT_FALSE(seen_.contains(decision.event)) << "decided twice";
    std::size_t values = 0;
    for (const std::uint32_t count : event.answers.objects) values += count;
    seen_[decision.event] = {decision.outcome,
                             decision.flags,
                             decision.streams,
                             {event.answers.objects.begin(), event.answers.objects.end()},
                             {event.answers.values, event.answers.values + values},
                             decision.times,
                             event.gathered_ns,
                             event.cookie,
                             decision.luminosity_block};
  }
};

constexpr std::uint32_t physics = 1, debug = 2;

TEST_F(Deciding, AnEventIsDecidedWithItsAnswer) {
  open(config());
  int cookie = 0;
  DeciderEvent event = event_of(1);
  event.cookie = &cookie;
  event.times.built_ns = 5;
  event.luminosity_block = 77;
  add(event, 100, 0, 6);
  EXPECT_TRUE(seen_.empty()) << "its batch is not full and nothing is due";
  EXPECT_EQ(decider_->open_events(), 1u);
  pump();
  EXPECT_EQ(decider_->open_events(), 0u);
  add(event_of(2), 99);
  pump();
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[1].outcome, Outcome::accepted);
  EXPECT_EQ(seen_[1].streams, physics);
  EXPECT_EQ(seen_[1].flags, 0u);
  EXPECT_EQ(seen_[1].objects, std::vector<std::uint32_t>{1});
  EXPECT_EQ(seen_[1].values, std::vector<std::int64_t>{101});
  EXPECT_EQ(seen_[1].cookie, &cookie);
  EXPECT_EQ(seen_[1].gathered_ns, 6);
  EXPECT_EQ(seen_[1].times.built_ns, 5);
  EXPECT_EQ(seen_[1].luminosity_block, 77u);
  EXPECT_LE(seen_[1].times.inferred_ns, seen_[1].times.decided_ns);
  EXPECT_EQ(seen_[2].outcome, Outcome::rejected);
}

TEST_F(Deciding, AFullBatchGoesWhenItIsDue) {
  open(config());
  for (std::uint64_t event = 1; event <= 3; ++event) add(event_of(event), 0);
  pump(Urgency::due);
  EXPECT_TRUE(seen_.empty());
  EXPECT_FALSE(decider_->any_full());
  add(event_of(4), 0);
  EXPECT_TRUE(decider_->any_full());
  pump(Urgency::due);
  EXPECT_EQ(seen_.size(), 4u);
  EXPECT_EQ(program_->submitted, std::vector<std::size_t>{4});
}

TEST_F(Deciding, MoreEventsThanItHoldsAreDecidedOnTheWay) {
  DeciderOptions options;
  options.open_events = 3;
  open(config(), options);
  for (std::uint64_t event = 1; event <= 100; ++event)
    add(event_of(event), static_cast<std::uint16_t>(event));
  EXPECT_LE(decider_->open_events(), 3u);
  pump();
  ASSERT_EQ(seen_.size(), 100u);
  for (std::uint64_t event = 1; event <= 100; ++event) {
    EXPECT_EQ(seen_[event].values[0], static_cast<std::int64_t>(event) + 1);
    EXPECT_EQ(seen_[event].outcome == Outcome::accepted, event + 1 > 100 || event == 7) << event;
  }
}

TEST_F(Deciding, AFlaggedEventIsForcedWithoutItsNetworks) {
  open(config());
  for (const Cause cause :
       {Cause::incomplete_timeout, Cause::incomplete_stop, Cause::evicted, Cause::mixed_luminosity_blocks}) {
    const auto number = static_cast<std::uint64_t>(cause) + 100;
    DeciderEvent event = event_of(number);
    event.flags = flag(cause);
    add(event, 50'000, 0, 9);
    ASSERT_TRUE(seen_.contains(number)) << "it waits for nothing: " << menu::to_string(cause);
    EXPECT_EQ(seen_[number].flags, flag(cause));
    EXPECT_GE(seen_[number].times.decided_ns, 9) << "not before it came";
    EXPECT_EQ(seen_[number].outcome, Outcome::forced);
    EXPECT_EQ(seen_[number].streams, debug);
    EXPECT_EQ(seen_[number].objects, std::vector<std::uint32_t>{0}) << "no answer stands beside it";
  }
  EXPECT_TRUE(program_->submitted.empty());
}

TEST_F(Deciding, AMissingFragmentIsNotRead) {
  open(config());
  DeciderEvent event = event_of(1);
  event.flags = flag(Cause::incomplete_timeout);
  add_payloads(event, {bytes({1}), {}});
  EXPECT_EQ(seen_.at(1).outcome, Outcome::forced);
}

TEST_F(Deciding, APayloadThatIsNotAsDescribedIsForced) {
  open(config());
  const auto good = bytes({7}), long_one = bytes({7, 8});
  const std::span<const std::byte> half(good.data(), 1);
  add_payloads(event_of(1), {half, good});
  add_payloads(event_of(2), {good, {}});
  add_payloads(event_of(3), {good, long_one});
  for (std::uint64_t event = 1; event <= 3; ++event) {
    ASSERT_TRUE(seen_.contains(event)) << event;
    EXPECT_EQ(seen_[event].flags, flag(Cause::bad_payload)) << event;
    EXPECT_EQ(seen_[event].outcome, Outcome::forced);
    EXPECT_EQ(seen_[event].streams, debug);
  }
}

TEST_F(Deciding, ANetworkThatGivesNoAnswerIsACause) {
  open(config());
  program_->broken = true;
  for (std::uint64_t event = 1; event <= 4; ++event) add(event_of(event), 7);
  pump();
  ASSERT_EQ(seen_.size(), 4u);
  for (const auto& [event, seen] : seen_) {
    EXPECT_EQ(seen.flags, flag(Cause::network_failed));
    EXPECT_EQ(seen.outcome, Outcome::forced) << "though a chain that needs no network would have kept it";
  }
  program_->broken = false;
  add(event_of(5), 7);
  pump();
  EXPECT_EQ(seen_[5].flags, 0u);
  EXPECT_EQ(seen_[5].outcome, Outcome::accepted);
}

TEST_F(Deciding, ADeadlineThatPassedBeforeItCameIsLateBuilding) {
  open(config());
  DeciderEvent event = event_of(1);
  event.deadline_ns = 1000;
  add(event, 200, 0, 1000);
  EXPECT_TRUE(seen_.empty()) << "in time to the nanosecond";
  event.event = 2;
  add(event, 200, 0, 1001);
  ASSERT_TRUE(seen_.contains(2));
  EXPECT_EQ(seen_[2].flags, flag(Cause::late_building));
  EXPECT_EQ(seen_[2].outcome, Outcome::forced);
  EXPECT_EQ(seen_[2].streams, debug);
}

TEST_F(Deciding, ADeadlineThatPassesBeforeItsBatchStartsIsLateQueue) {
  open(config());
  DeciderEvent event = event_of(1);
  event.deadline_ns = clock_ns() - 1;
  add(event, 200, 0, event.deadline_ns);
  pump();
  EXPECT_EQ(seen_.at(1).flags, flag(Cause::late_queue));
}

TEST_F(Deciding, ADeadlineThatPassesOnTheDeviceIsLateDevice) {
  open(config(), {}, 4, false);
  DeciderEvent event = event_of(1);
  event.deadline_ns = clock_ns() + second_ns / 2;
  add(event, 200, 0, 0);
  pump();
  ASSERT_TRUE(decider_->in_flight());
  ASSERT_LT(clock_ns(), event.deadline_ns) << "the machine is too slow for this test";
  while (clock_ns() <= event.deadline_ns) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(seen_.empty());
  program_->finish(0);
  pump();
  EXPECT_EQ(seen_.at(1).flags, flag(Cause::late_device));
  EXPECT_FALSE(decider_->in_flight());
}

TEST_F(Deciding, ABatchThatADeadlineNeedsGoesBeforeItIsFull) {
  open(config());
  DeciderEvent event = event_of(1);
  event.deadline_ns = second_ns;
  add(event, 200, 0, 0);
  pump(Urgency::due, 0);
  EXPECT_TRUE(seen_.empty()) << "there is time to wait for more";
  EXPECT_GT(decider_->next_due_ns(), 0);
  EXPECT_LT(decider_->next_due_ns(), second_ns);
  pump(Urgency::due, decider_->next_due_ns());
  EXPECT_EQ(seen_.size(), 1u);
}

TEST_F(Deciding, LateEventsTakeTheDeclaredAction) {
  const auto late_outcomes = [this](menu::FaultAction action, std::uint32_t prescale) {
    DeciderOptions options;
    options.late = action;
    options.late_prescale = prescale;
    open(config(), options);
    seen_.clear();
    std::map<Outcome, int> outcomes;
    for (std::uint64_t number = 0; number < 1000; ++number) {
      DeciderEvent event = event_of(number);
      event.deadline_ns = 0;
      add(event, 200, 0, 1);
      ++outcomes[seen_.at(number).outcome];
      EXPECT_EQ(seen_[number].flags, flag(Cause::late_building)) << "whatever becomes of it";
    }
    return outcomes;
  };
  EXPECT_EQ(late_outcomes(menu::FaultAction::accept, 10), (std::map<Outcome, int>{{Outcome::forced, 1000}}));
  EXPECT_EQ(late_outcomes(menu::FaultAction::reject, 10),
            (std::map<Outcome, int>{{Outcome::rejected, 1000}}));
  const auto prescaled = late_outcomes(menu::FaultAction::prescale, 10);
  EXPECT_GT(prescaled.at(Outcome::forced), 60);
  EXPECT_LT(prescaled.at(Outcome::forced), 140);
  const auto first = seen_;
  late_outcomes(menu::FaultAction::prescale, 10);
  for (const auto& [event, seen] : first) EXPECT_EQ(seen.outcome, seen_.at(event).outcome) << event;
}

TEST_F(Deciding, OnlyLateEventsTakeThatAction) {
  DeciderOptions options;
  options.late = menu::FaultAction::reject;
  open(config(), options);
  DeciderEvent event = event_of(1);
  event.flags = flag(Cause::incomplete_timeout);
  add(event, 200);
  EXPECT_EQ(seen_.at(1).outcome, Outcome::forced) << "an incomplete event never goes silently";
}

TEST_F(Deciding, AnEventWaitsForTheLastOfItsObjects) {
  open(config_of_jets(), {}, 2);  // its three jets need two batches
  const auto three = bytes({3, 200, 0, 5, 0, 300, 0});
  add_payloads(event_of(1), {three});
  pump(Urgency::due);
  EXPECT_TRUE(seen_.empty()) << "one jet waits in a batch that is not full";
  const auto one = bytes({1, 400, 0});
  add_payloads(event_of(2), {one});  // fills it
  pump(Urgency::due);
  ASSERT_EQ(seen_.size(), 2u);
  EXPECT_EQ(seen_[1].objects, std::vector<std::uint32_t>{3});
  EXPECT_EQ(seen_[1].values, (std::vector<std::int64_t>{201, 6, 301}));
  EXPECT_EQ(seen_[1].outcome, Outcome::accepted);
  EXPECT_EQ(seen_[2].values, std::vector<std::int64_t>{401});
  EXPECT_EQ(seen_[2].outcome, Outcome::rejected) << "one tag is not two";
}

TEST_F(Deciding, AnEventWithoutObjectsNeedsNoBatch) {
  open(config_of_jets());
  const auto none = bytes({0});
  add_payloads(event_of(1), {none});
  ASSERT_TRUE(seen_.contains(1));
  EXPECT_EQ(seen_[1].outcome, Outcome::rejected);
  EXPECT_EQ(seen_[1].flags, 0u);
}

TEST_F(Deciding, AFailureOfOneObjectsBatchForcesTheWholeEventOnce) {
  open(config_of_jets(), {}, 2, false);
  const auto three = bytes({3, 200, 0, 5, 0, 300, 0});
  add_payloads(event_of(1), {three});
  pump(Urgency::due);  // two jets are on the device
  program_->broken = true;
  pump(Urgency::now);  // the third one fails
  EXPECT_TRUE(seen_.empty());
  program_->finish(0);
  pump(Urgency::due);
  ASSERT_EQ(seen_.size(), 1u);
  EXPECT_EQ(seen_[1].flags, flag(Cause::network_failed));
  EXPECT_EQ(seen_[1].objects, std::vector<std::uint32_t>{0});
}

}  // namespace
}  // namespace crible::pipeline
