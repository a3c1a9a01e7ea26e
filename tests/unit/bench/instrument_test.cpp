#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "bench/instrument/clock.hpp"
#include "bench/instrument/fingerprint.hpp"
#include "bench/instrument/hgrm.hpp"
#include "bench/instrument/hiccups.hpp"
#include "bench/instrument/objective.hpp"
#include "bench/instrument/statistics.hpp"
#include "bench/suites/figures.hpp"
#include "engine/base/error.hpp"

namespace crible::bench {
namespace {

TEST(Clock, FollowsTheSystemsClock) {
  Clock clock;
  for (int i = 0; i < 5; ++i) {
    const std::int64_t due_ns = Clock::system_ns() + 1'000'000;
    const std::int64_t woken_ns = clock.wait_until(due_ns);
    EXPECT_GE(woken_ns, due_ns - 200'000);  // the counter's scale and the system's differ by less
  }
}

TEST(Clock, WithoutAnInvariantCounterItFallsBackAndSaysSo) {
  Clock clock(false);
  EXPECT_FALSE(clock.uses_counter());
  EXPECT_THAT(clock.describe(), testing::HasSubstr("no time-stamp counter"));
  const std::int64_t due_ns = Clock::system_ns() + 100'000;
  EXPECT_GE(clock.wait_until(due_ns), due_ns);
  EXPECT_EQ(clock.max_drift_ns(), 0);
}

TEST(Statistics, TheIntervalOfTheMedianHasTheRanksOfTheBinomial) {
  std::vector<double> values;
  for (int i = 20; i >= 1; --i) values.push_back(i);
  const Spread spread = spread_of(values);
  EXPECT_EQ(spread.median, 10.5);
  EXPECT_EQ(spread.low, 6);  // the tables of the sign test: 6th and 15th of 20
  EXPECT_EQ(spread.high, 15);
}

TEST(Statistics, FewRepeatsGiveTheirWholeRange) {
  const Spread spread = spread_of({3, 9, 5});
  EXPECT_EQ(spread.median, 5);
  EXPECT_EQ(spread.low, 3);
  EXPECT_EQ(spread.high, 9);
  EXPECT_EQ(spread_of({}).median, 0);
}

/// How often the interval holds the true median: at least as often as it says.
TEST(Statistics, TheIntervalHoldsTheTrueMedianAsOftenAsItSays) {
  std::mt19937_64 random(9);
  std::exponential_distribution<double> value(1);
  int held = 0;
  constexpr int trials = 4'000;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<double> values(9);
    for (double& v : values) v = value(random);
    const Spread spread = spread_of(values);
    held += spread.low <= std::log(2.0) && std::log(2.0) <= spread.high ? 1 : 0;
  }
  EXPECT_GT(static_cast<double>(held) / trials, 0.945);
}

pipeline::Histogram random_histogram(std::uint64_t seed, std::size_t count) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> logarithm(0, std::log(60e9));
  pipeline::Histogram histogram;
  for (std::size_t i = 0; i < count; ++i)
    histogram.add(static_cast<std::int64_t>(std::exp(logarithm(random))));
  return histogram;
}

/// From 1 ns to 60 s, whatever was added: at most 1/1000 above the true value, never below.
TEST(Buckets, HoldThreeDigitsFromOneNanosecondToAMinute) {
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> logarithm(0, std::log(60e9));
  for (int i = 0; i < 3'000; ++i) {
    const auto ns = static_cast<std::int64_t>(std::exp(logarithm(random)));
    pipeline::Histogram one;
    one.add(ns);
    ASSERT_EQ(one.buckets().size(), 1u);
    EXPECT_GE(one.buckets()[0].highest_ns, ns);
    EXPECT_LE(static_cast<double>(one.buckets()[0].highest_ns), static_cast<double>(ns) * 1.001);
  }
}

/// Results of shards and machines are merged by the buckets in their files.
TEST(Buckets, MergedFromFilesTheyAreTheHistogramOfEverything) {
  for (std::uint64_t seed = 1; seed < 5; ++seed) {
    const pipeline::Histogram a = random_histogram(seed, 3'000), b = random_histogram(seed + 100, 700);
    pipeline::Histogram directly = a, from_files;
    directly.add(b);
    merge(from_files, buckets_of(a));
    merge(from_files, buckets_of(b));
    EXPECT_EQ(from_files.count(), directly.count());
    for (const double part : {0.0, 0.3, 0.5, 0.99, 0.999})
      EXPECT_EQ(from_files.percentile_ns(part), directly.percentile_ns(part));
  }
}

TEST(Buckets, CountsAboveAPercentileAreWhatItRestsOn) {
  pipeline::Histogram histogram;
  for (int ns = 1; ns <= 1'000; ++ns) histogram.add(ns);
  const std::vector<Percentile> percentiles = percentiles_of(histogram);
  EXPECT_EQ(percentiles.front().p, 50);
  EXPECT_EQ(percentiles.front().ns, 500);
  EXPECT_EQ(percentiles.front().above, 500u);
  EXPECT_EQ(percentiles.back().p, 99.9999);
  EXPECT_EQ(percentiles.back().above, 0u);
}

TEST(Buckets, TheMeanIsThatOfTheValues) {
  pipeline::Histogram histogram;
  double sum = 0;
  for (int i = 1; i <= 1'000; ++i) {
    histogram.add(i * 12'345);
    sum += i * 12'345.0;
  }
  EXPECT_NEAR(mean_ns(histogram), sum / 1'000, sum / 1'000 / 2'000);
}

TEST(Hgrm, HasTheFormThatPlottersRead) {
  pipeline::Histogram histogram;
  for (int i = 0; i < 9; ++i) histogram.add(1'000);
  histogram.add(2'000);
  EXPECT_EQ(to_hgrm(histogram),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n"
            "\n"
            "       1.000 0.900000000000          9          10.00\n"
            "       2.000 1.000000000000         10\n"
            "#[Mean    =        1.100, StdDeviation   =        0.300]\n"
            "#[Max     =        2.000, Total count    =           10]\n"
            "#[Buckets =           30, SubBuckets     =         2048]\n");
}

TEST(Objective, IsReadWithItsUnit) {
  const Objective objective = parse_objective("p99.9<200us");
  EXPECT_DOUBLE_EQ(objective.p, 99.9);
  EXPECT_DOUBLE_EQ(objective.limit_ns, 200'000);
  EXPECT_DOUBLE_EQ(parse_objective("max<1.5ms").p, 100);
  EXPECT_DOUBLE_EQ(parse_objective("max<1.5ms").limit_ns, 1'500'000);
  EXPECT_DOUBLE_EQ(parse_objective("p50<2s").limit_ns, 2e9);
}

TEST(Objective, WhatCannotBeReadIsRefusedWithAnExample) {
  for (const char* text : {"", "p99.9", "p99.9<", "p<5us", "p101<5us", "p99.9<200", "p99.9<-5us", "p99<0us",
                           "99<5us", "p9.9.9<5us", "p99.9<5 us", "p99.9<5weeks", "p99>5us"}) {
    try {
      parse_objective(text);
      ADD_FAILURE() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.fault(), Fault::user);
      EXPECT_THAT(error.what(), testing::HasSubstr("write it like p99.9<200us")) << text;
    }
  }
}

Latency point(double offered_hz, double achieved_hz, std::int64_t typical_ns, std::int64_t slow_ns) {
  pipeline::Histogram histogram;
  histogram.add(typical_ns, 995);
  histogram.add(slow_ns, 5);
  Latency latency;
  latency.offered_hz = offered_hz;
  latency.achieved_hz = achieved_hz;
  latency.count = histogram.count();
  latency.histogram = buckets_of(histogram);
  latency.max = static_cast<double>(histogram.max_ns());
  return latency;
}

TEST(Objective, HoldsByItsPercentileOfAValidPoint) {
  const Objective p99 = parse_objective("p99<200us"), p999 = parse_objective("p99.9<200us");
  Latency latency = point(1'000, 999, 100'000, 900'000);
  EXPECT_TRUE(holds(p99, latency));
  EXPECT_FALSE(holds(p999, latency));
  EXPECT_FALSE(holds(parse_objective("max<200us"), latency));
  EXPECT_FALSE(holds(p99, point(1'000, 900, 100'000, 100'000)));  // slower than offered
  latency.invalid = "the sender was late";
  EXPECT_FALSE(holds(p99, latency));
}

TEST(Objective, TheSearchFindsTheHighestRate) {
  const auto highest = highest_rate(1'000, 1e7, 10, [](double rate) { return rate <= 123'456; });
  ASSERT_TRUE(highest);
  EXPECT_LE(*highest, 123'456);
  EXPECT_GT(*highest, 123'456 * 0.998);
}

TEST(Objective, OneHiccupDoesNotDecideTheSearch) {
  int calls = 0;
  const auto highest =
      highest_rate(1'000, 1e7, 10, [&](double rate) { return ++calls % 5 != 0 && rate <= 50'000; });
  ASSERT_TRUE(highest);
  EXPECT_GT(*highest, 50'000 * 0.99);
}

TEST(Objective, TheSearchEndsAtItsBoundsAndSaysWhenNothingHolds) {
  EXPECT_EQ(highest_rate(1'000, 8'000, 5, [](double) { return true; }), 8'000);
  EXPECT_EQ(highest_rate(1'000, 8'000, 5, [](double) { return false; }), std::nullopt);
}

TEST(Hiccups, SeesTheTimeItLives) {
  Hiccups hiccups;
  const std::int64_t start_ns = Clock::system_ns();
  while (Clock::system_ns() - start_ns < 20'000'000) {
  }
  EXPECT_GT(hiccups.stop().count(), 0u);
  EXPECT_EQ(hiccups.longest_ns(start_ns - 2'000'000'000, start_ns - 1'000'000'000), 0);
}

TEST(Fingerprint, SaysWhereAndWithWhat) {
  const Machine machine = fingerprint("a clock");
  EXPECT_FALSE(machine.cpu.empty());
  EXPECT_GT(machine.cores, 0u);
  EXPECT_GT(machine.memory_bytes, 1u << 20);
  EXPECT_EQ(machine.clock, "a clock");
  EXPECT_FALSE(machine.commit.empty());
  EXPECT_FALSE(machine.governor.empty());
  EXPECT_FALSE(machine.kernel.empty());
  EXPECT_FALSE(machine.compiler.empty());
  EXPECT_THAT(machine.compiler_flags, testing::HasSubstr("-O"));
  for (const char* library : {"zmq", "libc", "libstdc++", "zstd", "fmt"})
    EXPECT_FALSE(machine.libraries.at(library).empty()) << library;
}

TEST(Figures, AreMeasuredInTurnAndTheFirstRoundIsNotCounted) {
  std::string order;
  double a = 0, b = 100;
  Figure first, second;
  first.name = "a";
  second.name = "b";
  const auto figures = interleaved(
      {{first, [&] { return order += 'a', ++a; }}, {second, [&] { return order += 'b', ++b; }}}, 3);
  EXPECT_EQ(order, "abababab");
  EXPECT_THAT(figures[0].repeats, testing::ElementsAre(2, 3, 4));
  EXPECT_EQ(figures[1].median, 103);
  EXPECT_EQ(figures[1].name, "b");
}

}  // namespace
}  // namespace crible::bench
