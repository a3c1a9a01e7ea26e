#include "bench/instrument/open_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "bench/instrument/objective.hpp"
#include "bench/suites/figures.hpp"
#include "tests/unit/bench/virtual_time.hpp"

namespace crible::bench {
namespace {

constexpr double three_digits = 1.0 / 1000;

ArrivalPlan constant(double rate_hz) {
  ArrivalPlan plan;
  plan.kind = Arrivals::constant;
  plan.rate_hz = rate_hz;
  return plan;
}

void expect_near(std::int64_t measured_ns, std::int64_t true_ns) {
  EXPECT_NEAR(static_cast<double>(measured_ns), static_cast<double>(true_ns),
              static_cast<double>(true_ns) * three_digits);
}

TEST(OpenLoop, AConstantDelayIsMeasuredRight) {
  const pipeline::Histogram latency = measure_open_loop(constant(10'000), 100'000, {});
  EXPECT_EQ(latency.count(), 100'000u);
  expect_near(latency.percentile_ns(0), 20'000);
  expect_near(latency.percentile_ns(0.5), 20'000);
  expect_near(latency.percentile_ns(1), 20'000);
}

TEST(OpenLoop, TwoModesAreMeasuredWithTheirShares) {
  VirtualService service;
  service.work_ns = [](std::size_t i) { return i % 10 == 9 ? 90'000 : 5'000; };  // one in ten is slow
  const pipeline::Histogram latency = measure_open_loop(constant(10'000), 100'000, service);
  expect_near(latency.percentile_ns(0.5), 5'000);
  expect_near(latency.percentile_ns(0.899), 5'000);
  expect_near(latency.percentile_ns(0.901), 90'000);
  EXPECT_EQ(latency.count_above(6'000), 10'000u);
}

/// 10 ms in each second: 1 % of the events wait, on average 5 ms; p99.9 is where 0.1 % are slower.
TEST(OpenLoop, APauseOfTenMillisecondsASecondIsSeenByEveryEventThatWasDue) {
  VirtualService service;
  service.work_ns = [](std::size_t) { return 1'000; };
  service.pause_every_ns = 1'000'000'000;
  service.pause_ns = 10'000'000;
  const pipeline::Histogram latency = measure_open_loop(constant(10'000), 200'000, service);
  expect_near(latency.percentile_ns(0.5), 1'000);
  // The pauses begin after the first second. Of each 10,000 events 100 wait, the k-th of them 10 ms - k 100
  // us, and those behind them until the queue of 1 us each is gone.
  EXPECT_GT(latency.percentile_ns(0.999), 8'900'000);
  EXPECT_LT(latency.percentile_ns(0.999), 9'300'000);
  EXPECT_GT(latency.max_ns(), 9'900'000);
}

/// The same service asked by a loop that waits for each answer sees one slow request a pause: p99.9 hides it.
TEST(OpenLoop, AClosedLoopWouldHaveMissedThatPause) {
  VirtualService service;
  service.work_ns = [](std::size_t) { return 1'000; };
  service.pause_every_ns = 1'000'000'000;
  service.pause_ns = 10'000'000;
  pipeline::Histogram latency;
  std::int64_t now_ns = 0;
  for (std::size_t i = 0; i < 200'000; ++i) {
    const std::int64_t answered_ns = service.request(now_ns);
    latency.add(answered_ns - now_ns);
    now_ns = std::max(answered_ns, now_ns + 100'000);
  }
  EXPECT_LT(latency.percentile_ns(0.999), 2'000);
}

TEST(OpenLoop, LatencyCountsFromTheScheduleThoughTheSenderWasLate) {
  VirtualClock clock;
  clock.late_ns = 30'000;
  const std::vector<std::int64_t> times = schedule(constant(10'000), 1'000);
  VirtualService service;
  pipeline::Histogram latency;
  const SenderLateness lateness = send_open_loop(
      clock, pack(times, 1, 0), 0, 0,
      [&](const Shot& shot, std::int64_t sent_ns) {
        latency.add(service.request(sent_ns) - times[shot.first]);
      },
      [] { return false; });
  expect_near(latency.percentile_ns(0.5), 50'000);
  expect_near(lateness.late_ns.percentile_ns(0.5), 30'000);
}

/// Latencies of which the sender's lateness is so much.
pipeline::Histogram hundred(std::int64_t ns) {
  pipeline::Histogram histogram;
  histogram.add(ns, 100);
  return histogram;
}

TEST(OpenLoop, ASenderThatIsLateByMoreThanATenthOfTheLatencyMakesTheRunInvalid) {
  SenderLateness lateness{hundred(30'000)};
  EXPECT_EQ(lateness.problem(hundred(301'000)), "");
  EXPECT_EQ(lateness.problem(hundred(200'000)),
            "the sender was late by 30.0 us at p50, more than 20.0 us, a tenth of the latency there");
  EXPECT_EQ(SenderLateness{hundred(4'900)}.problem(hundred(100)), "");  // what no clock could show
}

TEST(OpenLoop, TheBoundHoldsAtTheTailToo) {
  SenderLateness lateness{hundred(100)};
  lateness.late_ns.add(900'000, 2);  // 2 %
  pipeline::Histogram latency = hundred(300'000);
  EXPECT_THAT(lateness.problem(latency), testing::HasSubstr("late by 900"));
  EXPECT_THAT(lateness.problem(latency), testing::HasSubstr("at p99"));
  latency.add(10'000'000, 2);  // a latency as slow hides it
  EXPECT_EQ(lateness.problem(latency), "");
}

TEST(OpenLoop, LatenessCountsForEveryEventOfAShotAndNotInTheWarmUp) {
  VirtualClock clock;
  clock.late_ns = 7'000;
  const std::vector<Shot> shots = pack(schedule(constant(1'000), 100), 4, 10'000'000);
  const SenderLateness lateness = send_open_loop(
      clock, shots, 0, 40'000'000, [](const Shot&, std::int64_t) {}, [] { return false; });
  EXPECT_EQ(lateness.late_ns.count(), 100u - 36u);  // the packet of events 36 to 39 is due at 40 ms
  expect_near(lateness.late_ns.percentile_ns(0.5), 7'000);
}

/// A server of 20 us whose queue grows with the load: what the search finds is known from a fine scan of
/// rates.
TEST(OpenLoop, TheSearchFindsTheHighestRateThatHoldsAnObjectiveOfAService) {
  const Objective objective = parse_objective("p99.9<200us");
  const auto held = [&](double rate_hz) {
    ArrivalPlan plan;
    plan.rate_hz = rate_hz;
    const pipeline::Histogram latency = measure_open_loop(plan, 100'000, {});
    Latency point;
    point.offered_hz = point.achieved_hz = rate_hz;
    point.count = latency.count();
    point.histogram = buckets_of(latency);
    return holds(objective, point);
  };
  const auto found = highest_rate(2'000, 8e6, 8, held);
  ASSERT_TRUE(found);
  EXPECT_TRUE(held(*found));
  EXPECT_FALSE(held(*found * 1.02));
  // A queue with Poisson arrivals and constant service of 20 us, M/D/1: p99.9 is 200 us at 67 to 69 % of 50
  // kHz.
  EXPECT_GT(*found, 32'000);
  EXPECT_LT(*found, 36'500);
}

TEST(OpenLoop, ItEndsWhenAskedTo) {
  VirtualClock clock;
  std::size_t sent = 0;
  send_open_loop(
      clock, pack(schedule(constant(1'000), 100), 1, 0), 0, 0, [&](const Shot&, std::int64_t) { ++sent; },
      [&] { return sent == 7; });
  EXPECT_EQ(sent, 7u);
}

TEST(OpenLoop, TheWarmUpIsATenthAndAtLeastAFifthOfASecondAndAtMostHalf) {
  EXPECT_EQ(warm_up_ns(10'000'000'000), 1'000'000'000);
  EXPECT_EQ(warm_up_ns(1'000'000'000), 200'000'000);
  EXPECT_EQ(warm_up_ns(100'000'000), 50'000'000);
}

}  // namespace
}  // namespace crible::bench
