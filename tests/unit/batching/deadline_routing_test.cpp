#include <gtest/gtest.h>

#include "engine/batching/batcher.hpp"
#include "engine/batching/routed_program.hpp"
#include "tests/unit/batching/fake_program.hpp"

// Which way a batch goes for which deadline, by a clock that only the programs move.
namespace crible::batching {
namespace {

using backends::Status;

std::int64_t time_ns = 0;
std::int64_t fake_clock() noexcept {
  return time_ns;
}

constexpr std::size_t most_events = 64;
constexpr std::size_t slot_count = 4;

/// Takes a constant time for a batch and some for each event. A device answers when its time is over; each
/// look at it takes a microsecond. The CPU's time is over before submit returns.
class TimedProgram : public FakeProgram, public backends::Paths {
 public:
  TimedProgram(const std::string& device, std::int64_t batch_ns, std::int64_t event_ns)
      : FakeProgram(device, most_events, slot_count, false), batch_ns_(batch_ns), event_ns_(event_ns) {}

  Status submit(std::size_t slot, std::size_t events) noexcept override {
    const Status status = FakeProgram::submit(slot, events);
    if (status == Status::ok) end_ns_[slot] = time_ns + cost_ns(events);
    return status;
  }
  Status poll(std::size_t slot) noexcept override {
    time_ns += 1000;
    if (time_ns >= end_ns_[slot]) finish(slot);
    return FakeProgram::poll(slot);
  }
  Status run(std::size_t slot, std::size_t events) noexcept override {
    time_ns += cost_ns(events);
    return FakeProgram::run(slot, events);
  }
  const char* path(std::size_t events) const noexcept override { return events > 8 ? "large" : "small"; }
  std::string how() const override { return "by the size"; }

 private:
  std::int64_t cost_ns(std::size_t events) const {
    return batch_ns_ + event_ns_ * static_cast<std::int64_t>(events);
  }

  std::int64_t batch_ns_;
  std::int64_t event_ns_;
  std::int64_t end_ns_[slot_count] = {};
};

/// A device that takes 50 us for any batch, and a CPU that takes 2 us for an event.
std::unique_ptr<RoutedProgram> make_routed(bool forced = false) {
  std::vector<Route> routes;
  routes.push_back({std::make_unique<TimedProgram>("gpu:0", 50'000, 0), std::make_shared<DeviceHealth>()});
  RoutingOptions options;
  options.check_every = 0;
  options.forced = forced;
  options.clock = fake_clock;
  auto program = std::make_unique<RoutedProgram>(std::move(routes),
                                                 std::make_unique<TimedProgram>("cpu", 0, 2'000), options);
  program->forget_counts();
  return program;
}

/// Batches of the device and of the CPU so far.
std::pair<std::uint64_t, std::uint64_t> taken(const RoutedProgram& program) {
  const Routing routing = program.routing();
  return {routing.routes[0].batches, routing.routes[1].batches};
}

using Counts = std::pair<std::uint64_t, std::uint64_t>;

TEST(DeadlineRouting, WithoutADeadlineTheEarliestAnswerWins) {
  const auto program = make_routed();
  ASSERT_EQ(program->run(0, 1), Status::ok);
  EXPECT_EQ(taken(*program), Counts(0, 1));
  ASSERT_EQ(program->run(0, most_events), Status::ok);
  EXPECT_EQ(taken(*program), Counts(1, 1));
}

TEST(DeadlineRouting, ADeadlineThatTheDeviceHoldsSparesTheProcessor) {
  const auto program = make_routed();
  program->set_deadline(time_ns + 60'000);
  ASSERT_EQ(program->run(0, 1), Status::ok);
  EXPECT_EQ(taken(*program), Counts(1, 0));
}

TEST(DeadlineRouting, ADeadlineThatTheDeviceBreaksGoesToTheProcessor) {
  const auto program = make_routed();
  program->set_deadline(time_ns + 40'000);
  ASSERT_EQ(program->run(0, 1), Status::ok);
  EXPECT_EQ(taken(*program), Counts(0, 1));
}

TEST(DeadlineRouting, WhereNobodyHoldsItTheEarliestAnswerWins) {
  const auto program = make_routed();
  program->set_deadline(time_ns + 1'000);
  ASSERT_EQ(program->run(0, most_events), Status::ok);  // 50 us against 128
  EXPECT_EQ(taken(*program), Counts(1, 0));
}

TEST(DeadlineRouting, WhatIsInFlightCountsAgainstTheDeadline) {
  const auto program = make_routed();
  for (std::size_t slot = 0; slot < 3; ++slot) {
    program->set_deadline(time_ns + 120'000);
    ASSERT_EQ(program->submit(slot, 1), Status::ok);
  }
  EXPECT_EQ(taken(*program), Counts(2, 1));  // 50 us, 100 us, and 150 us would be too late
}

TEST(DeadlineRouting, ADeadlineIsThatOfOneBatch) {
  const auto program = make_routed();
  program->set_deadline(time_ns + 1'000'000);
  ASSERT_EQ(program->run(0, 1), Status::ok);
  ASSERT_EQ(program->run(0, 1), Status::ok);
  EXPECT_EQ(taken(*program), Counts(1, 1));
}

TEST(DeadlineRouting, AForcedDeviceIsHonouredWhateverTheDeadline) {
  const auto program = make_routed(true);
  program->set_deadline(time_ns + 10'000);
  ASSERT_EQ(program->run(0, 1), Status::ok);
  EXPECT_EQ(taken(*program), Counts(1, 0));
}

TEST(DeadlineRouting, TheReportNamesThePaths) {
  const auto program = make_routed(true);
  for (const std::size_t events : {1u, 9u, 8u, 64u, 63u}) ASSERT_EQ(program->run(0, events), Status::ok);
  Routing routing = program->routing();
  ASSERT_EQ(routing.routes[0].paths.size(), 2u);
  EXPECT_EQ(routing.routes[0].paths[0].path, "small");
  EXPECT_EQ(routing.routes[0].paths[0].batches, 2u);
  EXPECT_EQ(routing.routes[0].paths[1].path, "large");
  EXPECT_EQ(routing.routes[0].paths[1].batches, 3u);
  EXPECT_EQ(routing.routes[0].paths_how, "by the size");
  EXPECT_EQ(routing.routes[1].paths_how, "");
  Routing other = routing;
  other.routes[0].paths = {{"large", 10}, {"other", 1}};
  routing.add(other);
  ASSERT_EQ(routing.routes[0].paths.size(), 3u);
  EXPECT_EQ(routing.routes[0].paths[1].batches, 13u);
  EXPECT_EQ(routing.routes[0].paths[2].path, "other");
}

class Ignore : public Answers {
  void answered(std::size_t, std::span<const Request>, const backends::Slot&,
                const BatchTimes&) noexcept override {}
  void failed(std::size_t, std::span<const Request>, const BatchTimes&) noexcept override {}
};

TEST(DeadlineRouting, ABatcherGivesEachBatchItsOldestDeadlineLessItsMargin) {
  std::vector<std::unique_ptr<backends::Program>> programs;
  programs.push_back(make_routed());
  constexpr std::int64_t margin_ns = 30'000;
  Batcher batcher(std::move(programs), margin_ns);
  Ignore ignore;
  const auto answer = [&](std::int64_t first_deadline_ns, std::int64_t second_deadline_ns) {
    batcher.claim(0, {}, first_deadline_ns);
    batcher.claim(0, {}, second_deadline_ns);
    while (batcher.waiting() > 0) batcher.pump(time_ns, Urgency::now, ignore);
    const Routing routing = batcher.routing(0);
    return Counts(routing.routes[0].batches, routing.routes[1].batches);
  };
  EXPECT_EQ(answer(time_ns + 90'000, time_ns + 500'000), Counts(1, 0));
  EXPECT_EQ(answer(time_ns + 500'000, time_ns + 70'000), Counts(1, 1));  // 40 us are left
  EXPECT_EQ(answer(Batcher::never, Batcher::never), Counts(1, 2));
}

}  // namespace
}  // namespace crible::batching
