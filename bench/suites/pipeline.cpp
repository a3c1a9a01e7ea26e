#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/instrument/clock.hpp"
#include "bench/instrument/objective.hpp"
#include "bench/suites/figures.hpp"
#include "bench/suites/latency.hpp"
#include "bench/suites/load.hpp"
#include "bench/suites/pipeline_run.hpp"
#include "bench/suites/suite.hpp"
#include "engine/pipeline/event_trace.hpp"
#include "engine/pipeline/stages.hpp"

// The whole trigger under an open-loop load.
namespace crible::bench {

namespace {

constexpr double least_hz = 2'000;
constexpr double most_hz = 8'000'000;
constexpr double flood_hz = 2'000'000;  // more than a shard takes

class PipelineSuite {
 public:
  PipelineSuite(const SuiteOptions& options, Shared& shared)
      : options_(options), shared_(shared), load_(options) {
    suite_.name = "pipeline";
  }

  Suite run() {
    describe();
    sweep();
    const double top_hz = highest_hz();
    if (options_.rate_hz > 0) {
      latency_at(options_.arrivals.kind, options_.rate_hz, fmt::format("{:.0f} events/s", options_.rate_hz));
    } else {
      latency_at(options_.arrivals.kind, top_hz * 0.25, "25 % of the highest rate");
      latency_at(options_.arrivals.kind, top_hz * 0.5, "50 % of the highest rate");
      if (!options_.quick) latency_at(options_.arrivals.kind, top_hz * 0.8, "80 % of the highest rate");
      if (options_.arrivals.kind == Arrivals::poisson) other_arrivals(top_hz * 0.25);
    }
    if (options_.objective) search(*options_.objective);
    cost_of_stamps();
    say_sender();
    return std::move(suite_);
  }

 private:
  void describe() {
    const pipeline::Trigger& trigger = load_.trigger();
    add_hashes(trigger, shared_.machine);
    suite_.notes.push_back(
        fmt::format("{}: {} sources, {:.0f} bytes an event, {} networks; {} different events; one shard; tcp "
                    "on this machine.",
                    trigger.menu.name(), load_.sources(), load_.bytes_per_event(), trigger.networks.size(),
                    load_.size()));
    suite_.notes.push_back(
        "Latency counts from when an event was scheduled to when the frame with its decision was given to "
        "ZeroMQ. A packet leaves 50 us after its first event, or when it holds 256: that is in the stage "
        "send.");
    suite_.notes.push_back("The first tenth of each run, at least 200 ms, is not counted.");
  }

  void say_sender() {
    suite_.notes.push_back(sender_);
    if (!retakes_.note().empty()) suite_.notes.push_back(retakes_.note());
  }

  PipelineSetup setup(Arrivals kind, double rate_hz, double seconds, std::uint64_t seed) const {
    PipelineSetup setup;
    setup.arrivals = options_.arrivals;
    setup.arrivals.kind = kind;
    setup.arrivals.rate_hz = rate_hz;
    setup.arrivals.seed = seed;
    setup.seconds = seconds;
    setup.backend = options_.backend;
    setup.spin = options_.spin;
    return setup;
  }

  PipelineOutcome take(const PipelineSetup& one, std::size_t most) {
    PipelineOutcome outcome = retakes_.run(load_, one, most);
    checked_ += outcome.checked;
    sender_ = outcome.sender;
    return outcome;
  }

  Latency point(double rate_hz, double seconds, std::size_t retakes = 1) {
    const PipelineOutcome outcome = take(setup(options_.arrivals.kind, rate_hz, seconds, ++seed_), retakes);
    Latency latency = latency_of(fmt::format("{:.0f} events/s", rate_hz), {outcome});
    curve_point(latency);
    return latency;
  }

  void curve_point(const Latency& latency) {
    CurvePoint point{latency.offered_hz, latency.achieved_hz, 0, 0, 0, latency.max, latency.invalid};
    for (const Percentile& p : latency.percentiles) {
      if (p.p == 50) point.p50 = p.ns;
      if (p.p == 99) point.p99 = p.ns;
      if (p.p == 99.9) point.p999 = p.ns;
    }
    curve_.points.push_back(point);
  }

  /// Doubles the rate until the trigger cannot hold it.
  void sweep() {
    curve_.name = "latency by load";
    const double first = options_.quick ? 10'000 : least_hz;
    for (double rate = first; rate < most_hz; rate *= 2) {
      const Latency latency = point(rate, point_s());
      if (latency.achieved_hz >= 0.95 * rate && !latency.invalid.starts_with("saturated")) {
        highest_hz_ = rate;
        continue;
      }
      if (!options_.quick) {
        for (const double part : {0.6, 0.8}) {
          const double between = rate * part;
          if (point(between, point_s()).achieved_hz >= 0.95 * between)
            highest_hz_ = std::max(highest_hz_, between);
        }
      }
      break;
    }
    std::ranges::sort(curve_.points, {}, &CurvePoint::offered_hz);
    suite_.curves.push_back(curve_);
    Figure figure =
        make_figure(fmt::format("highest rate held, {} arrivals", to_string(options_.arrivals.kind)), "Hz",
                    Better::higher, {highest_hz_});
    figure.checked = checked_;
    suite_.figures.push_back(figure);
  }

  double highest_hz() const { return highest_hz_ > 0 ? highest_hz_ : least_hz; }

  void latency_at(Arrivals kind, double rate_hz, const std::string& where) {
    const double seconds = options_.quick ? 1.0 : 6;
    std::vector<PipelineOutcome> outcomes;
    pipeline::Histogram bare;
    const std::size_t repeats = options_.repeats_or(3, 5);
    for (std::size_t i = 0; i < repeats; ++i) {
      const PipelineSetup one = setup(kind, rate_hz, seconds, ++seed_);
      outcomes.push_back(take(one, 1));
      if (!options_.quick || i == 0) bare.add(run_bare(load_, one));
    }
    Latency latency = latency_of(fmt::format("{} arrivals at {}", to_string(kind), where), outcomes);
    latency.arrivals = to_string(kind);
    latency.floor = LatencyFloor{"the same packets to a bare ZeroMQ receiver", percentiles_of(bare)};
    shared_.histograms.push_back({"pipeline " + latency.name, merged(outcomes)});
    suite_.latencies.push_back(std::move(latency));
    pauses(outcomes, suite_.latencies.back().name);
  }

  void pauses(const std::vector<PipelineOutcome>& outcomes, const std::string& during) {
    std::vector<double> repeats;
    for (const PipelineOutcome& outcome : outcomes)
      repeats.push_back(static_cast<double>(outcome.hiccups.percentile_ns(0.999)));
    suite_.figures.push_back(make_figure("the machine's own pauses, p99.9, during " + during, "ns",
                                         Better::lower, std::move(repeats)));
  }

  void other_arrivals(double rate_hz) {
    if (options_.quick) {
      latency_at(Arrivals::lhc, rate_hz, "25 % of the highest rate");
      return;
    }
    for (const Arrivals kind : {Arrivals::constant, Arrivals::lhc, Arrivals::bursts})
      latency_at(kind, rate_hz, "25 % of the highest rate");
  }

  double point_s() const { return options_.quick ? 0.8 : 3; }

  /// Long enough for ten events above the percentile, within reason.
  double search_s(const Objective& objective, double rate_hz) const {
    const double events = 10 / std::max(1 - objective.p / 100, 1e-4);
    return std::clamp(1.3 * events / rate_hz, point_s(), 8 * point_s());
  }

  void search(Objective objective) {
    curve_ = {};
    curve_.name = "search for " + objective.text;
    objective.highest_hz = highest_rate(least_hz, most_hz, options_.quick ? 3 : 5, [&](double rate) {
      return holds(objective, point(rate, search_s(objective, rate), 3));
    });
    std::ranges::sort(curve_.points, {}, &CurvePoint::offered_hz);
    curve_.objective = objective;
    suite_.curves.push_back(curve_);
  }

  /// What a trigger that always has enough to do loses by all stamps and histograms, with and without in
  /// turn.
  void cost_of_stamps() {
    std::vector<double> rate_with, rate_without, lost_rate, more_time;
    for (std::size_t round = 0; round <= options_.repeats_or(5, 15); ++round) {
      const PipelineOutcome without = flood(false), with = flood(true);
      if (round == 0) continue;  // warm-up
      rate_with.push_back(with.throughput_hz);
      rate_without.push_back(without.throughput_hz);
      lost_rate.push_back(100 * (1 - with.throughput_hz / without.throughput_hz));
      more_time.push_back(100 * (with.cpu_ns() / without.cpu_ns() - 1));
    }
    const auto add = [this](const char* name, const char* unit, Better better, std::vector<double> repeats) {
      suite_.figures.push_back(make_figure(name, unit, better, std::move(repeats)));
      return suite_.figures.back().median;
    };
    const double free_hz =
        add("rate when flooded, no stamps kept", "Hz", Better::higher, std::move(rate_without));
    add("rate when flooded, every stamp and histogram kept", "Hz", Better::higher, std::move(rate_with));
    suite_.figures.back().floor = FigureFloor{"no stamps kept", free_hz};
    add("rate lost by stamps and histograms", "%", Better::lower, std::move(lost_rate));
    add("processor time added by stamps and histograms", "%", Better::lower, std::move(more_time));
    stamps_alone(1e9 / free_hz);
  }

  PipelineOutcome flood(bool traced) {
    PipelineSetup one = setup(Arrivals::constant, flood_hz, options_.quick ? 0.05 : 0.1, 1);
    one.traced = traced;
    one.warm_up = false;
    one.may_pile_up = true;
    return run_pipeline(load_, one);
  }

  /// The same alone and without a trigger, which a busy machine disturbs less: what one event adds to the
  /// histograms of the stages and to the list of stamps.
  void stamps_alone(double event_ns) {
    constexpr std::size_t events = 200'000;
    Figure alone;
    alone.name = "histograms and stamps of an event, alone";
    alone.unit = "ns";
    const auto measure = [&] {
      pipeline::EventTrace trace(1, events);
      pipeline::StageHistograms stages;
      const std::int64_t start_ns = Clock::system_ns();
      for (std::size_t e = 0; e < events; ++e) {
        const auto now_ns = start_ns + static_cast<std::int64_t>(e * 977 % 65'536);
        for (std::size_t s = 0; s < pipeline::stage_count; ++s)
          stages.stages[s].add(now_ns - start_ns + static_cast<std::int64_t>(s));
        trace.append(0, {.event = e, .received_ns = now_ns, .decided_ns = now_ns});
        if (e % 64 == 63) trace.published(0, Clock::system_ns());
      }
      return static_cast<double>(Clock::system_ns() - start_ns) / events;
    };
    std::vector<Figure> figures = interleaved({{alone, measure}}, options_.repeats_or(5, 11));
    Figure part = make_figure("... of an event's processor time", "of it", Better::lower,
                              {figures[0].median / event_ns});
    suite_.figures.push_back(std::move(figures[0]));
    suite_.figures.push_back(std::move(part));
  }

  const SuiteOptions& options_;
  Shared& shared_;
  Load load_;
  Suite suite_;
  Curve curve_;
  double highest_hz_ = 0;
  std::uint64_t seed_ = 0;
  std::uint64_t checked_ = 0;
  Retakes retakes_;
  std::string sender_;
};

}  // namespace

Suite pipeline_suite(const SuiteOptions& options, Shared& shared) {
  return PipelineSuite(options, shared).run();
}

}  // namespace crible::bench
