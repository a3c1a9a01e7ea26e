#include <fmt/format.h>

#include <algorithm>

#include "bench/instrument/process.hpp"
#include "bench/suites/figures.hpp"
#include "bench/suites/latency.hpp"
#include "bench/suites/load.hpp"
#include "bench/suites/pipeline_run.hpp"
#include "bench/suites/suite.hpp"

// A long load in parts: do latency and memory drift, does every ledger balance (or the run fails).
namespace crible::bench {

namespace {

constexpr double default_hz = 10'000;
constexpr double full_s = 300, quick_s = 4;

}  // namespace

Suite soak_suite(const SuiteOptions& options, Shared& shared) {
  Suite suite;
  suite.name = "soak";
  const Load load(options);
  add_hashes(load.trigger(), shared.machine);
  const double seconds = options.soak_s > 0 ? options.soak_s : options.quick ? quick_s : full_s;
  const std::size_t parts = options.quick ? 4 : 16;
  PipelineSetup setup;
  setup.arrivals = options.arrivals;
  setup.arrivals.rate_hz = options.rate_hz > 0 ? options.rate_hz : default_hz;
  setup.seconds = seconds / static_cast<double>(parts);
  setup.backend = options.backend;
  setup.spin = options.spin;
  Table table{"by time", TableKind::measured, {"part", "events", "p50 us", "p99 us", "resident MB"}, {}};
  std::vector<PipelineOutcome> outcomes;
  Retakes retakes;
  std::vector<double> resident;
  for (std::size_t part = 0; part < parts; ++part) {
    setup.arrivals.seed = part + 1;
    outcomes.push_back(retakes.run(load, setup, 1));
    resident.push_back(static_cast<double>(resident_bytes()));
    const pipeline::Histogram& total = outcomes.back().budget.total();
    const auto us = [&](double p) { return static_cast<double>(total.percentile_ns(p)) * 1e-3; };
    table.rows.push_back({static_cast<double>(part + 1), static_cast<double>(outcomes.back().decided),
                          us(0.5), us(0.99), resident.back() * 1e-6});
  }
  const auto half = static_cast<std::ptrdiff_t>(parts / 2);
  const std::vector<PipelineOutcome> first(outcomes.begin(), outcomes.begin() + half);
  const std::vector<PipelineOutcome> second(outcomes.begin() + half, outcomes.end());
  suite.latencies.push_back(latency_of("first half", first));
  suite.latencies.push_back(latency_of("second half", second));
  for (Latency& latency : suite.latencies) latency.arrivals = to_string(options.arrivals.kind);
  Figure growth = make_figure("resident memory at the end over that after the first part", "of it",
                              Better::lower, {resident.back() / resident.front()});
  for (const PipelineOutcome& outcome : outcomes) growth.checked += outcome.checked;
  suite.figures.push_back(growth);
  suite.tables.push_back(std::move(table));
  suite.notes.push_back(fmt::format(
      "{:.0f} s of load at {:.0f} events/s in {} runs, one after the other in one process. In every run each "
      "event was decided and arrived, and every equation of the ledger held: otherwise there would be no "
      "result.",
      seconds, setup.arrivals.rate_hz, parts));
  if (!retakes.note().empty()) suite.notes.push_back(retakes.note());
  return suite;
}

}  // namespace crible::bench
