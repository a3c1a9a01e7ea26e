#include "engine/pipeline/replay.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "bench/instrument/clock.hpp"
#include "bench/suites/figures.hpp"
#include "bench/suites/latency.hpp"
#include "bench/suites/load.hpp"
#include "bench/suites/made_recording.hpp"
#include "bench/suites/suite.hpp"
#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"

// A recording on disk to decisions; bench_replay splits the same into its parts.
namespace crible::bench {

namespace {

/// The file's bytes through one buffer, as `cat` would.
double read_plainly_s(const std::filesystem::path& file) {
  std::vector<std::byte> buffer(1 << 20);
  const std::int64_t start_ns = Clock::system_ns();
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw Error("cannot open " + file.string(), Fault::failure);
  while (read(descriptor, buffer.data(), buffer.size()) > 0) {
  }
  close(descriptor);
  return static_cast<double>(Clock::system_ns() - start_ns) * 1e-9;
}

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
  const record::Reader reader(file);
  const auto replay_ns = [&](bool networks) {
    pipeline::ReplayControl control;
    const pipeline::ReplayResult result = pipeline::replay(reader, load.trigger(), {1, networks}, control);
    if (!result.identical() || result.comparison.events != events)
      throw Error(fmt::format("{} of {} replayed decisions differ", result.comparison.different(),
                              result.comparison.events),
                  Fault::failure);
    return result.seconds * 1e9 / static_cast<double>(events);
  };
  const std::string kind = compression == 0 ? "not compressed" : "zstd";
  std::vector<Figure> figures = interleaved(
      {{figure_of("read plainly, an event, " + kind, 0),
        [&] { return read_plainly_s(file) * 1e9 / static_cast<double>(events); }},
       {figure_of("replay an event, networks off, " + kind, events), [&] { return replay_ns(false); }},
       {figure_of("replay an event, networks on, " + kind, events), [&] { return replay_ns(true); }}},
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
