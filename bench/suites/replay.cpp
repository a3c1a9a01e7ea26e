#include <fmt/format.h>

#include "bench/suites/figures.hpp"
#include "bench/suites/latency.hpp"
#include "bench/suites/load.hpp"
#include "bench/suites/made_recording.hpp"
#include "bench/suites/replay_stages.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/temporary_folder.hpp"

// A recording on disk to decisions; bench_replay splits the same into its parts.
namespace crible::bench {

namespace {

Figure figure_of(const std::string& name, std::uint64_t checked) {
  Figure figure;
  figure.name = name;
  figure.unit = "ns";
  figure.better = Better::lower;
  figure.checked = checked;
  return figure;
}

void measure(const SuiteOptions& options, const Load& load, std::uint64_t events, int compression,
             Suite& suite) {
  const TemporaryFolder folder("crible-bench-replay");
  const std::filesystem::path file = folder.path() / "bench.crec";
  make_recording(file, load.trigger(), load.sample(), events, compression);
  const ReplayStages replay(file, load.trigger(), 1);
  const auto event_ns = [&replay](ReplayStages::Place place) {
    return replay.stages()[place].measure().wall_s * 1e9 / static_cast<double>(replay.events());
  };
  const std::string kind = compression == 0 ? "not compressed" : "zstd";
  std::vector<Figure> figures = interleaved(
      {{figure_of("read plainly, an event, " + kind, 0), [&] { return event_ns(ReplayStages::read); }},
       {figure_of("replay an event, networks off, " + kind, events),
        [&] { return event_ns(ReplayStages::networks_off); }},
       {figure_of("replay an event, networks on, " + kind, events),
        [&] { return event_ns(ReplayStages::networks_on); }}},
      options.repeats_or(3, 7));
  for (std::size_t i = 1; i < figures.size(); ++i)
    figures[i].floor = FigureFloor{"reading the file plainly", figures[0].median};
  for (Figure& figure : figures) suite.figures.push_back(std::move(figure));
}

}  // namespace

Suite replay_suite(const SuiteOptions& options, Shared& shared) {
  Suite suite;
  suite.name = "replay";
  const Load load(options);
  add_hashes(load.trigger(), shared.machine);
  const std::uint64_t events = options.quick ? 20'000 : 200'000;
  suite.notes.push_back(fmt::format(
      "{} events of the sample, one thread, the file in the page cache; every decision of every repeat is "
      "compared with the recorded one.",
      events));
  for (const int compression : {0, 1}) measure(options, load, events, compression, suite);
  return suite;
}

}  // namespace crible::bench
