// What the engine costs without sockets and networks: nanoseconds a fragment, by stage, with all packets in
// memory. Checks that events and ledger are right before it measures.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/engine/decide.hpp"
#include "bench/engine/gather.hpp"
#include "bench/engine/packets.hpp"
#include "bench/instrument/process.hpp"
#include "bench/report/statistics.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/wire/crc32c.hpp"

namespace crible::bench {
namespace {

using builder::Event;
using builder::EventBuilder;

struct Options {
  std::uint16_t sources = 8;
  std::size_t fragment_bytes = 200;
  std::uint64_t events = 4096;
  std::size_t packet_events = 315;
  int repeats = 201;
  std::uint64_t soak_fragments = 0;
  std::string json;
};

/// Keeps a result from being optimised away.
volatile std::uint64_t sink = 0;

void touch_first_bytes(const Packets& packets) {
  std::uint64_t sum = 0;
  for (const auto& frame : packets.frames) sum += static_cast<std::uint64_t>(frame[0]);
  sink = sum;
}

void checksums(const Packets& packets) {
  std::uint64_t sum = 0;
  for (const auto& frame : packets.frames) sum += wire::frame_checksum(frame);
  sink = sum;
}

void parse_all(const Packets& packets) {
  std::uint64_t sum = 0;
  wire::PacketView view;
  for (const auto& frame : packets.frames) {
    sum += static_cast<std::uint64_t>(wire::parse(frame, packets.block_events, view));
  }
  sink = sum;
}

/// Checks, building, ledger; each closed event is given to `use`, which releases it sooner or later. Returns
/// the number of events.
template <class Use>
std::uint64_t close_all(const Packets& packets, EventBuilder& builder, std::int64_t now_ns, Use use) {
  std::uint64_t events = 0;
  for (const auto& frame : packets.frames) {
    wire::Message message(frame, nullptr, nullptr);
    if (builder.accept(message, now_ns) == builder::Accepted::busy) break;
    while (Event* event = builder.next_closed()) {
      use(*event);
      ++events;
    }
  }
  return events;
}

/// Likewise, and each event is released at once.
template <class Use>
std::uint64_t build_all(const Packets& packets, EventBuilder& builder, std::int64_t now_ns, Use use) {
  return close_all(packets, builder, now_ns, [&](Event& event) {
    use(event);
    builder.release(event, builder::Outcome::rejected);
  });
}

struct Stage {
  std::string name;
  std::function<void()> run;
  std::vector<double> seconds;
};

double seconds_of(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Builds so many fragments and reports the memory after the first hundredth and at the end.
nlohmann::ordered_json soak(Packets& packets, std::uint64_t fragments) {
  EventBuilder builder(config_for(packets));
  const std::uint64_t rounds = std::max<std::uint64_t>(2, fragments / packets.fragments());
  std::uint64_t events = 0;
  std::uint64_t first_bytes = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    events += build_all(packets, builder, static_cast<std::int64_t>(round), [](const Event&) {});
    while (builder.next_finished_book() != nullptr) {
    }
    move_on(packets, 1);
    if (round == rounds / 100) first_bytes = resident_bytes();
  }
  if (events != rounds * packets.events) throw Error("bench_engine: events were lost", Fault::failure);
  const std::uint64_t last_bytes = resident_bytes();
  std::printf("%llu fragments: resident memory %.1f MB after 1 %%, %.1f MB at the end\n",
              static_cast<unsigned long long>(rounds * packets.fragments()), first_bytes * 1e-6,
              last_bytes * 1e-6);
  return {{"fragments", rounds * packets.fragments()},
          {"resident_bytes_after_1_percent", first_bytes},
          {"resident_bytes_at_end", last_bytes}};
}

nlohmann::ordered_json report(const std::vector<Stage>& stages, const Packets& packets) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  const auto fragments = static_cast<double>(packets.fragments());
  double before = 0;
  std::printf("%-40s %14s %14s %12s\n", "stage, each with those above it", "ns/fragment", "added", "GB/s");
  for (const Stage& stage : stages) {
    const double ns = median(stage.seconds) / fragments * 1e9;
    const double added_ns = ns - before;
    std::printf("%-40s %14.2f %14.2f %12.2f\n", stage.name.c_str(), ns, added_ns,
                static_cast<double>(packets.bytes) / median(stage.seconds) * 1e-9);
    list.push_back({{"stage", stage.name}, {"ns_per_fragment", ns}, {"added_ns_per_fragment", added_ns}});
    before = ns;
  }
  std::printf("%.2f million fragments/s, %.1f ns/event on one core\n", 1e3 / before,
              before * packets.source_count);
  return list;
}

void check_gather(const Packets& packets, GatherStage& gather) {
  EventBuilder builder(config_for(packets));
  build_all(packets, builder, 0, [&gather](const Event& event) {
    gather.run(event);
    gather.check(event);
  });
}

void run(const Options& options) {
  Packets packets =
      make_packets(options.sources, options.fragment_bytes, options.events, options.packet_events);
  check_answers(packets);
  std::printf("%u sources, %zu-byte fragments, %zu in a packet, %.1f MB of packets; answers checked\n",
              options.sources, options.fragment_bytes, options.packet_events, packets.bytes * 1e-6);
  const bool gathers = options.sources == 8 && options.fragment_bytes == 200;
  GatherStage gather;
  if (gathers) check_gather(packets, gather);
  std::vector<Stage> stages = {
      {"first byte of each packet", [&] { touch_first_bytes(packets); }, {}},
      {"CRC-32C", [&] { checksums(packets); }, {}},
      {"parse (header, table)", [&] { parse_all(packets); }, {}},
      {"build, ledger, release", {}, {}},
  };
  EventBuilder builder(config_for(packets));
  std::int64_t now_ns = 0;
  const auto build = [&](auto use) { sink = build_all(packets, builder, now_ns, use); };
  stages[3].run = [&] { build([](const Event&) {}); };
  DecideStage decide(builder);
  if (gathers) {
    stages.push_back({"decode", [&] { build([&](const Event& event) { gather.decode(event); }); }, {}});
    stages.push_back(
        {"gather 57 inputs", [&] { build([&](const Event& event) { gather.run(event); }); }, {}});
    stages.push_back({"network, menu, encoded decision",
                      [&] {
                        close_all(packets, builder, now_ns, [&](Event& event) { decide.add(event); });
                        sink = decide.finish();
                      },
                      {}});
  }
  for (; now_ns < options.repeats; ++now_ns) {
    for (Stage& stage : stages) {
      stage.seconds.push_back(seconds_of(stage.run));
      if (&stage < &stages[3]) continue;
      if (sink != packets.events) throw Error("bench_engine: events were lost", Fault::failure);
      // The builder takes each packet once: the next stage gets the next part of the run.
      move_on(packets, 1);
    }
  }
  nlohmann::ordered_json json = {{"sources", options.sources},
                                 {"fragment_bytes", options.fragment_bytes},
                                 {"packet_events", options.packet_events},
                                 {"packet_set_bytes", packets.bytes},
                                 {"repeats", options.repeats}};
  json["stages"] = report(stages, packets);
  if (options.soak_fragments > 0) json["memory"] = soak(packets, options.soak_fragments);
  if (!options.json.empty()) write_file(options.json, json.dump(1) + "\n");
}

}  // namespace
}  // namespace crible::bench

int main(int argc, char** argv) {
  crible::bench::Options options;
  CLI::App app("Nanoseconds per fragment of the engine without sockets and networks, by stage");
  app.add_option("--sources", options.sources, "sources")->capture_default_str();
  app.add_option("--fragment-bytes", options.fragment_bytes, "payload of a fragment")->capture_default_str();
  app.add_option("--events", options.events, "events in memory")->capture_default_str();
  app.add_option("--packet-events", options.packet_events, "fragments in a packet")->capture_default_str();
  app.add_option("--repeats", options.repeats, "repeats, of which the median counts")->capture_default_str();
  app.add_option("--soak", options.soak_fragments, "also build so many fragments and watch the memory");
  app.add_option("--json", options.json, "write the results to this file");
  CLI11_PARSE(app, argc, argv);
  try {
    crible::bench::run(options);
  } catch (const crible::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return error.fault() == crible::Fault::user ? 2 : 1;
  }
  return 0;
}
