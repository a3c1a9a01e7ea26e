#include "bench/instrument/schedule.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/temporary_folder.hpp"

namespace crible::bench {
namespace {

constexpr std::size_t events = 200'000;

ArrivalPlan plan_of(Arrivals kind, double rate_hz) {
  ArrivalPlan plan;
  plan.kind = kind;
  plan.rate_hz = rate_hz;
  if (kind == Arrivals::recorded) plan.gaps_ns = {1, 2, 0, 7};
  return plan;
}

std::vector<double> gaps(const std::vector<std::int64_t>& times) {
  std::vector<double> result;
  for (std::size_t i = 1; i < times.size(); ++i)
    result.push_back(static_cast<double>(times[i] - times[i - 1]));
  return result;
}

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variation(const std::vector<double>& values) {
  const double m = mean(values);
  double squares = 0;
  for (double v : values) squares += (v - m) * (v - m);
  return std::sqrt(squares / static_cast<double>(values.size())) / m;
}

class EachKind : public testing::TestWithParam<Arrivals> {};

TEST_P(EachKind, IsAscendingRepeatableAndHasTheRate) {
  for (const double rate_hz : {1e3, 1e5, 2e6}) {
    const auto times = schedule(plan_of(GetParam(), rate_hz), events);
    ASSERT_EQ(times.size(), events);
    EXPECT_TRUE(std::ranges::is_sorted(times));
    EXPECT_GE(times.front(), 0);
    const double measured = static_cast<double>(events) / (static_cast<double>(times.back()) * 1e-9);
    EXPECT_NEAR(measured, rate_hz, rate_hz * 0.05) << rate_hz;
    EXPECT_EQ(times, schedule(plan_of(GetParam(), rate_hz), events));
  }
}

TEST_P(EachKind, ARateThatGivesNoArrivalsIsRefused) {
  for (const double rate_hz :
       {0.0, -5.0, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()})
    EXPECT_THROW(schedule(plan_of(GetParam(), rate_hz), 10), Error) << rate_hz;
}

INSTANTIATE_TEST_SUITE_P(Schedules, EachKind,
                         testing::Values(Arrivals::constant, Arrivals::poisson, Arrivals::lhc,
                                         Arrivals::bursts, Arrivals::recorded),
                         [](const auto& kind) { return to_string(kind.param); });

TEST(Schedule, ConstantGapsAreEqual) {
  EXPECT_LT(variation(gaps(schedule(plan_of(Arrivals::constant, 1e5), events))), 1e-4);
}

/// Exponential gaps: standard deviation = mean; a part e^-2 of them is longer than twice the mean.
TEST(Schedule, PoissonGapsAreExponential) {
  const auto values = gaps(schedule(plan_of(Arrivals::poisson, 1e5), events));
  EXPECT_NEAR(variation(values), 1, 0.02);
  const double m = mean(values);
  const auto longer = std::ranges::count_if(values, [m](double gap) { return gap > 2 * m; });
  EXPECT_NEAR(static_cast<double>(longer) / static_cast<double>(values.size()), std::exp(-2), 0.005);
}

TEST(Schedule, OtherSeedsGiveOtherArrivals) {
  ArrivalPlan other = plan_of(Arrivals::poisson, 1e5);
  other.seed = 2;
  EXPECT_NE(schedule(other, 100), schedule(plan_of(Arrivals::poisson, 1e5), 100));
}

TEST(Schedule, TheFillingSchemeHasTrainsAndAnAbortGap) {
  const std::vector<bool>& filled = Filling::filled();
  ASSERT_EQ(filled.size(), 3564u);
  EXPECT_EQ(std::ranges::count(filled, true), 9 * 4 * 72);
  EXPECT_TRUE(std::all_of(filled.end() - 119, filled.end(), [](bool slot) { return !slot; }));
  // A train is 72 long, with at least 8 empty slots behind it.
  std::size_t run = 0;
  for (std::size_t slot = 0; slot < filled.size(); ++slot) {
    if (filled[slot]) {
      ++run;
    } else if (run != 0) {
      EXPECT_EQ(run, 72u);
      for (std::size_t i = slot; i < slot + 8; ++i) EXPECT_FALSE(filled[i]);
      run = 0;
    }
  }
}

TEST(Schedule, LhcEventsLieInFilledSlotsOnlyAndPileUpInOne) {
  const auto times = schedule(plan_of(Arrivals::lhc, 20e6), events);  // nearly one in each filled crossing
  const double orbit_ns = Filling::slots * Filling::slot_ns;
  std::size_t together = 0;
  for (std::size_t i = 0; i < times.size(); ++i) {
    const double in_orbit = std::fmod(static_cast<double>(times[i]), orbit_ns);
    const auto slot = static_cast<std::size_t>(std::lround(in_orbit / Filling::slot_ns)) % Filling::slots;
    ASSERT_TRUE(Filling::filled()[slot]) << "event " << i << " in slot " << slot;
    if (i > 0 && times[i] == times[i - 1]) ++together;
  }
  // Poisson with mean m = rate * orbit / filled crossings: each crossing's events but its first are together.
  const double m = 20e6 * orbit_ns * 1e-9 / (9 * 4 * 72);
  const double expected = 1 - (1 - std::exp(-m)) / m;
  EXPECT_NEAR(static_cast<double>(together) / events, expected, 0.01);
}

TEST(Schedule, BurstsComeTogether) {
  const auto values = gaps(schedule(plan_of(Arrivals::bursts, 1e5), events));
  const auto none = std::ranges::count(values, 0.0);
  EXPECT_NEAR(static_cast<double>(none) / static_cast<double>(values.size()), 31.0 / 32, 0.001);
}

TEST(Schedule, RecordedGapsAreRepeatedAndScaled) {
  const auto values = gaps(schedule(plan_of(Arrivals::recorded, 1e6), 9));  // mean 2.5 -> 1000 ns
  EXPECT_THAT(values, testing::ElementsAre(800, 0, 2800, 400, 800, 0, 2800, 400));
}

TEST(Schedule, ArrivalsAreReadByName) {
  EXPECT_EQ(parse_arrivals("lhc").kind, Arrivals::lhc);
  EXPECT_EQ(parse_arrivals("constant").kind, Arrivals::constant);
}

TEST(Schedule, AFileOfTimesGivesItsGaps) {
  const TemporaryFolder folder("crible-schedule");
  write_file(folder.path() / "times", "100\n150\n150\n400\n");
  const ArrivalPlan plan = parse_arrivals(folder.path() / "times");
  EXPECT_EQ(plan.kind, Arrivals::recorded);
  EXPECT_THAT(plan.gaps_ns, testing::ElementsAre(50, 0, 250));
}

std::string refusal(const std::string& text) {
  const TemporaryFolder folder("crible-schedule");
  write_file(folder.path() / "times", text);
  try {
    parse_arrivals(folder.path() / "times");
  } catch (const Error& error) {
    return std::string(error.what()).substr(folder.path().string().size() + 1);
  }
  return "";
}

TEST(Schedule, TimesThatMakeNoSenseAreNamed) {
  EXPECT_EQ(refusal("1\n2\nthree\n"),
            "times:3: 'three' is not a time in nanoseconds at or after the one above it");
  EXPECT_EQ(refusal("5\n4\n"), "times:2: '4' is not a time in nanoseconds at or after the one above it");
  EXPECT_EQ(refusal("5\n"), "times: at least two times are needed");
  EXPECT_THROW(parse_arrivals("gaussian"), Error);
}

TEST(Packing, APacketGoesWhenItIsFullOrItsTimeIsOver) {
  const std::vector<Shot> shots = pack({0, 10, 20, 100, 101, 102, 103, 500}, 4, 50);
  ASSERT_EQ(shots.size(), 3u);
  EXPECT_EQ(shots[0].count, 3u);
  EXPECT_EQ(shots[0].due_ns, 50);  // waited
  EXPECT_EQ(shots[1].count, 4u);
  EXPECT_EQ(shots[1].due_ns, 103);  // full
  EXPECT_EQ(shots[2].first, 7u);
  EXPECT_EQ(shots[2].due_ns, 550);
}

}  // namespace
}  // namespace crible::bench
