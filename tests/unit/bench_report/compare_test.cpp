#include "bench/report/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <sstream>

#include "bench/report/statistics.hpp"
#include "engine/base/error.hpp"
#include "tests/unit/bench_report/sample_result.hpp"

namespace crible::bench {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

/// Repeats of a figure whose true value is `value`.
using Noise = std::vector<double> (*)(std::mt19937_64&, double value, std::size_t repeats);

std::vector<double> two_percent(std::mt19937_64& random, double value, std::size_t repeats) {
  std::normal_distribution<double> noise(1, 0.02);
  std::vector<double> result(repeats);
  for (double& one : result) one = value * noise(random);
  return result;
}

/// One repeat in ten is disturbed: up to twice as long.
std::vector<double> disturbed(std::mt19937_64& random, double value, std::size_t repeats) {
  std::vector<double> result = two_percent(random, value, repeats);
  std::uniform_real_distribution<double> share(0, 1);
  for (double& one : result)
    if (share(random) < 0.1) one *= 1 + share(random);
  return result;
}

std::vector<double> long_tailed(std::mt19937_64& random, double value, std::size_t repeats) {
  std::exponential_distribution<double> tail(1);
  std::vector<double> result(repeats);
  for (double& one : result) one = value * (1 + 0.1 * tail(random));
  return result;
}

/// Each figure of each run is off by some 5 % of its own: memory lies elsewhere, a neighbour is busy.
std::vector<double> scattered(std::mt19937_64& random, double value, std::size_t repeats) {
  std::normal_distribution<double> of_run(0, 0.05);
  return two_percent(random, value * std::exp(of_run(random)), repeats);
}

Figure figure(const std::string& name, std::vector<double> repeats) {
  Figure result;
  result.name = name;
  result.unit = "ns";
  result.median = median(repeats);
  result.repeats = std::move(repeats);
  return result;
}

Result result_of(std::vector<Figure> figures) {
  Result result;
  result.suites.push_back({"made", {}, std::move(figures), {}, {}, {}});
  return result;
}

constexpr int figures_of_a_run = 40;

/// A run of forty figures; those of the first `changed` are multiplied by `factor`.
Result run(std::mt19937_64& random, Noise noise, std::size_t repeats, int changed = 0, double factor = 1) {
  std::vector<Figure> figures;
  for (int i = 0; i < figures_of_a_run; ++i)
    figures.push_back(figure(std::to_string(i), noise(random, i < changed ? 100 * factor : 100, repeats)));
  return result_of(figures);
}

struct Rates {
  double false_alarms = 0;  // share of comparisons with any wrong verdict
  double found = 0;         // share of changed figures that were called worse
};

Rates rates(Noise noise, std::size_t repeats, int changed = 0, double factor = 1) {
  std::mt19937_64 random(20261121);
  constexpr int comparisons = 400;
  int alarms = 0, found = 0;
  for (int i = 0; i < comparisons; ++i) {
    const Comparisons verdicts =
        compare(run(random, noise, repeats), run(random, noise, repeats, changed, factor));
    bool alarm = false;
    for (int at = 0; at < figures_of_a_run; ++at) {
      const Verdict verdict = verdicts.figures[static_cast<std::size_t>(at)].verdict;
      if (at < changed) found += verdict == Verdict::worse ? 1 : 0;
      alarm |= at >= changed && verdict != Verdict::indistinguishable;
    }
    alarms += alarm ? 1 : 0;
  }
  return {double(alarms) / comparisons, changed > 0 ? double(found) / (comparisons * changed) : 0};
}

TEST(Compare, TwoRunsOfOneBuildAreIndistinguishable) {
  for (const std::size_t repeats : {3u, 5u}) {
    EXPECT_LE(rates(two_percent, repeats).false_alarms, 0.05) << repeats;
    EXPECT_LE(rates(disturbed, repeats).false_alarms, 0.05) << repeats;
    EXPECT_LE(rates(long_tailed, repeats).false_alarms, 0.05) << repeats;
    EXPECT_LE(rates(scattered, repeats).false_alarms, 0.05) << repeats;
  }
}

TEST(Compare, TenPercentMoreIsFoundInTwoPercentOfNoise) {
  EXPECT_GT(rates(two_percent, 5, 1, 1.1).found, 0.80);
  EXPECT_GT(rates(two_percent, 7, 1, 1.1).found, 0.97);
  EXPECT_GT(rates(two_percent, 10, 1, 1.1).found, 0.98);
  EXPECT_LE(rates(two_percent, 10, 1, 1.1).false_alarms, 0.05);
}

TEST(Compare, AChangeBeyondTheScatterBetweenRunsIsFound) {
  EXPECT_GT(rates(scattered, 10, 1, 1.5).found, 0.9);
  EXPECT_GT(rates(two_percent, 10, figures_of_a_run, 1.1).found, 0.95) << "also when every figure changes";
  EXPECT_GT(rates(two_percent, 10, 10, 1.1).found, 0.95) << "or a quarter of them";
}

TEST(Compare, AFewNanosecondsAreNotTold) {
  const Figure a = figure("x", {15, 15, 15}), b = figure("x", {19, 19, 19});
  EXPECT_EQ(compare(result_of({a}), result_of({b})).figures[0].verdict, Verdict::indistinguishable);
  EXPECT_EQ(compare(result_of({a}), result_of({b}), {0.05, 3, 0.05}).figures[0].verdict, Verdict::worse);
}

TEST(Compare, WhatDoesNotMatterIsNotCalledWorse) {
  EXPECT_LT(rates(two_percent, 10, 20, 1.02).found, 0.01) << "2 % is below the smallest change, 5 %";
}

TEST(Compare, TheDirectionFollowsTheFigure) {
  const std::vector<double> low{98, 99, 100, 101, 102}, high{118, 119, 120, 121, 122};
  Figure rate_low = figure("rate", low), rate_high = figure("rate", high);
  rate_low.better = rate_high.better = Better::higher;
  const Comparisons up =
      compare(result_of({figure("time", low), rate_low}), result_of({figure("time", high), rate_high}));
  EXPECT_EQ(up.figures[0].verdict, Verdict::worse);
  EXPECT_EQ(up.figures[1].verdict, Verdict::better);
  EXPECT_NEAR(up.figures[0].change, 0.2, 1e-12);
  EXPECT_EQ(exit_status(up), 1);
  const Comparisons down = compare(result_of({figure("time", high)}), result_of({figure("time", low)}));
  EXPECT_EQ(down.figures[0].verdict, Verdict::better);
  EXPECT_EQ(exit_status(down), 0);
}

TEST(Compare, AResultBesideItselfIsIndistinguishable) {
  const Comparisons same = compare(sample_result(), sample_result());
  EXPECT_EQ(same.count(Verdict::worse) + same.count(Verdict::better), 0u);
  EXPECT_EQ(same.count(Verdict::indistinguishable), 5u) << "two figures, p50, p99, p99.9";
  EXPECT_EQ(exit_status(same), 0);
  EXPECT_THAT(same.differences, IsEmpty());
}

TEST(Compare, PercentilesOfALatencyAreComparedByItsRepeats) {
  Result slower = sample_result();
  for (LatencyRepeat& repeat : slower.suites[1].latencies[0].repeats) repeat.p99 *= 1.2;
  const Comparisons verdicts = compare(sample_result(), slower);
  for (const Comparison& one : verdicts.figures)
    EXPECT_EQ(one.verdict == Verdict::worse, one.name == "pipeline at 50 % p99") << one.name;
  EXPECT_EQ(verdicts.count(Verdict::worse), 1u);

  slower.suites[1].latencies[0].offered_hz *= 1.2;
  EXPECT_EQ(compare(sample_result(), slower).count(Verdict::worse), 0u) << "at another rate nothing is said";
  slower = sample_result();
  slower.suites[1].latencies[0].count = 49'000;  // of five runs: 9.8 samples above p99.9 in each
  EXPECT_EQ(compare(sample_result(), slower).figures[5].name, "pipeline at 50 % p99.9");
  EXPECT_THAT(compare(sample_result(), slower).figures[5].reason, HasSubstr("fewer than 10 samples"));
}

/// The reason for which the only figure is not compared.
std::string obstacle(const Figure& a, const Figure& b) {
  const Comparisons verdicts = compare(result_of({a}), result_of({b}));
  EXPECT_EQ(verdicts.figures[0].verdict, Verdict::not_compared);
  EXPECT_THROW(exit_status(verdicts), Error) << "a check that compared nothing has not passed";
  return verdicts.figures[0].reason;
}

TEST(Compare, WhatCannotBeComparedIsSaidNotGuessed) {
  const Figure good = figure("x", {98, 99, 100});
  Figure bad = good;
  bad.invalid = "the sender was late";
  EXPECT_EQ(obstacle(good, bad), "in the second result invalid: the sender was late");
  EXPECT_EQ(obstacle(bad, good), "in the first result invalid: the sender was late");
  EXPECT_THAT(obstacle(good, figure("x", {98, 99})), HasSubstr("fewer than 3 repeats"));
  EXPECT_THAT(obstacle(good, figure("x", {98, 0, 99})), HasSubstr("zero or below"));
  bad = good;
  bad.unit = "Hz";
  EXPECT_THAT(obstacle(good, bad), HasSubstr("the unit is ns in the first and Hz in the second"));
  EXPECT_THROW(exit_status(compare(Result{}, Result{})), Error);
}

TEST(Compare, AWrongAnswerIsWorseWhateverTheTime) {
  Figure wrong = figure("x", {98, 99, 100});
  wrong.checked = 1'000;
  wrong.wrong = 1;
  const Comparisons verdicts = compare(result_of({figure("x", {98, 99, 100})}), result_of({wrong}));
  EXPECT_EQ(verdicts.figures[0].verdict, Verdict::worse);
  EXPECT_EQ(exit_status(verdicts), 1);
}

TEST(Compare, AFloorThatMovedAsMuchExplainsTheChange) {
  Figure a = figure("x", {98, 99, 100, 101, 102}), b = figure("x", {118, 119, 120, 121, 122});
  a.floor = FigureFloor{"empty", 40};
  b.floor = FigureFloor{"empty", 48};
  const Comparisons moved = compare(result_of({a}), result_of({b}));
  EXPECT_EQ(moved.figures[0].verdict, Verdict::indistinguishable);
  EXPECT_THAT(moved.figures[0].reason, HasSubstr("its floor changed by +20.0 %"));
  b.floor->value = 40;
  EXPECT_EQ(compare(result_of({a}), result_of({b})).figures[0].verdict, Verdict::worse);
}

TEST(Compare, WhatOnlyOneHasIsNamed) {
  Result first = sample_result(), second = sample_result();
  second.suites.erase(second.suites.begin());
  second.suites[0].figures[0].name = "events";
  const Comparisons verdicts = compare(first, second);
  EXPECT_THAT(verdicts.only_a,
              ElementsAre("network: jet_mlp cpu:avx2 batch 1", "network: jet_mlp cpu:portable batch 1",
                          "pipeline: events per second"));
  EXPECT_THAT(verdicts.only_b, ElementsAre("pipeline: events"));
}

TEST(Compare, DifferentMachinesAreSaid) {
  Result other = sample_result();
  other.machine.cpu = "another";
  other.machine.libraries["zmq"] = "4.3.5";
  other.machine.networks["jet_mlp"] = "ffff";
  other.machine.commit = "1234567";
  const Comparisons verdicts = compare(sample_result(), other);
  EXPECT_THAT(verdicts.differences, ElementsAre("cpu: AMD EPYC / another", "library zmq: 4.3.4 / 4.3.5",
                                                "network jet_mlp: a1b2c3d4 / ffff"));
  EXPECT_THAT(verdicts.builds, ElementsAre("commit: 0bd6622 / 1234567"));
  EXPECT_THAT(comparison_text(verdicts), HasSubstr("THE MACHINES DIFFER"));
  EXPECT_THAT(comparison_text(compare(sample_result(), sample_result())), Not(HasSubstr("DIFFER")));
}

TEST(Compare, TheTableFitsAndSaysItsStatistics) {
  Result slower = sample_result();
  for (double& repeat : slower.suites[0].figures[0].repeats) repeat *= 1.3;
  const std::string text = comparison_text(compare(sample_result(), slower));
  EXPECT_THAT(text, AllOf(HasSubstr("jet_mlp cpu:avx2 batch 1"), HasSubstr("+30.0 %"), HasSubstr("worse\n"),
                          HasSubstr("1 worse, 0 better, 4 indistinguishable, 2 not compared"),
                          HasSubstr("Welch's t test"), HasSubstr("Holm's correction for 5 figures")));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  const auto json = to_json(compare(sample_result(), slower));
  EXPECT_EQ(json["worse"], 1);
  EXPECT_EQ(json["figures"][0]["verdict"], "worse");
  EXPECT_NEAR(json["figures"][0]["change"].get<double>(), 0.3, 1e-9);
}

TEST(Statistics, WelchAgreesWithKnownValues) {
  // scipy.stats.ttest_ind(log a, log b, equal_var=False), and the interval of its confidence_interval(0.95)
  const std::vector<double> a{100, 103, 98, 101, 99}, b{108, 112, 105, 118, 110, 109};
  const Shift shift = shift_of_logarithms(a, b);
  EXPECT_NEAR(shift.probability(), 0.0009655772219396602, 1e-9);
  EXPECT_NEAR(std::exp(shift.mean), 1.1005710148637735, 1e-9);
  EXPECT_NEAR(shift.low(), 1.054642038348577, 1e-9);
  EXPECT_NEAR(shift.high(), 1.1485001685073504, 1e-9);
}

TEST(Statistics, RepeatsThatAgreeExactlyProveNoMoreThanTheirDigits) {
  const std::vector<double> a{100, 100, 100}, b{100.1, 100.1, 100.1};
  EXPECT_GT(shift_of_logarithms(a, b).probability(), 0.05);
  EXPECT_EQ(shift_of_logarithms(a, a).probability(), 1);
}

TEST(Statistics, ScatterBetweenRunsIsWhatTheRepeatsDoNotExplain) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> unit(0, 1);
  std::vector<Shift> shifts;
  for (int i = 0; i < 4'000; ++i) shifts.push_back({0.3 + 0.05 * unit(random), 0.03 * 0.03, 8});
  EXPECT_NEAR(std::sqrt(scatter_between_runs(shifts)), 0.04, 0.002) << "of 5 % the repeats explain 3 %";
  for (int i = 0; i < 400; ++i) shifts[static_cast<std::size_t>(i)].mean += 5;
  EXPECT_NEAR(std::sqrt(scatter_between_runs(shifts)), 0.045, 0.006)
      << "real changes of a tenth hardly count";
  EXPECT_EQ(scatter_between_runs(std::span(shifts).first(fewest_for_scatter - 1)), 0);
  EXPECT_EQ(widened({1, 2, 3}, 0, 10).degrees, 3);
  EXPECT_EQ(widened({1, 2, 3}, 4, 10).variance, 6);
}

TEST(Statistics, HolmMultipliesTheSmallestByAllAndKeepsTheOrder) {
  const std::vector<double> probabilities{0.04, 0.01, 0.02, 0.9};
  EXPECT_THAT(holm(probabilities), testing::Pointwise(testing::DoubleNear(1e-12), {0.08, 0.04, 0.06, 0.9}));
  EXPECT_THAT(holm({}), IsEmpty());
}

TEST(Statistics, TheMedianOfAnEvenNumberIsBetweenTheMiddleTwo) {
  EXPECT_EQ(median({4, 1, 3, 2}), 2.5);
  EXPECT_EQ(median({3, 1, 2}), 2);
}

}  // namespace
}  // namespace crible::bench
