/// Fragments to decisions over tcp loopback, against a bare ZeroMQ receiver of the same frames from the same
/// senders: rates, latencies at half load, memory over a long run. Prints a table, writes JSON.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "bench/instrument/clock.hpp"
#include "bench/instrument/process.hpp"
#include "bench/pipeline/load.hpp"
#include "bench/pipeline/processes.hpp"
#include "bench/pipeline/setup.hpp"
#include "bench/report/statistics.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/base/free_address.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/menu/decision.hpp"
#include "engine/pipeline/decision_frame.hpp"
#include "engine/pipeline/run.hpp"
#include "tools/json_file.hpp"

namespace crible::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr int sender_high_water = 64;

/// One measurement: who receives, how much, how fast.
struct Setup {
  std::uint64_t packets = 0;  // of each source
  double rate_hz = 0;         // fragments per second, 0: as fast as they are taken
  bool bare = false;
  bool record = false;
  bool memory = false;  // sample the resident memory
  std::filesystem::path folder;
};

struct Addresses {
  std::string input = free_addresses(LoadShape{}.sources);
  std::string decisions = free_addresses(1);
};

/// All sources in turn: packet after packet of each.
Json send_all(const Setup& setup, const LoadShape& shape, const Addresses& addresses) {
  zmq::context_t context;
  std::vector<std::unique_ptr<LoadSource>> sources;
  for (std::size_t s = 0; s < shape.sources; ++s) {
    const std::string address = setup.bare ? addresses.input : pipeline::numbered_address(addresses.input, s);
    sources.push_back(std::make_unique<LoadSource>(context, shape, static_cast<std::uint16_t>(s), address,
                                                   sender_high_water));
  }
  const double fragments_per_turn = static_cast<double>(shape.sources * shape.events_per_packet);
  const double turn_ns = setup.rate_hz > 0 ? 1e9 * fragments_per_turn / setup.rate_hz : 0;
  std::this_thread::sleep_for(std::chrono::seconds(1));  // until the receiver is ready and connected
  const std::int64_t start_ns = Clock::system_ns();
  for (std::uint64_t packet = 0; packet < setup.packets; ++packet) {
    const auto due_ns = start_ns + static_cast<std::int64_t>(static_cast<double>(packet) * turn_ns);
    const std::int64_t wait_ns = due_ns - Clock::system_ns();
    if (wait_ns > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(wait_ns));
    for (const auto& source : sources) {
      source->send(packet * shape.events_per_packet, 0, static_cast<std::uint64_t>(realtime_ns()));
    }
  }
  if (!setup.bare) {
    for (const auto& source : sources) source->end(0, static_cast<std::uint64_t>(realtime_ns()));
  }
  sources.clear();
  return {{"cpu_s", process_cpu_s()}};
}

/// Reads the first byte of each frame; answers each turn with a frame as long as the engine's.
Json receive_bare(const Setup& setup, const LoadShape& shape, const Addresses& addresses,
                  std::size_t answer_bytes) {
  zmq::context_t context;
  zmq::socket_t input(context, zmq::socket_type::pull);
  input.set(zmq::sockopt::rcvhwm, pipeline::InputConfig{}.high_water_frames);
  input.bind(addresses.input);
  zmq::socket_t output(context, zmq::socket_type::push);
  output.connect(addresses.decisions);
  const std::uint64_t frames = setup.packets * shape.sources;
  unsigned first_bytes = 0;
  std::int64_t start_ns = 0, newest_ns = 0;
  zmq::message_t message;
  for (std::uint64_t frame = 0; frame < frames; ++frame) {
    if (!input.recv(message)) throw Error("bare receiver: no frame", Fault::failure);
    if (frame == 0) start_ns = Clock::system_ns();
    first_bytes += message.data<unsigned char>()[0];
    if (setup.rate_hz == 0) continue;
    std::int64_t sent_ns;
    std::memcpy(&sent_ns, message.data<std::byte>() + offsetof(wire::PacketHeader, time_ns), sizeof sent_ns);
    newest_ns = std::max(newest_ns, sent_ns);
    if (frame % shape.sources != shape.sources - 1) continue;
    zmq::message_t answer(answer_bytes);
    std::memcpy(answer.data(), &newest_ns, sizeof newest_ns);
    output.send(answer, zmq::send_flags::none);
    newest_ns = 0;
  }
  const double seconds = static_cast<double>(Clock::system_ns() - start_ns) * 1e-9;
  const double fragments = static_cast<double>(frames * shape.events_per_packet);
  return {{"fragments_per_s", fragments / seconds},
          {"seconds", seconds},
          {"cpu_s", process_cpu_s()},
          {"first_bytes", first_bytes}};
}

Json stage_table(const pipeline::StageHistograms& stages) {
  Json table = Json::object();
  for (std::size_t i = 0; i < pipeline::stage_count; ++i) {
    const auto stage = static_cast<pipeline::Stage>(i);
    const pipeline::StageTimes times = stages.times(stage);
    table[pipeline::to_string(stage)] = {{"p50_ns", times.p50_ns},
                                         {"p99_ns", times.p99_ns},
                                         {"p999_ns", times.p999_ns},
                                         {"max_ns", times.max_ns}};
  }
  return table;
}

/// Nothing is timed whose answers are wrong.
void check(const pipeline::RunSummary& summary, std::uint64_t events) {
  const builder::EventCounts counts = summary.ledger.total().events;
  if (!summary.violations.empty()) throw Error(summary.violations.front(), Fault::failure);
  if (counts.complete != static_cast<std::int64_t>(events)) {
    throw Error(fmt::format("{} of {} events are complete", counts.complete, events), Fault::failure);
  }
  if (summary.recorded.write_failed != 0) throw Error("events were not recorded", Fault::failure);
}

Json receive_engine(const Setup& setup, const LoadShape& shape, const Addresses& addresses) {
  const pipeline::Trigger trigger = pipeline::load_trigger(setup.folder / "bench.yaml");
  pipeline::RunConfig config = trigger.run;
  config.input.bind = addresses.input;
  config.decisions.address = addresses.decisions;
  if (setup.record) {
    config.record.file = setup.folder / "bench.crec";
    config.record.overwrite = true;
  }
  pipeline::Run run(trigger, config);
  run.start();
  std::vector<std::pair<std::uint64_t, std::size_t>> memory;
  std::int64_t next_sample_ns = 0;
  while (!run.ended()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    if (!setup.memory || Clock::system_ns() < next_sample_ns) continue;
    memory.emplace_back(run.summary().shards.decisions * shape.sources, resident_bytes());
    next_sample_ns = Clock::system_ns() + 500'000'000;
  }
  const pipeline::RunSummary summary = run.finish();
  check(summary, setup.packets * shape.events_per_packet);
  const double seconds = static_cast<double>(summary.shards.last_ns - summary.shards.first_ns) * 1e-9;
  const double fragments = static_cast<double>(summary.shards.decisions * shape.sources);
  Json result = {{"fragments_per_s", fragments / seconds},
                 {"seconds", seconds},
                 {"cpu_s", process_cpu_s()},
                 {"recorded", summary.recorded.recorded},
                 {"stages", stage_table(summary.shards.stages)}};
  if (setup.memory) result["memory"] = memory;
  return result;
}

/// Takes decisions or bare answers; the latency of a frame counts from its newest packet.
Json collect(const Setup& setup, const Addresses& addresses, std::uint64_t events) {
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::pull);
  socket.bind(addresses.decisions);
  pipeline::Histogram latency;
  std::uint64_t decisions = 0, frames = 0, bytes = 0;
  zmq::message_t message;
  while (setup.bare ? frames < setup.packets : decisions < events) {
    if (!socket.recv(message)) throw Error("collector: no frame", Fault::failure);
    const std::int64_t now_ns = realtime_ns();
    std::int64_t sent_ns = 0;
    if (setup.bare) {
      std::memcpy(&sent_ns, message.data(), sizeof sent_ns);
    } else {
      pipeline::DecisionFrameHeader header;
      std::memcpy(&header, message.data(), sizeof header);
      if (header.kind != pipeline::FrameKind::decisions) continue;
      decisions += header.count;
      std::memcpy(&sent_ns,
                  message.data<std::byte>() + sizeof header + offsetof(menu::DecisionHeader, sent_ns),
                  sizeof sent_ns);
    }
    ++frames;
    bytes += message.size();
    latency.add(now_ns - sent_ns);
  }
  return {{"frames", frames},
          {"bytes_per_frame", frames != 0 ? bytes / frames : 0},
          {"p50_ns", latency.percentile_ns(0.5)},
          {"p99_ns", latency.percentile_ns(0.99)},
          {"max_ns", latency.max_ns()},
          {"cpu_s", process_cpu_s()}};
}

Json measure(const Setup& setup, std::size_t answer_bytes = 0) {
  const LoadShape shape;
  const Addresses addresses;
  const std::uint64_t events = setup.packets * shape.events_per_packet;
  std::unique_ptr<Child> collector;
  const bool answers = !setup.bare || setup.rate_hz > 0;
  if (answers) {
    collector = std::make_unique<Child>([&] { return collect(setup, addresses, events); });
  }
  Child receiver([&] {
    return setup.bare ? receive_bare(setup, shape, addresses, answer_bytes)
                      : receive_engine(setup, shape, addresses);
  });
  Child sender([&] { return send_all(setup, shape, addresses); });
  Json result = receiver.result();
  result["sender"] = sender.result();
  if (answers) result["collector"] = collector->result();
  return result;
}

/// Target 1: interleaved repeats of bare, engine, engine with 1 % recorded.
Json rates(const Setup& base, int repeats) {
  std::map<std::string, std::vector<double>> found;
  std::vector<double> ratio, ratio_recorded;
  Json runs = Json::array();
  for (int i = 0; i < repeats; ++i) {
    Setup setup = base;
    setup.bare = true;
    const Json bare = measure(setup);
    setup.bare = false;
    const Json engine = measure(setup);
    setup.record = true;
    const Json recorded = measure(setup);
    const auto rate = [](const Json& run) { return run["fragments_per_s"].get<double>(); };
    found["bare"].push_back(rate(bare));
    found["engine"].push_back(rate(engine));
    found["recorded"].push_back(rate(recorded));
    ratio.push_back(rate(engine) / rate(bare));
    ratio_recorded.push_back(rate(recorded) / rate(bare));
    std::printf("  repeat %d: bare %.2f, engine %.2f, with recording %.2f million fragments/s\n", i + 1,
                rate(bare) * 1e-6, rate(engine) * 1e-6, rate(recorded) * 1e-6);
    std::fflush(stdout);
    runs.push_back({{"bare", bare}, {"engine", engine}, {"recorded", recorded}});
  }
  return {{"bare_fragments_per_s", median(found["bare"])},
          {"engine_fragments_per_s", median(found["engine"])},
          {"recorded_fragments_per_s", median(found["recorded"])},
          {"engine_to_bare", median(ratio)},
          {"recorded_to_bare", median(ratio_recorded)},
          {"runs", runs}};
}

/// Where the engine's time goes, stage by stage (pipeline/stages.hpp says what each is).
void print_stages(const Json& stages) {
  std::printf("  %-12s %10s %10s %10s\n", "stage", "p50 us", "p99 us", "p99.9 us");
  for (const auto& [name, times] : stages.items()) {
    const auto us = [&times](const char* key) { return times[key].get<double>() * 1e-3; };
    std::printf("  %-12s %10.1f %10.1f %10.1f\n", name.c_str(), us("p50_ns"), us("p99_ns"), us("p999_ns"));
  }
}

/// Target 2: latencies at half of the engine's rate.
Json latencies(const Setup& base, double rate_hz, int repeats) {
  const LoadShape shape;
  Setup setup = base;
  setup.rate_hz = rate_hz / 2;
  const double turn_ns = 1e9 * static_cast<double>(shape.sources * shape.events_per_packet) / setup.rate_hz;
  std::vector<double> bare_p99, engine_p99, bare_p50, engine_p50;
  Json runs = Json::array();
  for (int i = 0; i < repeats; ++i) {
    setup.bare = false;
    const Json engine = measure(setup);
    setup.bare = true;
    const Json bare = measure(setup, engine["collector"]["bytes_per_frame"].get<std::size_t>());
    bare_p99.push_back(bare["collector"]["p99_ns"].get<double>());
    bare_p50.push_back(bare["collector"]["p50_ns"].get<double>());
    engine_p99.push_back(engine["collector"]["p99_ns"].get<double>());
    engine_p50.push_back(engine["collector"]["p50_ns"].get<double>());
    std::printf("  repeat %d: bare p99 %.0f us, engine p99 %.0f us\n", i + 1, bare_p99.back() * 1e-3,
                engine_p99.back() * 1e-3);
    std::fflush(stdout);
    if (i + 1 == repeats) print_stages(engine["stages"]);
    runs.push_back({{"bare", bare}, {"engine", engine}});
  }
  return {{"fragments_per_s", setup.rate_hz},
          {"packing_ns", turn_ns},
          {"bare_p50_ns", median(bare_p50)},
          {"bare_p99_ns", median(bare_p99)},
          {"engine_p50_ns", median(engine_p50)},
          {"engine_p99_ns", median(engine_p99)},
          {"p99_to_bare", median(engine_p99) / median(bare_p99)},
          {"runs", runs}};
}

/// Target 5: resident memory over a long run.
Json long_run(const Setup& base, std::uint64_t fragments) {
  const LoadShape shape;
  Setup setup = base;
  setup.memory = true;
  setup.packets = fragments / (shape.sources * shape.events_per_packet);
  Json result = measure(setup);
  const Json& samples = result["memory"];
  std::size_t early = 0, late = 0;
  for (const Json& sample : samples) {
    const auto done = sample[0].get<std::uint64_t>();
    const auto bytes = sample[1].get<std::size_t>();
    if (done < fragments / 4) early = std::max(early, bytes);
    late = std::max(late, bytes);
  }
  result["first_quarter_bytes"] = early;
  result["whole_run_bytes"] = late;
  return result;
}

int run(int argc, char** argv) {
  CLI::App app{"Rates, latencies and memory of the whole trigger over tcp"};
  std::uint64_t packets = 24000, long_fragments = 100'000'000;
  int repeats = 5;
  std::string json_file;
  app.add_option("--packets", packets, "Packets of each source in a repeat [24000]");
  app.add_option("--repeats", repeats, "Repeats, interleaved [5]");
  app.add_option("--long-fragments", long_fragments, "Fragments of the memory run; 0: none [100 million]");
  app.add_option("--json", json_file, "Write the results to this file");
  CLI11_PARSE(app, argc, argv);

  const TemporaryFolder folder("crible-bench");
  write_config(folder.path());
  Setup base;
  base.packets = packets;
  base.folder = folder.path();
  Json result;
  std::puts("rate");
  result["rate"] = rates(base, repeats);
  std::printf("  engine / bare %.3f (target 0.85), with 1 %% recorded %.3f (target 0.80)\n",
              result["rate"]["engine_to_bare"].get<double>(),
              result["rate"]["recorded_to_bare"].get<double>());
  std::puts("latency at half load");
  base.packets = std::max<std::uint64_t>(packets / 2, 1);
  result["latency"] = latencies(base, result["rate"]["engine_fragments_per_s"], repeats);
  std::printf("  p99 engine / bare %.2f (target 2, plus %.0f us of packing)\n",
              result["latency"]["p99_to_bare"].get<double>(),
              result["latency"]["packing_ns"].get<double>() * 1e-3);
  if (long_fragments != 0) {
    std::puts("memory");
    result["memory"] = long_run(base, long_fragments);
    std::printf("  %.0f million fragments: %.1f MB in the first quarter, %.1f MB at most\n",
                static_cast<double>(long_fragments) * 1e-6,
                static_cast<double>(result["memory"]["first_quarter_bytes"].get<std::size_t>()) * 1e-6,
                static_cast<double>(result["memory"]["whole_run_bytes"].get<std::size_t>()) * 1e-6);
  }
  if (!json_file.empty()) tools::write_json_file(json_file, result);
  return 0;
}

}  // namespace
}  // namespace crible::bench

int main(int argc, char** argv) {
  try {
    return crible::bench::run(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench: %s\n", error.what());
    return 1;
  }
}
