#include "tests/unit/bench_report/sample_result.hpp"

#include <algorithm>
#include <cmath>

namespace crible::bench {

namespace {

constexpr double percents[] = {50, 90, 99, 99.9, 99.99, 99.999};
constexpr std::uint64_t samples = 100'000;

/// A long-tailed distribution: `base` at the median, ten times that at 99.99 %.
std::vector<Percentile> percentiles(double base_ns) {
  std::vector<Percentile> result;
  for (const double p : percents) {
    const double nines = -std::log10(1 - p / 100);
    result.push_back({p, base_ns * std::pow(10, (nines - 0.301) / 3.7),
                      static_cast<std::uint64_t>(std::llround((1 - p / 100) * double{samples}))});
  }
  return result;
}

std::vector<HistogramBucket> histogram(double base_ns) {
  std::vector<HistogramBucket> result;
  std::uint64_t left = samples;
  for (double edge = base_ns * 0.5; left > 0; edge *= 1.1) {
    const std::uint64_t count = edge < base_ns ? samples / 10 : (left + 4) / 5;
    result.push_back({edge, std::min(count, left)});
    left -= result.back().count;
  }
  return result;
}

std::vector<SlowEvent> slowest() {
  std::vector<SlowEvent> result;
  for (std::uint64_t i = 0; i < 10; ++i) {
    const double queue = 900'000 - 60'000 * static_cast<double>(i);
    result.push_back({4'711 + 1'000 * i,
                      queue + 60'000,
                      {{"receive", 20'000}, {"queue", queue}, {"compute", 30'000}, {"decide", 10'000}},
                      "queue: waited while the processor ran something else"});
  }
  return result;
}

Figure figure(const std::string& name, double value, std::optional<FigureFloor> floor) {
  const std::vector<double> repeats{value * 0.99, value, value * 1.01, value * 0.995, value * 1.005};
  return {name, "ns", Better::lower, repeats, value, value * 0.99, value * 1.01, std::move(floor), 1'000,
          0,    ""};
}

Curve curve() {
  Curve result{"pipeline load-latency", {}, Objective{"p99.9<1ms", 99.9, 1e6, 80'000.0}};
  for (const double rate : {10'000.0, 20'000.0, 40'000.0, 60'000.0, 80'000.0, 100'000.0}) {
    const double p50 = 40'000 / (1.05 - rate / 100'000);
    result.points.push_back({rate, std::min(rate, 95'000.0), p50, p50 * 3, p50 * 5, p50 * 9, ""});
  }
  result.points.back().invalid = "the sender was 3.1 ms late, more than the bound of 1 ms";
  return result;
}

Table modelled() {
  return {"shards, continued by the model",
          TableKind::model,
          {"shards", "events/s", "rests on"},
          {{4.0, 1.1e6, "Amdahl"}, {8.0, 2.0e6, "Amdahl"}}};
}

}  // namespace

Latency sample_latency() {
  Latency latency;
  latency.name = "pipeline at 50 %";
  latency.offered_hz = 50'000;
  latency.achieved_hz = 49'990;
  latency.arrivals = "poisson";
  latency.count = samples;
  latency.max = 960'000;
  latency.mean = 60'000;
  latency.percentiles = percentiles(50'000);
  latency.histogram = histogram(50'000);
  latency.lateness = {80, 900, 12'000, 100'000};
  latency.floor = {{"bare zmq one-way", percentiles(20'000)}};
  latency.stages = {{"receive", 25'000, 20'000, 80'000, 200'000},
                    {"queue", 15'000, 10'000, 90'000, 400'000},
                    {"compute", 18'000, 17'000, 30'000, 45'000},
                    {"decide", 2'000, 1'800, 3'000, 9'000}};
  latency.slowest = slowest();
  for (const double shift : {0.98, 0.99, 1.0, 1.01, 1.02})
    latency.repeats.push_back({50'000 * shift, 140'000 * shift, 300'000 * shift, 960'000 * shift});
  return latency;
}

Result sample_result() {
  Result result;
  result.created = "2026-11-21T18:00:00Z";
  result.command = "crible bench --quick";
  result.duration_s = 88.1;
  result.machine = {"AMD EPYC",
                    2,
                    "performance",
                    "6.1.0",
                    8'000'000'000,
                    "tsc 2.60 GHz, invariant",
                    "g++ 12.2.0",
                    "-O2",
                    {{"zmq", "4.3.4"}, {"boost", "1.74"}},
                    "0bd6622",
                    {{"jet_mlp", "a1b2c3d4"}},
                    {{"demo", "99aa"}}};
  Suite network{"network", {"one thread; inputs vary from call to call"}, {}, {}, {}, {}};
  network.figures = {figure("jet_mlp cpu:avx2 batch 1", 110, FigureFloor{"empty network", 40}),
                     figure("jet_mlp cpu:portable batch 1", 310, FigureFloor{"empty network", 40})};
  network.figures[1].invalid = "the processor changed its clock";
  Suite pipeline{"pipeline", {}, {}, {sample_latency()}, {curve()}, {}};
  pipeline.figures = {figure("events per second", 170'000, std::nullopt)};
  pipeline.figures[0].unit = "Hz";
  pipeline.figures[0].better = Better::higher;
  Suite scale{"scale", {}, {}, {}, {}, {}};
  scale.tables = {{"shards", TableKind::measured, {"shards", "events/s"}, {{1.0, 1.7e5}, {2.0, 3.1e5}}},
                  modelled()};
  result.suites = {network, pipeline, scale};
  return result;
}

}  // namespace crible::bench
