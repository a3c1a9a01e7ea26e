#include "bench/instrument/budget.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace crible::bench {
namespace {

std::int64_t no_pause(std::int64_t, std::int64_t) {
  return 0;
}

EventTimes event_of(std::uint64_t number, const std::array<std::int64_t, point_count - 1>& stages_ns) {
  EventTimes times{number, {}};
  times.ns[0] = static_cast<std::int64_t>(number) * 1'000'000;
  for (std::size_t s = 0; s < stages_ns.size(); ++s) times.ns[s + 1] = times.ns[s] + stages_ns[s];
  return times;
}

TEST(Budget, MeansOfTheStagesAddUpToTheMeanOfTheWhole) {
  std::mt19937_64 random(5);
  std::exponential_distribution<double> stage(1e-4);
  Budget budget;
  double sum_ns = 0;
  for (std::uint64_t e = 0; e < 5'000; ++e) {
    std::array<std::int64_t, point_count - 1> stages_ns{};
    for (auto& ns : stages_ns) ns = static_cast<std::int64_t>(stage(random));
    const EventTimes times = event_of(e, stages_ns);
    sum_ns += static_cast<double>(times.total_ns());
    budget.add(times);
  }
  double of_stages_ns = 0;
  for (const Stage& s : budget.stages()) of_stages_ns += s.mean;
  EXPECT_NEAR(of_stages_ns, sum_ns / 5'000, 1e-6 * of_stages_ns);
  EXPECT_DOUBLE_EQ(of_stages_ns, budget.mean_ns());
  EXPECT_EQ(budget.disorder(), 0u);
}

/// Each stage in turn is made slow on purpose; the report must name it.
TEST(Budget, ADeliberatelySlowStageIsNamedAsTheCause) {
  for (std::size_t slow = 0; slow < stage_names.size(); ++slow) {
    Budget budget;
    std::array<std::int64_t, point_count - 1> stages_ns{};
    stages_ns.fill(1'000);
    for (std::uint64_t e = 0; e < 100; ++e) budget.add(event_of(e, stages_ns));
    stages_ns[slow] = 250'000;
    budget.add(event_of(777, stages_ns));
    const std::vector<SlowEvent> slowest = budget.slowest(no_pause);
    ASSERT_EQ(slowest.size(), 10u);
    EXPECT_EQ(slowest[0].event, 777u);
    EXPECT_EQ(slowest[0].cause,
              std::string(stage_names[slow]) + ": 250.0 of 257.0 us " + explain_stage(slow));
  }
}

TEST(Budget, TheTenSlowestAreKeptSlowestFirstAlsoOverSeveralRuns) {
  Budget all, one, other;
  for (std::uint64_t e = 0; e < 100; ++e) {
    const auto ns = static_cast<std::int64_t>((e * 37) % 101 * 1'000);
    const EventTimes times = event_of(e, {ns, 1, 1, 1, 1, 1, 1, 1});
    all.add(times);
    (e % 3 == 0 ? one : other).add(times);
  }
  one.add(other);
  const auto expected = all.slowest(no_pause), merged = one.slowest(no_pause);
  ASSERT_EQ(merged.size(), 10u);
  for (std::size_t i = 0; i < merged.size(); ++i) {
    EXPECT_EQ(merged[i].event, expected[i].event);
    if (i > 0) {
      EXPECT_GE(merged[i - 1].total, merged[i].total);
    }
  }
  EXPECT_EQ(one.total().count(), 100u);
  EXPECT_DOUBLE_EQ(one.mean_ns(), all.mean_ns());
}

TEST(Budget, APauseOfTheMachineItselfIsSaid) {
  Budget budget;
  budget.add(event_of(1, {1'000, 90'000, 1, 1, 1, 1, 1, 1}));
  const auto pause = [](std::int64_t from_ns, std::int64_t) -> std::int64_t {
    return from_ns == 1'001'000 ? 80'000 : 0;
  };
  EXPECT_THAT(budget.slowest(pause)[0].cause, testing::HasSubstr("the machine itself paused for 80.0 us"));
  EXPECT_THAT(budget.slowest(no_pause)[0].cause, testing::Not(testing::HasSubstr("machine")));
}

TEST(Budget, StampsThatGoBackwardsAreCounted) {
  Budget budget;
  budget.add(event_of(1, {1, 1, -5, 1, 1, 1, 1, 1}));
  EXPECT_EQ(budget.disorder(), 1u);
}

}  // namespace
}  // namespace crible::bench
