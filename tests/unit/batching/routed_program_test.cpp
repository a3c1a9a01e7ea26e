#include "engine/batching/routed_program.hpp"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/error.hpp"
#include "engine/batching/batcher.hpp"
#include "tests/conformance/rows.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/support/faulty_program.hpp"

namespace crible::batching {
namespace {

using backends::Status;
using conformance::Events;
using network::Network;
using support::Failure;
using support::FaultyProgram;

constexpr std::size_t batch_events = 16;
constexpr std::size_t slot_count = 4;

std::unique_ptr<backends::Program> cpu_program(const Network& network) {
  backends::CompileOptions options;
  options.max_batch = batch_events;
  options.slots = slot_count;
  return backends::find("cpu").compile(network, options);
}

/// A routed program whose device is the CPU's with a fault.
struct Fixture {
  Network network = conformance::sample_mlp();
  FaultyProgram* device = nullptr;
  std::unique_ptr<RoutedProgram> program;

  Fixture(Failure failure, std::size_t good_batches, RoutingOptions options) {
    auto faulty = std::make_unique<FaultyProgram>(cpu_program(network), "faulty:0", failure, good_batches);
    device = faulty.get();
    std::vector<Route> routes;
    routes.push_back({std::move(faulty), std::make_shared<DeviceHealth>()});
    program = std::make_unique<RoutedProgram>(std::move(routes), cpu_program(network), options);
    program->forget_counts();
    device->started = true;
  }

  /// Fills every slot, submits all, then collects all; and again. Every answer must be right.
  void run_batches(int rounds) {
    for (int round = 0; round < rounds; ++round) {
      for (std::size_t slot = 0; slot < slot_count; ++slot) {
        conformance::store_inputs(network, events(slot, round), program->slots()[slot].inputs);
        ASSERT_EQ(program->submit(slot, batch_events), Status::ok);
      }
      for (std::size_t slot = 0; slot < slot_count; ++slot) {
        Status status = Status::pending;
        while (status == Status::pending) status = program->poll(slot);
        ASSERT_EQ(status, Status::ok);
        Events got;
        conformance::fetch_outputs(network, program->slots()[slot].outputs, batch_events, got);
        ASSERT_EQ(got, conformance::expected(network, events(slot, round))) << "round " << round;
      }
    }
  }

  Events events(std::size_t slot, int round) const {
    return conformance::make_events(network, batch_events, static_cast<std::uint32_t>(10 * round) + slot);
  }
};

RoutingOptions options_of(std::int64_t hang_ns, std::uint32_t check_every) {
  return {hang_ns, check_every, true};
}

struct Case {
  Failure failure;
  const char* sentence;
};

class Failover : public testing::TestWithParam<Case> {};

TEST_P(Failover, EveryBatchIsAnsweredRightAndCounted) {
  for (const std::size_t good_batches : {0u, 1u, 3u, 6u}) {
    Fixture fixture(GetParam().failure, good_batches, options_of(1'000'000, 1));
    fixture.run_batches(3);
    const Routing routing = fixture.program->routing();
    ASSERT_EQ(routing.troubles.size(), 1u) << good_batches;
    EXPECT_NE(routing.troubles[0].find(GetParam().sentence), std::string::npos) << routing.troubles[0];
    EXPECT_NE(routing.troubles[0].find("device faulty:0 is out of the run"), std::string::npos);
    EXPECT_NE(routing.troubles[0].find("network " + fixture.network.name), std::string::npos);
    ASSERT_EQ(routing.routes.size(), 2u);
    EXPECT_EQ(routing.routes[0].batches + routing.routes[1].batches, 12u);
    EXPECT_EQ(routing.routes[1].device, fixture.program->device());
    EXPECT_EQ(routing.wrong, GetParam().failure == Failure::wrong_bits ? 1u : 0u);
    EXPECT_GE(routing.moved + routing.wrong, 1u);
    fixture.run_batches(1);  // a device that is out gets no more
    const Routing later = fixture.program->routing();
    EXPECT_EQ(later.moved, routing.moved);
    EXPECT_EQ(later.routes[0].batches, routing.routes[0].batches);
    EXPECT_EQ(later.routes[1].batches, routing.routes[1].batches + slot_count);
  }
}

INSTANTIATE_TEST_SUITE_P(Failures, Failover,
                         testing::Values(Case{Failure::submit_error, "it refused the batch"},
                                         Case{Failure::poll_error, "it reported an error"},
                                         Case{Failure::hang, "it did not answer in time"},
                                         Case{Failure::late, "it did not answer in time"},
                                         Case{Failure::wrong_status, "it reported an error"},
                                         Case{Failure::wrong_bits, "its bits differ from the CPU's"}));

TEST(RoutedProgram, AForcedDeviceTakesEveryBatch) {
  Fixture fixture(Failure::none, 0, options_of(1'000'000'000, 0));
  EXPECT_EQ(fixture.program->device(), "faulty:0");
  fixture.run_batches(5);
  const Routing routing = fixture.program->routing();
  EXPECT_EQ(routing.routes[0].batches, 20u);
  EXPECT_EQ(routing.routes[0].events, 20u * batch_events);
  EXPECT_EQ(routing.routes[1].batches, 0u);
  EXPECT_EQ(routing.checked, 0u);
  EXPECT_TRUE(routing.troubles.empty());
  EXPECT_NE(routing.why.find("was asked for"), std::string::npos);
}

TEST(RoutedProgram, OneBatchInNIsCompared) {
  Fixture fixture(Failure::none, 0, options_of(1'000'000'000, 4));
  fixture.run_batches(100);
  const Routing routing = fixture.program->routing();
  EXPECT_GT(routing.checked, 50u);
  EXPECT_LT(routing.checked, 150u);
  EXPECT_EQ(routing.wrong, 0u);
}

TEST(RoutedProgram, WithoutAChoiceTheFasterDeviceTakesOver) {
  RoutingOptions options = options_of(1'000'000'000, 0);
  options.forced = false;
  Fixture fixture(Failure::none, 0, options);
  fixture.run_batches(50);
  const Routing routing = fixture.program->routing();
  EXPECT_EQ(routing.routes[0].batches + routing.routes[1].batches, 200u);
  EXPECT_NE(routing.why.find("expected first"), std::string::npos);
}

TEST(RoutedProgram, ADeviceIsOutForAllItsNetworks) {
  auto health = std::make_shared<DeviceHealth>();
  const Network network = conformance::sample_mlp();
  std::vector<std::unique_ptr<RoutedProgram>> programs;
  std::vector<FaultyProgram*> devices;
  for (int i = 0; i < 2; ++i) {
    auto faulty = std::make_unique<FaultyProgram>(cpu_program(network), "faulty:0", Failure::poll_error, 0);
    devices.push_back(faulty.get());
    std::vector<Route> routes;
    routes.push_back({std::move(faulty), health});
    programs.push_back(
        std::make_unique<RoutedProgram>(std::move(routes), cpu_program(network), RoutingOptions{}));
  }
  devices[0]->started = true;
  EXPECT_EQ(programs[0]->run(0, 3), Status::ok);
  EXPECT_TRUE(health->out);
  EXPECT_NE(programs[1]->device(), "faulty:0");
}

TEST(RoutedProgram, BatchesOfNoneOrTooManyAreRefused) {
  Fixture fixture(Failure::none, 0, {});
  EXPECT_EQ(fixture.program->submit(0, 0), Status::bad_batch);
  EXPECT_EQ(fixture.program->submit(0, batch_events + 1), Status::bad_batch);
  EXPECT_EQ(fixture.program->submit(slot_count, 1), Status::bad_batch);
  EXPECT_EQ(fixture.program->submit(0, 1), Status::ok);
  EXPECT_EQ(fixture.program->submit(0, 1), Status::busy);
  EXPECT_TRUE(fixture.program->routing().troubles.empty());
}

/// Counts what the batcher hands over.
class Count : public Answers {
 public:
  void answered(std::size_t, std::span<const Request> requests, const backends::Slot&,
                const BatchTimes&) noexcept override {
    answered_ += requests.size();
  }
  void failed(std::size_t, std::span<const Request> requests, const BatchTimes&) noexcept override {
    failed_ += requests.size();
  }
  std::size_t answered_ = 0;
  std::size_t failed_ = 0;
};

TEST(RoutedProgram, ABatcherLosesNoRequestWhenTheDeviceFails) {
  for (const Failure failure :
       {Failure::submit_error, Failure::poll_error, Failure::hang, Failure::wrong_bits}) {
    Fixture fixture(failure, 5, options_of(1'000'000, 1));
    fixture.device->started = false;
    FaultyProgram* device = fixture.device;
    std::vector<std::unique_ptr<backends::Program>> programs;
    programs.push_back(std::move(fixture.program));
    Batcher batcher(std::move(programs));
    device->started = true;
    Count count;
    for (std::uint32_t event = 0; event < 1000; ++event) {
      while (batcher.claim(0, {event, 0}, Batcher::never).empty()) batcher.pump(0, Urgency::due, count);
      if (batcher.any_full()) batcher.pump(0, Urgency::due, count);
    }
    while (batcher.waiting() > 0) batcher.pump(0, Urgency::now, count);
    EXPECT_EQ(count.answered_, 1000u);
    EXPECT_EQ(count.failed_, 0u);
    EXPECT_EQ(batcher.counters(0).failed, 0u);
    const Routing routing = batcher.routing(0);
    EXPECT_EQ(routing.routes[0].batches + routing.routes[1].batches, batcher.counters(0).batches);
    EXPECT_EQ(routing.routes[0].events + routing.routes[1].events, 1000u);
    EXPECT_EQ(routing.troubles.size(), 1u);
  }
}

}  // namespace
}  // namespace crible::batching
