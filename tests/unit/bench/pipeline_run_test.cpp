#include "bench/suites/pipeline_run.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "bench/instrument/open_loop.hpp"
#include "bench/suites/latency.hpp"
#include "engine/base/error.hpp"
#include "engine/pipeline/decider.hpp"
#include "tests/support/faulty_program.hpp"

namespace crible::bench {
namespace {

const Load& demo() {
  static const Load load{SuiteOptions{}};
  return load;
}

/// Encoded decisions of the demo's events, by the engine itself.
class Decisions : private pipeline::DecisionSink {
 public:
  explicit Decisions(std::uint64_t events)
      : decider_(demo().trigger(), pipeline::compile(demo().trigger(), demo().trigger().run.batch),
                 {.run = demo().trigger().run.number}) {
    for (std::uint64_t event = 0; event < events; ++event) {
      pipeline::DeciderEvent input;
      input.event = event;
      input.luminosity_block = Load::luminosity_block;
      input.fragments = demo().payloads(event);
      input.prescale_set = demo().trigger().menu.schedule().set_at(Load::luminosity_block);
      decider_.add(input, 0, *this);
    }
    while (decider_.open_events() != 0) decider_.pump(0, batching::Urgency::now, *this);
  }

  std::vector<std::vector<std::byte>> encoded;

  std::vector<std::span<const std::byte>> spans() const { return {encoded.begin(), encoded.end()}; }

 private:
  void decided(const pipeline::Decided& event) noexcept override {
    auto& bytes =
        encoded.emplace_back(menu::encoded_bytes(event.decision, demo().trigger().layout, event.answers));
    menu::encode(event.decision, demo().trigger().layout, event.answers, bytes.data());
  }

  pipeline::Decider decider_;
};

TEST(AnswerCheck, TheEnginesDecisionsAreThoseOfTheReference) {
  const Decisions decisions(60);
  EXPECT_EQ(check_answers(demo(), demo().trigger().run.number, decisions.spans()), 60u);
}

/// Any single bit but those of the times and of the reserved byte fails the run.
TEST(AnswerCheck, AWrongBitFailsTheRun) {
  Decisions decisions(3);
  std::vector<std::byte>& encoded = decisions.encoded[1];
  const std::size_t times = offsetof(menu::DecisionHeader, sent_ns),
                    behind_times = sizeof(menu::DecisionHeader);
  std::size_t flipped = 0;
  for (std::size_t byte = 0; byte < encoded.size(); byte += byte < behind_times ? 1 : 3) {
    if ((byte >= times && byte < behind_times) || byte == offsetof(menu::DecisionHeader, reserved)) continue;
    const std::byte bit{static_cast<unsigned char>(1u << (byte % 8))};
    encoded[byte] ^= bit;
    try {
      check_answers(demo(), demo().trigger().run.number, decisions.spans());
      // Bytes that only fill up to a multiple of 8 mean nothing.
      EXPECT_GE(byte, behind_times) << byte;
    } catch (const Error& error) {
      EXPECT_STREQ(error.what(),
                   "1 of 3 decisions differ from the reference: no figure of this run may be used");
      EXPECT_EQ(error.fault(), Fault::failure);
      ++flipped;
    }
    encoded[byte] ^= bit;
  }
  EXPECT_GT(flipped, 50u);
}

TEST(AnswerCheck, DecisionsOfAnotherRunAreWrong) {
  const Decisions decisions(1);
  EXPECT_THROW(check_answers(demo(), demo().trigger().run.number + 1, decisions.spans()), Error);
}

PipelineSetup small_setup() {
  PipelineSetup setup;
  setup.arrivals.rate_hz = 2'000;
  setup.seconds = 0.3;
  return setup;
}

void expect_whole(const PipelineOutcome& outcome, std::uint64_t events) {
  EXPECT_EQ(outcome.decided, events);
  EXPECT_EQ(outcome.checked, events);  // every event at low rates
  EXPECT_EQ(outcome.budget.disorder(), 0u);
  const Latency latency = latency_of("small", {outcome});
  ASSERT_EQ(latency.stages.size(), stage_names.size());
  double sum_ns = 0;
  for (const Stage& stage : latency.stages) {
    EXPECT_GE(stage.mean, 0) << stage.name;
    sum_ns += stage.mean;
  }
  EXPECT_NEAR(sum_ns, latency.mean, latency.mean / 2048);  // the mean of a histogram
  for (const std::size_t timed : {2u, 5u})  // build and compute take time: their stamps are no copies
    EXPECT_GT(latency.stages[timed].mean, 0) << latency.stages[timed].name;
}

TEST(PipelineRun, EveryEventPassesEveryPointInOrderAndItsAnswerIsChecked) {
  expect_whole(run_pipeline(demo(), small_setup()), 600);
}

TEST(PipelineRun, AlsoOverTwoShardsAndBlocksOfEvents) {
  PipelineSetup setup = small_setup();
  setup.shards = 2;
  setup.arrivals.kind = Arrivals::bursts;
  setup.arrivals.rate_hz = 6'000;
  expect_whole(run_pipeline(demo(), setup), 1'800);
}

TEST(PipelineRun, WithoutStampsThereAreOnlyRates) {
  PipelineSetup setup = small_setup();
  setup.traced = false;
  const PipelineOutcome outcome = run_pipeline(demo(), setup);
  EXPECT_EQ(outcome.decided, 600u);
  EXPECT_EQ(outcome.budget.total().count(), 0u);
  EXPECT_GT(outcome.throughput_hz, 0);
}

/// What the report says of the slowest events of a live run.
std::vector<std::string> causes_of(const PipelineSetup& setup) {
  const Latency latency = latency_of("slow", {run_pipeline(demo(), setup)});
  EXPECT_EQ(latency.slowest.size(), 10u);
  std::vector<std::string> stages;
  for (const SlowEvent& slow : latency.slowest) stages.push_back(slow.cause.substr(0, slow.cause.find(':')));
  return stages;
}

TEST(PipelineRun, ADeliberatelySlowDeviceInALiveTriggerIsNamedAsTheCause) {
  PipelineSetup setup = small_setup();
  setup.arrivals.kind = Arrivals::constant;
  setup.arrivals.rate_hz = 15;  // 30 ms a batch make no queue then
  setup.seconds = 2;
  setup.warm_up = false;
  std::size_t made = 0;
  setup.around = [&](std::unique_ptr<backends::Program> program) -> std::unique_ptr<backends::Program> {
    // The network whose batches are started last: another's would delay those behind it, in stage submit.
    if (++made != demo().trigger().networks.size()) return program;
    const std::string device = program->device();
    auto slow =
        std::make_unique<support::FaultyProgram>(std::move(program), device, support::Failure::slow, 0);
    slow->started = true;
    return slow;
  };
  std::vector<std::string> causes = causes_of(setup);
  causes.resize(5);  // not every event has a jet, so not all of the ten had that network
  EXPECT_THAT(causes, testing::Each("compute"));
}

TEST(PipelineRun, AnInputThatHoldsEventsBackIsNamedAsTheCause) {
  PipelineSetup setup = small_setup();
  setup.arrivals.rate_hz = 500;
  setup.packet_wait_ns = 60'000'000;
  EXPECT_THAT(causes_of(setup), testing::Each("send"));
}

TEST(PipelineRun, TheBareReceiverTakesTheSamePackets) {
  PipelineSetup setup = small_setup();
  setup.warm_up = false;
  EXPECT_EQ(run_bare(demo(), setup).count(), 600u);
}

TEST(PipelineRun, ARateOfZeroIsRefused) {
  PipelineSetup setup = small_setup();
  setup.arrivals.rate_hz = 0;
  EXPECT_THROW(run_pipeline(demo(), setup), Error);
}

}  // namespace
}  // namespace crible::bench
