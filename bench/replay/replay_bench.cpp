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

#include "bench/network/thread_clock.hpp"
#include "bench/suites/made_recording.hpp"
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

/// On the wall, and of this thread (in replays: of all threads) on a processor, which other work on the
/// machine does not change.
struct Times {
  double wall = 0;
  double processor = 0;
};

Times times_of(const std::function<void()>& work) {
  const ThreadClock processor;
  const auto started = std::chrono::steady_clock::now();
  work();
  return {std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count(),
          processor.elapsed_ns() * 1e-9};
}

Times times_of(const pipeline::ReplayResult& result) {
  return {result.seconds, result.processor_seconds};
}

double median(const std::vector<Times>& times, double Times::*member) {
  std::vector<double> values;
  for (const Times& one : times) values.push_back(one.*member);
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

/// The networks alone, in full batches of what was last gathered into their slots.
class Networks {
 public:
  Networks(const record::Reader& reader, const pipeline::Trigger& trigger)
      : trigger_(trigger),
        programs_(pipeline::compile(trigger, trigger.run.batch)),
        rows_(rows_of(reader, trigger)),
        next_row_(programs_.size()) {}

  /// Writes the event's inputs into the rows of the first slot, again and again from row 0 on.
  void gather(const detector::Event& event) {
    for (std::size_t n = 0; n < programs_.size(); ++n) {
      const auto& inputs = programs_[n]->slots()[0].inputs;
      const std::size_t batch = programs_[n]->max_batch();
      for (std::uint32_t object = 0; object < trigger_.bindings[n].objects(event); ++object) {
        row_.clear();
        for (const auto& input : inputs) row_.push_back(input.data() + next_row_[n] * (input.size() / batch));
        trigger_.bindings[n].gather(event, object, row_);
        next_row_[n] = (next_row_[n] + 1) % batch;
      }
    }
  }

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
  const pipeline::Trigger& trigger_;
  std::vector<std::unique_ptr<backends::Program>> programs_;
  std::vector<std::uint64_t> rows_;
  std::vector<std::size_t> next_row_;
  std::vector<std::byte*> row_;
};

/// Decodes all events; with `networks`, gathers their inputs, too. Sources lie in a recording of this
/// benchmark in the order of the description.
void decode_all(const record::Reader& reader, const pipeline::Trigger& trigger, Networks* networks) {
  record::Cursor cursor;
  record::EventView event;
  detector::Event quantities = trigger.decoder.make_event();
  std::vector<detector::Payload> payloads(trigger.description.sources.size());
  std::uint64_t good = 0;
  for_each_body(reader, [&](std::span<const std::byte> body) {
    cursor.reset(body);
    while (cursor.next(event) == ReadStatus::ok) {
      for (std::size_t i = 0; i < payloads.size(); ++i) payloads[i] = event.fragments[i].payload;
      const auto result = trigger.decoder.decode(payloads, quantities);
      if (result.status != detector::DecodeStatus::ok) continue;
      ++good;
      if (networks != nullptr) networks->gather(quantities);
    }
  });
  sink = good;
}

struct Stage {
  const char* name;
  std::function<Times()> measure;
  std::vector<Times> times;
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
      {"read", [&] { return times_of([&] { read_bare(file); }); }, {}},
      {"read, CRC, decompress", [&] { return times_of([&] { check_bodies(reader); }); }, {}},
      {"... and step through events", [&] { return times_of([&] { step_through(reader); }); }, {}},
      {"... and decode payloads",
       [&] { return times_of([&] { decode_all(reader, trigger, nullptr); }); },
       {}},
      {"... and gather network inputs",
       [&] { return times_of([&] { decode_all(reader, trigger, &networks); }); },
       {}},
      {"replay, networks off",
       [&] { return times_of(replay_all(reader, trigger, options.jobs, false)); },
       {}},
      {"networks alone", [&] { return times_of([&] { networks.run(); }); }, {}},
      {"replay, networks on", [&] { return times_of(replay_all(reader, trigger, options.jobs, true)); }, {}},
  };
  for (int i = 0; i < options.repeats; ++i)
    for (Stage& stage : stages) stage.times.push_back(stage.measure());
  std::filesystem::remove(file);

  std::printf("\n%llu events, %.3f GB, %s\n", static_cast<unsigned long long>(options.events), body_gb,
              compression == 0 ? "not compressed" : "zstd");
  std::printf("%-30s %10s %12s %22s\n", "", "GB/s", "ns/event", "processor ns/event");
  const double per_event = 1e9 / static_cast<double>(options.events);
  Json table = Json::object();
  std::vector<Times> medians;
  for (const Stage& stage : stages) {
    const Times times{median(stage.times, &Times::wall), median(stage.times, &Times::processor)};
    medians.push_back(times);
    std::printf("%-30s %10.2f %12.0f %22.0f\n", stage.name, body_gb / times.wall, times.wall * per_event,
                times.processor * per_event);
    table[stage.name] = {{"seconds", times.wall},
                         {"processor_seconds", times.processor},
                         {"gb_per_s", body_gb / times.wall},
                         {"ns_per_event", times.wall * per_event},
                         {"processor_ns_per_event", times.processor * per_event}};
  }
  const double decode = medians[3].processor, gather = medians[4].processor - decode;
  const double off = medians[5].processor, with_networks = gather + medians[6].processor;
  const double ratio = medians[7].processor / (off + with_networks);
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
