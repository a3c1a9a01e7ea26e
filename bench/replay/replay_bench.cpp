// How fast recordings are replayed from the page cache, and which part limits: the same file read bare, read
// and checked, stepped through, decoded, decided with recorded network outputs, and decided with networks.
// Checks that replay finds every decision identical before it measures.

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "bench/report/statistics.hpp"
#include "bench/suites/made_recording.hpp"
#include "bench/suites/replay_stages.hpp"
#include "engine/base/file.hpp"

namespace crible::bench {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  std::filesystem::path config = "tools/demo_data/run.yaml";
  std::filesystem::path sample = "tools/demo_data/stream";
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  std::uint64_t events = 300'000;
  int repeats = 5;
  std::size_t jobs = 1;
  std::filesystem::path json;
};

double median_of(const std::vector<Times>& times, double Times::*member) {
  std::vector<double> values;
  for (const Times& one : times) values.push_back(one.*member);
  return median(std::move(values));
}

Json measure(const Options& options, const pipeline::Trigger& trigger, const pipeline::Sample& sample,
             int compression) {
  const std::filesystem::path file = options.folder / ("bench_replay_" + std::to_string(getpid()));
  make_recording(file, trigger, sample, options.events, compression);
  const ReplayStages replay(file, trigger, options.jobs);
  const double body_gb = static_cast<double>(replay.body_bytes()) * 1e-9;
  std::vector<std::vector<Times>> measured(replay.stages().size());
  for (int i = 0; i < options.repeats; ++i)
    for (std::size_t s = 0; s < measured.size(); ++s) measured[s].push_back(replay.stages()[s].measure());
  std::filesystem::remove(file);

  std::printf("\n%llu events, %.3f GB, %s\n", static_cast<unsigned long long>(options.events), body_gb,
              compression == 0 ? "not compressed" : "zstd");
  std::printf("%-30s %10s %12s %22s\n", "", "GB/s", "ns/event", "processor ns/event");
  const double per_event = 1e9 / static_cast<double>(options.events);
  Json table = Json::object();
  std::vector<Times> medians;
  for (std::size_t s = 0; s < measured.size(); ++s) {
    const char* name = replay.stages()[s].name;
    const Times times{median_of(measured[s], &Times::wall_s), median_of(measured[s], &Times::processor_s)};
    medians.push_back(times);
    std::printf("%-30s %10.2f %12.0f %22.0f\n", name, body_gb / times.wall_s, times.wall_s * per_event,
                times.processor_s * per_event);
    table[name] = {{"seconds", times.wall_s},
                   {"processor_seconds", times.processor_s},
                   {"gb_per_s", body_gb / times.wall_s},
                   {"ns_per_event", times.wall_s * per_event},
                   {"processor_ns_per_event", times.processor_s * per_event}};
  }
  const auto processor_s = [&](ReplayStages::Place place) { return medians[place].processor_s; };
  const double gather_s = processor_s(ReplayStages::gather) - processor_s(ReplayStages::decode);
  const double off = processor_s(ReplayStages::networks_off);
  const double with_networks = gather_s + processor_s(ReplayStages::networks_alone);
  const double ratio = processor_s(ReplayStages::networks_on) / (off + with_networks);
  const bool networks_limit = with_networks > off;
  std::printf("processor time, networks on / (networks off + gather + networks alone): %.3f\n", ratio);
  std::printf("limited by: %s\n", networks_limit ? "the networks" : "reading, decoding and the menu");
  return {{"compression", compression},
          {"events", options.events},
          {"bytes", body_gb * 1e9},
          {"jobs", options.jobs},
          {"stages", table},
          {"on_over_sum", ratio},
          {"limit", networks_limit ? "networks" : "engine"}};
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app{"Replay from the page cache: GB/s by stage"};
  app.add_option("--config", options.config, "Configuration with detector, networks and menu");
  app.add_option("--sample", options.sample, "Folder of the sample");
  app.add_option("--folder", options.folder, "Where the recordings go; they should fit into the page cache");
  app.add_option("--events", options.events, "Events in the recordings");
  app.add_option("--repeats", options.repeats, "Repeats, of which the median counts");
  app.add_option("--jobs", options.jobs, "Threads of the replays");
  app.add_option("--json", options.json, "Write the figures to this file");
  CLI11_PARSE(app, argc, argv);
  const pipeline::Trigger trigger = pipeline::load_trigger(options.config);
  const pipeline::Sample sample = pipeline::Sample::load(options.sample);
  Json results = Json::array();
  for (const int compression : {0, 1}) results.push_back(measure(options, trigger, sample, compression));
  if (!options.json.empty()) write_file(options.json, results.dump(1) + "\n");
  return 0;
}

}  // namespace
}  // namespace crible::bench

int main(int argc, char** argv) try {
  return crible::bench::run(argc, argv);
} catch (const std::exception& error) {
  std::fprintf(stderr, "bench_replay: %s\n", error.what());
  return 1;
}
