#include <gtest/gtest.h>

#include <map>

#include "engine/batching/routed_program.hpp"
#include "engine/pipeline/decider.hpp"
#include "engine/pipeline/sample.hpp"
#include "tests/support/faulty_program.hpp"

/// A device that fails in the middle of a run costs no event and changes no decision.
namespace crible::pipeline {
namespace {

using support::Failure;
using support::FaultyProgram;

struct SampleEvent {
  std::uint64_t event = 0;
  std::uint32_t luminosity_block = 0;
  std::vector<detector::Payload> payloads;
};

/// Encoded decisions by event.
using Decisions = std::map<std::uint64_t, std::vector<std::byte>>;

class Failover : public testing::TestWithParam<Failure>, private DecisionSink {
 protected:
  void SetUp() override {
    const Cycle cycle(sample_, 0);
    events_.resize(sample_.events().size());
    for (const SampleSource& source : sample_.sources()) {
      const auto index = trigger_.description.find_source(source.name);
      for (const SampleFragment& fragment : source.fragments) {
        SampleEvent& event = events_[cycle.index_of(fragment.event)];
        event.event = fragment.event;
        event.luminosity_block = fragment.luminosity_block;
        event.payloads.resize(trigger_.description.sources.size());
        event.payloads[*index] = fragment.payload;
      }
    }
    events_.resize(std::min<std::size_t>(events_.size(), 1500));
  }

  std::vector<std::unique_ptr<backends::Program>> cpu_programs() {
    BatchConfig batch;
    batch.max_events = 32;
    return compile(trigger_, batch);
  }

  /// The networks' programs on one device that fails after a few batches of each.
  std::vector<std::unique_ptr<backends::Program>> faulty_programs(std::vector<FaultyProgram*>& devices) {
    auto health = std::make_shared<batching::DeviceHealth>();
    std::vector<std::unique_ptr<backends::Program>> programs;
    auto real = cpu_programs();
    auto fallback = cpu_programs();
    for (std::size_t n = 0; n < real.size(); ++n) {
      auto faulty = std::make_unique<FaultyProgram>(std::move(real[n]), "faulty:0", GetParam(), 5);
      devices.push_back(faulty.get());
      std::vector<batching::Route> routes;
      routes.push_back({std::move(faulty), health});
      programs.push_back(std::make_unique<batching::RoutedProgram>(
          std::move(routes), std::move(fallback[n]), batching::RoutingOptions{2'000'000, 1, true}));
    }
    return programs;
  }

  Decisions decide(Decider& decider) {
    decisions_.clear();
    for (const SampleEvent& event : events_) {
      decider.add({.event = event.event,
                   .luminosity_block = event.luminosity_block,
                   .fragments = event.payloads,
                   .prescale_set = trigger_.menu.schedule().set_at(event.luminosity_block),
                   .times = {}},
                  0, *this);
      if (decider.any_full()) decider.pump(0, batching::Urgency::due, *this);
    }
    while (decider.open_events() > 0) decider.pump(0, batching::Urgency::now, *this);
    return decisions_;
  }

  const Trigger trigger_ = load_trigger("tools/demo_data/run.yaml");
  const Sample sample_ = Sample::load("tools/demo_data/stream");
  std::vector<SampleEvent> events_;

 private:
  void decided(const Decided& decided) noexcept override {
    menu::Decision decision = decided.decision;
    decision.times = {};
    std::vector<std::byte>& bytes = decisions_[decision.event];
    bytes.resize(encoded_bytes(decision, trigger_.layout, decided.answers));
    encode(decision, trigger_.layout, decided.answers, bytes.data());
  }

  Decisions decisions_;
};

TEST_P(Failover, CostsNoEventAndChangesNoDecision) {
  Decider good(trigger_, cpu_programs(), {});
  const Decisions wanted = decide(good);
  ASSERT_EQ(wanted.size(), events_.size());

  std::vector<FaultyProgram*> devices;
  Decider failing(trigger_, faulty_programs(devices), {});
  for (FaultyProgram* device : devices) device->started = true;
  EXPECT_EQ(decide(failing), wanted);

  std::size_t troubles = 0;
  for (std::size_t n = 0; n < failing.batcher().networks(); ++n) {
    const batching::Routing routing = failing.batcher().routing(n);
    EXPECT_EQ(failing.batcher().counters(n).failed, 0u);
    EXPECT_EQ(routing.routes[0].batches + routing.routes[1].batches, failing.batcher().counters(n).batches);
    EXPECT_EQ(routing.routes[0].events + routing.routes[1].events, failing.batcher().counters(n).requests);
    troubles += routing.troubles.size();
  }
  EXPECT_EQ(troubles, failing.batcher().networks()) << "the device is out for every network";
}

INSTANTIATE_TEST_SUITE_P(Failures, Failover,
                         testing::Values(Failure::submit_error, Failure::poll_error, Failure::hang,
                                         Failure::late, Failure::wrong_status, Failure::wrong_bits));

}  // namespace
}  // namespace crible::pipeline
