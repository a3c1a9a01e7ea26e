// How fast recordings are replayed from the page cache, and which part limits: the same file read bare, read
// and checked, stepped through, decoded, decided with recorded network outputs, and decided with networks.
// Checks that replay finds every decision identical before it measures.

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <thread>

#include "bench/replay/made_recording.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/pipeline/replay.hpp"

namespace crible::bench {
namespace {

using Json = nlohmann::ordered_json;
using record::BlockInfo;
using record::BlockKind;
using record::ReadStatus;

struct Options {
  std::filesystem::path config = "tools/demo_data/run.yaml";
  std::filesystem::path sample = "tools/demo_data/stream";
  std::filesystem::path folder = std::filesystem::temp_directory_path();
  std::uint64_t events = 300'000;
  int repeats = 5;
  std::size_t jobs = 1;
  std::filesystem::path json;
};

/// Keeps a result from being optimised away.
volatile std::uint64_t sink = 0;

double seconds_of(const std::function<void()>& work) {
  const auto started = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

/// The file's bytes into one buffer, as `cat` would.
void read_bare(const std::filesystem::path& file) {
  static std::vector<std::byte> buffer(1 << 20);
  const int descriptor = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  std::uint64_t sum = 0;
  for (ssize_t got; (got = read(descriptor, buffer.data(), buffer.size())) > 0;)
    sum += static_cast<std::uint64_t>(buffer[static_cast<std::size_t>(got) - 1]);
  close(descriptor);
  sink = sum;
}

/// Calls `block` with each checked body of events.
void for_each_body(const record::Reader& reader,
                   const std::function<void(std::span<const std::byte>)>& block) {
  record::Body body;
  for (const BlockInfo& info : reader.blocks()) {
    if (info.header.kind != BlockKind::events) continue;
    const ReadStatus status = reader.read(info, body);
    if (status != ReadStatus::ok) throw Error(sentence(status), Fault::failure);
    block(body.bytes());
  }
}

void check_bodies(const record::Reader& reader) {
  for_each_body(reader, [](std::span<const std::byte> body) { sink = body.size(); });
}

void step_through(const record::Reader& reader) {
  record::Cursor cursor;
  record::EventView event;
  std::uint64_t sum = 0;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) sum += event.fragments.size();
  });
  sink = sum;
}

/// Sources lie in a recording of this benchmark in the order of the description.
void decode_all(const record::Reader& reader, const pipeline::Trigger& trigger) {
  record::Cursor cursor;
  record::EventView event;
  detector::Event quantities = trigger.decoder.make_event();
  std::vector<detector::Payload> payloads(trigger.description.sources.size());
  std::uint64_t good = 0;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) {
      for (std::size_t i = 0; i < payloads.size(); ++i) payloads[i] = event.fragments[i].payload;
      good += trigger.decoder.decode(payloads, quantities).status == detector::DecodeStatus::ok;
    }
  });
  sink = good;
}

pipeline::ReplayResult replay_all(const record::Reader& reader, const pipeline::Trigger& trigger,
                                  std::size_t jobs, bool networks) {
  pipeline::ReplayControl control;
  pipeline::ReplayResult result = pipeline::replay(reader, trigger, {jobs, networks}, control);
  if (!result.identical() || result.comparison.events == 0)
    throw Error("the replay is not identical: " + std::to_string(result.comparison.different()) + " of " +
                    std::to_string(result.comparison.events) + " events differ",
                Fault::failure);
  return result;
}

/// Rows that each network gets from the recording.
std::vector<std::uint64_t> rows_of(const record::Reader& reader, const pipeline::Trigger& trigger) {
  std::vector<std::uint64_t> rows(trigger.networks.size());
  record::Cursor cursor;
  record::EventView event;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) {
      const auto decision = menu::decode(event.decision);
      for (std::size_t n = 0; decision && n < rows.size(); ++n) rows[n] += decision->rows[n].objects;
    }
  });
  return rows;
}

/// The networks alone, in full batches of whatever lies in their slots.
class Networks {
 public:
  Networks(const record::Reader& reader, const pipeline::Trigger& trigger)
      : programs_(pipeline::compile(trigger, trigger.run.batch)), rows_(rows_of(reader, trigger)) {}

  void run() {
    for (std::size_t n = 0; n < programs_.size(); ++n)
      for (std::uint64_t left = rows_[n]; left > 0;) {
        const std::uint64_t batch = std::min<std::uint64_t>(left, programs_[n]->max_batch());
        if (programs_[n]->run(0, batch) != backends::Status::ok)
          throw Error("a network failed", Fault::failure);
        left -= batch;
      }
  }

 private:
  std::vector<std::unique_ptr<backends::Program>> programs_;
  std::vector<std::uint64_t> rows_;
};

struct Stage {
  const char* name;
  std::function<double()> seconds;
  std::vector<double> times;
};

Json measure(const Options& options, const pipeline::Trigger& trigger, const pipeline::Sample& sample,
             int compression) {
  const std::filesystem::path file = options.folder / ("bench_replay_" + std::to_string(getpid()));
  make_recording(file, trigger, sample, options.events, compression);
  const record::Reader reader(file);
  const double body_gb =
      static_cast<double>(replay_all(reader, trigger, options.jobs, true).body_bytes) * 1e-9;
  Networks networks(reader, trigger);

  std::vector<Stage> stages = {
      {"read", [&] { return seconds_of([&] { read_bare(file); }); }, {}},
      {"read, CRC, decompress", [&] { return seconds_of([&] { check_bodies(reader); }); }, {}},
      {"... and step through events", [&] { return seconds_of([&] { step_through(reader); }); }, {}},
      {"... and decode payloads", [&] { return seconds_of([&] { decode_all(reader, trigger); }); }, {}},
      {"replay, networks off", [&] { return replay_all(reader, trigger, options.jobs, false).seconds; }, {}},
      {"networks alone", [&] { return seconds_of([&] { networks.run(); }); }, {}},
      {"replay, networks on", [&] { return replay_all(reader, trigger, options.jobs, true).seconds; }, {}},
  };
  for (int i = 0; i < options.repeats; ++i)
    for (Stage& stage : stages) stage.times.push_back(stage.seconds());
  std::filesystem::remove(file);

  std::printf("\n%llu events, %.3f GB, %s\n", static_cast<unsigned long long>(options.events), body_gb,
              compression == 0 ? "not compressed" : "zstd");
  std::printf("%-30s %10s %12s %10s\n", "", "GB/s", "ns/event", "s");
  Json table = Json::object();
  std::vector<double> medians;
  for (const Stage& stage : stages) {
    const double seconds = median(stage.times);
    medians.push_back(seconds);
    std::printf("%-30s %10.2f %12.0f %10.3f\n", stage.name, body_gb / seconds,
                seconds * 1e9 / static_cast<double>(options.events), seconds);
    table[stage.name] = {{"seconds", seconds},
                         {"gb_per_s", body_gb / seconds},
                         {"ns_per_event", seconds * 1e9 / static_cast<double>(options.events)}};
  }
  const double ratio = medians[6] / (medians[4] + medians[5] / static_cast<double>(options.jobs));
  std::printf("networks on / (networks off + networks alone): %.3f\n", ratio);
  std::printf("limited by: %s\n",
              medians[5] > medians[4] ? "the networks" : "reading, decoding and the menu");
  return {{"compression", compression},
          {"events", options.events},
          {"bytes", body_gb * 1e9},
          {"jobs", options.jobs},
          {"stages", table},
          {"on_over_sum", ratio},
          {"limit", medians[5] > medians[4] ? "networks" : "engine"}};
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
