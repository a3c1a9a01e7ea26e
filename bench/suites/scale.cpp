#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "bench/instrument/fingerprint.hpp"
#include "bench/suites/figures.hpp"
#include "bench/suites/latency.hpp"
#include "bench/suites/load.hpp"
#include "bench/suites/pipeline_run.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/error.hpp"

// What another shard costs and gives. What was measured and what a model expects are two tables.
namespace crible::bench {

namespace {

constexpr double first_hz = 5'000;
constexpr double most_hz = 4'000'000;

struct Point {
  std::size_t shards = 0;
  double highest_hz = 0;
  double cpu_ns = 0;  // of an event at half of the highest rate, but for the sender
};

class ScaleSuite {
 public:
  ScaleSuite(const SuiteOptions& options, Shared& shared) : options_(options), load_(options) {
    suite_.name = "scale";
    add_hashes(load_.trigger(), shared.machine);
  }

  Suite run() {
    std::vector<std::size_t> shards = options_.shards;
    for (std::size_t n = 1; options_.shards.empty() && n <= usable_cores(); n *= 2) shards.push_back(n);
    std::vector<Point> points;
    for (const std::size_t n : shards) {
      if (n > usable_cores())
        suite_.notes.push_back(fmt::format(
            "{} shards are more than the {} cores of this machine: they take turns", n, usable_cores()));
      points.push_back(measure(n));
    }
    suite_.notes.push_back(
        "The sender has a core of its own; shards, ZeroMQ's threads and the collector share the others.");
    tables(points);
    return std::move(suite_);
  }

 private:
  PipelineOutcome run_at(std::size_t shards, double rate_hz) {
    PipelineSetup setup;
    setup.arrivals.kind = Arrivals::constant;
    setup.arrivals.rate_hz = rate_hz;
    setup.seconds = options_.quick ? 0.6 : 2;
    setup.shards = shards;
    setup.backend = options_.backend;
    setup.spin = options_.spin;
    const PipelineOutcome outcome = run_pipeline(load_, setup);
    checked_ += outcome.checked;
    return outcome;
  }

  bool held(std::size_t shards, double rate_hz) {
    const PipelineOutcome outcome = run_at(shards, rate_hz);
    return !outcome.saturated && outcome.achieved_hz >= 0.95 * rate_hz;
  }

  Point measure(std::size_t shards) {
    Point point{shards, 0, 0};
    double rate = first_hz;
    for (; rate <= most_hz && held(shards, rate); rate *= 2) point.highest_hz = rate;
    for (const double part : {0.625, 0.75, 0.875})
      if (!options_.quick && held(shards, rate * part))
        point.highest_hz = std::max(point.highest_hz, rate * part);
    const std::size_t repeats = options_.repeats_or(2, 5);
    std::vector<double> costs;
    for (std::size_t i = 0; i < repeats; ++i) {
      costs.push_back(run_at(shards, std::max(point.highest_hz, first_hz) / 2).cpu_ns());
    }
    Figure highest = make_figure(fmt::format("highest rate held by {} shards", shards), "Hz", Better::higher,
                                 {point.highest_hz});
    highest.checked = checked_;
    suite_.figures.push_back(highest);
    Figure cost = make_figure(fmt::format("processor time of an event, {} shards", shards), "ns",
                              Better::lower, std::move(costs));
    point.cpu_ns = cost.median;
    suite_.figures.push_back(std::move(cost));
    return point;
  }

  void tables(const std::vector<Point>& points) {
    Table measured{
        "shards", TableKind::measured, {"shards", "highest rate, 1/s", "processor time, ns/event"}, {}};
    for (const Point& point : points)
      measured.rows.push_back({static_cast<double>(point.shards), point.highest_hz, point.cpu_ns});
    suite_.tables.push_back(std::move(measured));
    Table model{"a model of more cores", TableKind::model, {"cores for the trigger", "events/s"}, {}};
    for (const double cores : {1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0})
      model.rows.push_back({cores, cores * 1e9 / points.front().cpu_ns});
    suite_.tables.push_back(std::move(model));
    suite_.notes.push_back(fmt::format(
        "The model: shards share nothing, so n cores take n / {:.0f} ns events a second, that being the "
        "measured "
        "processor time of an event with {} shards, ZeroMQ's and the collector's threads included, the "
        "sender "
        "not. It leaves out what cores share: memory bandwidth, caches, the network, clock rates under load. "
        "More "
        "machines add up if the sources can send to all of them. It is an upper bound and was not measured.",
        points.front().cpu_ns, points.front().shards));
  }

  const SuiteOptions& options_;
  Load load_;
  Suite suite_;
  std::uint64_t checked_ = 0;
};

/// The soft limit of open files, after it was raised to the hard one.
std::size_t most_files() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  getrlimit(RLIMIT_NOFILE, &limit);
  return limit.rlim_cur;
}

}  // namespace

void require_shards(const SuiteOptions& options) {
  if (options.shards.empty()) return;
  const std::size_t sources = Load(options).sources();
  // Of each source: the shard's socket, its door and its connection, and the sender's two. Then the
  // decisions'.
  const std::size_t files_a_shard = 5 * sources + 4;
  constexpr std::size_t files_besides = 100, ports = 22'000;
  const std::size_t files = most_files();
  const std::size_t by_files = (std::max(files, files_besides) - files_besides) / files_a_shard;
  const std::size_t most = std::max<std::size_t>(std::min(by_files, ports / sources), 1);
  for (const std::size_t shards : options.shards) {
    if (shards <= most) continue;
    throw Error(fmt::format(
        "--shards {}: each shard takes a tcp port and five open files for each of {} sources; with {} files "
        "(ulimit "
        "-n) and the ports of one address there can be {} shards here, and more than the {} cores take turns",
        shards, sources, files, most, usable_cores()));
  }
}

Suite scale_suite(const SuiteOptions& options, Shared& shared) {
  return ScaleSuite(options, shared).run();
}

}  // namespace crible::bench
