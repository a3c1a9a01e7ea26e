#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <thread>

#include "engine/base/error.hpp"
#include "engine/base/temporary_folder.hpp"
#include "engine/pipeline/replay.hpp"
#include "engine/record/reader.hpp"
#include "tools/commands/commands.hpp"
#include "tools/demo_session.hpp"
#include "tools/json_file.hpp"
#include "tools/replay_report.hpp"
#include "tools/run_report.hpp"

namespace crible::tools {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string out;
  std::string data;
  std::string backend;
  std::string json;
  std::uint64_t events = 100'000;
};

/// The bundled sample and configuration: the option, $CRIBLE_DEMO_DATA, the source tree this was built
/// from, or beside an installed program.
fs::path find_data(const std::string& option) {
  if (!option.empty()) return option;
  if (const char* named = std::getenv("CRIBLE_DEMO_DATA")) return named;
  std::error_code ignored;
  const fs::path program = fs::read_symlink("/proc/self/exe", ignored);
  for (const fs::path& folder :
       {fs::path(CRIBLE_DEMO_DATA), program.parent_path() / "../share/crible/demo_data"}) {
    if (fs::exists(folder / "run.yaml", ignored)) return folder;
  }
  throw Error(std::string("the demo's data are not at ") + CRIBLE_DEMO_DATA +
              "; say where they are with --data or CRIBLE_DEMO_DATA");
}

void make_folder(const fs::path& folder) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) throw Error("cannot make the folder " + folder.string() + ": " + problem.message());
}

/// What the demo found, to be printed and written.
struct Results {
  SessionResult full;  // as fast as it goes, recorded
  SessionResult half;  // at half of that rate, for latencies
  double rate_hz = 0;
  pipeline::ReplayResult replay;

  bool good() const {
    return full.run.violations.empty() && half.run.violations.empty() && replay.identical() &&
           full.bad_frames == 0 && full.received_decisions == full.run.shards.decisions;
  }
};

double event_rate(const SessionResult& session) {
  const auto ns = session.run.shards.last_ns - session.run.shards.first_ns;
  return ns > 0 ? static_cast<double>(session.run.shards.decisions) * 1e9 / static_cast<double>(ns) : 0;
}

std::string text_of_rates(const Results& results) {
  const pipeline::ShardStatus& shards = results.full.run.shards;
  const double seconds = static_cast<double>(shards.last_ns - shards.first_ns) * 1e-9;
  const auto fragments = results.full.run.ledger.total().total().fragments.received;
  return fmt::format("{} events of {} fragments in {:.2f} s: {} events/s, {} fragments/s, {:.0f} MB/s\n",
                     count_text(shards.decisions), count_text(static_cast<std::uint64_t>(fragments)), seconds,
                     count_text(static_cast<std::uint64_t>(event_rate(results.full))),
                     count_text(static_cast<std::uint64_t>(static_cast<double>(fragments) / seconds)),
                     static_cast<double>(shards.bytes) * 1e-6 / seconds);
}

std::string text_of_latency(const Results& results) {
  std::string text = fmt::format(
      "\nlatency at {} events/s (half of that)\n  {:<12}{:>10}{:>10}{:>10}{:>10}\n",
      count_text(static_cast<std::uint64_t>(results.rate_hz)), "stage", "p50", "p99", "p99.9", "max");
  for (std::size_t i = 0; i < pipeline::stage_count; ++i) {
    const auto stage = static_cast<pipeline::Stage>(i);
    const pipeline::StageTimes times = results.half.run.shards.stages.times(stage);
    text += fmt::format("  {:<12}{:>10}{:>10}{:>10}{:>10}\n", to_string(stage), time_text(times.p50_ns),
                        time_text(times.p99_ns), time_text(times.p999_ns), time_text(times.max_ns));
  }
  return text;
}

std::string text_of_chains(const Results& results, const menu::Menu& menu) {
  std::string text = fmt::format("\n{:<26}{:>12}{:>16}\n", "chain", "condition", "after prescale");
  for (std::size_t c = 0; c < menu.chains().size(); ++c) {
    const pipeline::ChainCounts& counts = results.full.run.shards.chains[c];
    text += fmt::format("{:<26}{:>12}{:>16}\n", menu.chains()[c].name, count_text(counts.before),
                        count_text(counts.after));
  }
  return text;
}

std::string text_of_labels(const Results& results) {
  std::string text = fmt::format("\n{:<26}{:>12}{:>12}{:>10}\n", "kept of", "events", "kept", "");
  for (const LabelCounts& label : results.full.labels) {
    if (label.events == 0) continue;
    text += fmt::format("{:<26}{:>12}{:>12}{:>9.1f}%\n", label.name, count_text(label.events),
                        count_text(label.kept),
                        100.0 * static_cast<double>(label.kept) / static_cast<double>(label.events));
  }
  return text;
}

std::string text_of_books(const Results& results) {
  const builder::Book total = results.full.run.ledger.total();
  const builder::FragmentCounts fragments = total.total().fragments;
  const builder::EventCounts& events = total.events;
  std::string text = fmt::format(
      "\nledger: {} ({} luminosity blocks)\n  fragments: sent {} = received {} + transport gap {}; used {}\n"
      "  events: opened {} = complete {} + incomplete {} + evicted {}; accepted {}, rejected {}, prescaled "
      "out {}, "
      "forced {}\n",
      results.full.run.violations.empty() ? "balanced" : "DOES NOT BALANCE",
      results.full.run.ledger.books().size(), fragments.sent, fragments.received, fragments.transport_gap,
      fragments.used, events.opened, events.complete, events.incomplete_timeout + events.incomplete_stop,
      events.evicted, events.accepted, events.rejected, events.prescaled_out, events.forced);
  for (const std::string& violation : results.full.run.violations) text += "  " + violation + "\n";
  text += fmt::format("recording: {} events, {} bytes\n", count_text(results.full.run.recorded.recorded),
                      count_text(results.full.run.recorded.file_bytes));
  const pipeline::Comparison& comparison = results.replay.comparison;
  text += fmt::format("replay: {} ({} of {} events identical, {} gained, {} lost)\n",
                      results.replay.identical() ? "identical" : "DIFFERS", count_text(comparison.identical),
                      count_text(comparison.events), comparison.gained(), comparison.lost());
  if (results.full.bad_frames != 0)
    text += fmt::format("decision frames damaged: {}\n", results.full.bad_frames);
  return text;
}

nlohmann::ordered_json json_of(const Results& results, const pipeline::Trigger& trigger,
                               const record::Reader& reader) {
  nlohmann::ordered_json json = to_json(results.full.run, trigger);
  nlohmann::ordered_json half = to_json(results.half.run, trigger);
  json["latency_ns"] = half["latency_ns"];
  json["latency_at_events_per_s"] = results.rate_hz;
  json["latency_ns_at_full_rate"] = to_json(results.full.run, trigger)["latency_ns"];
  nlohmann::ordered_json labels = nlohmann::ordered_json::object();
  for (const LabelCounts& label : results.full.labels) {
    labels[label.name] = {{"events", label.events}, {"kept", label.kept}};
  }
  json["labels"] = labels;
  json["decisions"]["received"] = results.full.received_decisions;
  json["decisions"]["bad_frames"] = results.full.bad_frames;
  json["replay"] = replay_json(reader, results.replay);
  return json;
}

int run_demo(const Options& options) {
  const fs::path data = find_data(options.data);
  const pipeline::Trigger trigger = pipeline::load_trigger(data / "run.yaml");
  const pipeline::Sample sample = pipeline::Sample::load(data / "stream");
  std::optional<TemporaryFolder> temporary;
  if (options.out.empty()) temporary.emplace("crible-demo");
  const fs::path folder = temporary ? temporary->path() : fs::path(options.out);
  make_folder(folder);
  const fs::path recording = folder / "demo.crec";

  Results results;
  SessionOptions session{options.events, 0, recording, options.backend};
  results.full = run_session(trigger, sample, session);
  results.rate_hz = event_rate(results.full) / 2;
  session = {std::max<std::uint64_t>(options.events / 4, 1), results.rate_hz, {}, options.backend};
  results.half = run_session(trigger, sample, session);

  const record::Reader reader(recording);
  pipeline::ReplayControl control;
  results.replay =
      pipeline::replay(reader, trigger, {std::max(1u, std::thread::hardware_concurrency()), true}, control);

  const std::string screen =
      fmt::format("crible demo: menu {}, {} sources over tcp, backend {}\n\n", trigger.menu.name(),
                  trigger.description.sources.size(),
                  options.backend.empty() ? trigger.run.batch.backend : options.backend) +
      text_of_rates(results) + text_of_latency(results) + text_of_chains(results, trigger.menu) +
      text_of_labels(results) + text_of_books(results);
  std::fputs(screen.c_str(), stdout);
  const nlohmann::ordered_json json = json_of(results, trigger, reader);
  if (!options.out.empty()) write_json_file(folder / "summary.json", json);
  if (!options.json.empty()) write_json_file(options.json, json);
  return results.good() ? 0 : 1;
}

}  // namespace

void add_demo(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command = line.add(
      "demo", "The main job on the bundled sample: sources, trigger, decisions, recording, replay",
      "  crible demo                              one screen: rates, latency, chains, ledger, replay\n"
      "  crible demo --out demo --events 1000000  keeps demo/demo.crec and demo/summary.json\n",
      [options] { return run_demo(*options); });
  command.option("--out", options->out, "Keep the recording and summary.json in this folder");
  command.option("--events", options->events, "Events to send [100000]").positive();
  command.option("--backend", options->backend, "Backend or device instead of the configuration's");
  command.option("--data", options->data, "Folder of the sample and its configuration");
  command.option("--json", options->json, "Write the summary to this file, too");
}

}  // namespace crible::tools
