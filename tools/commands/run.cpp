#include "engine/pipeline/run.hpp"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>

#include <chrono>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "engine/pipeline/monitor.hpp"
#include "tools/commands/commands.hpp"
#include "tools/interrupt.hpp"
#include "tools/json_file.hpp"
#include "tools/run_report.hpp"

namespace crible::tools {

namespace {

struct Options {
  std::string config;
  std::string json;
  std::string recording;
  std::string backend;
  bool check = false;
  bool quiet = false;
};

std::shared_ptr<spdlog::logger> make_log(bool quiet) {
  auto log =
      std::make_shared<spdlog::logger>("crible", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  log->set_pattern("%Y-%m-%d %H:%M:%S.%e %l: %v");
  if (quiet) log->set_level(spdlog::level::warn);
  return log;
}

/// The text of --check: what was loaded, and what a source has to know.
void describe(const pipeline::Trigger& trigger) {
  std::printf("%s: valid\n  %zu sources, %zu networks, %zu chains, %zu streams\n  menu %s %s\n",
              trigger.file.c_str(), trigger.description.sources.size(), trigger.networks.size(),
              trigger.menu.chains().size(), trigger.menu.streams().size(), trigger.menu.name().c_str(),
              trigger.menu.hash().c_str());
  for (std::size_t i = 0; i < trigger.networks.size(); ++i) {
    std::printf("  network %s %s\n", trigger.bindings[i].name().c_str(), trigger.network_hashes[i].c_str());
  }
  std::printf("  run %u, blocks of %llu events\n", trigger.run.number,
              static_cast<unsigned long long>(trigger.run.build.block_events));
  for (std::size_t i = 0; i < trigger.description.sources.size(); ++i) {
    const detector::Source& source = trigger.description.sources[i];
    std::printf("  source %u %s sends to", source.id, source.name.c_str());
    for (const std::string& address : input_addresses(trigger.run, i)) std::printf(" %s", address.c_str());
    std::printf("\n");
  }
}

/// One sentence for each device that was taken out, once.
void report_troubles(const pipeline::RunSummary& summary, std::set<std::string>& reported,
                     spdlog::logger& log) {
  for (const batching::Routing& routing : summary.shards.routing) {
    for (const std::string& trouble : routing.troubles) {
      if (reported.insert(trouble).second) log.error(trouble);
    }
  }
}

/// Until the run ends or a signal comes: one line on the log every status_ns.
void watch(pipeline::Run& run, const Interrupt& interrupt, const pipeline::RunConfig& config,
           std::set<std::string>& reported, spdlog::logger& log) {
  using clock = std::chrono::steady_clock;
  auto last = clock::now();
  std::uint64_t last_events = 0;
  while (!run.ended() && !interrupt.requested()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    const auto now = clock::now();
    if (config.monitoring.status_ns == 0 ||
        now - last < std::chrono::nanoseconds(config.monitoring.status_ns)) {
      continue;
    }
    const pipeline::RunSummary summary = run.summary();
    report_troubles(summary, reported, log);
    log.info(status_line(summary, summary.shards.decisions - last_events,
                         std::chrono::duration<double>(now - last).count()));
    last_events = summary.shards.decisions;
    last = now;
  }
}

/// Each source needs some open files in each shard; the usual limit is low, and a process may raise it.
void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);  // where it may not, the sentence about the socket says what to do
}

int run_trigger(const Options& options) {
  const pipeline::Trigger trigger = pipeline::load_trigger(options.config);
  pipeline::RunConfig config = trigger.run;
  if (!options.recording.empty()) config.record.file = options.recording;
  if (!options.backend.empty()) config.batch.backend = options.backend;
  if (options.check) {
    pipeline::compile(trigger, config.batch);
    describe(trigger);
    return 0;
  }
  require_folder(options.json);  // not only when the run is over
  const auto log = make_log(options.quiet);
  raise_file_limit();
  const Interrupt interrupt;
  pipeline::Run run(trigger, config);
  std::optional<pipeline::Monitor> monitor;
  if (!config.monitoring.prometheus.empty()) monitor.emplace(run, trigger, config.monitoring.prometheus);
  run.start();
  log->info("run {} takes data: {} shard(s) from {}, menu {} {:.12}", config.number, config.shards,
            config.input.bind, trigger.menu.name(), trigger.menu.hash());
  std::set<std::string> reported;
  watch(run, interrupt, config, reported, *log);
  log->info(run.ended() ? "every source has ended the run; closing the books" : "asked to stop; draining");
  const pipeline::RunSummary summary = run.finish();
  report_troubles(summary, reported, *log);
  if (!options.quiet) std::fputs(run_text(summary, trigger).c_str(), stdout);
  if (!summary.recording_failure.empty()) log->error(summary.recording_failure);
  if (summary.recorded.write_failed != 0) {
    log->error("{} events are not in the recording; if the disk is only slow, raise run.record.buffers",
               summary.recorded.write_failed);
  }
  if (!summary.recording_closed) log->error("the recording has no final block, or lacks books");
  for (const std::string& violation : summary.violations) log->error(violation);
  if (!options.json.empty()) write_json_file(options.json, to_json(summary, trigger));
  const bool well =
      summary.violations.empty() && summary.recorded.write_failed == 0 && summary.recording_closed;
  return well ? 0 : 1;
}

}  // namespace

void add_run(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command =
      line.add("run", "The online trigger: fragments in, decisions and recording out",
               "  crible run trigger.yaml --check      validate and run nothing\n"
               "  crible run trigger.yaml              until the sources end the run, or SIGINT/SIGTERM\n"
               "  crible run trigger.yaml --json summary.json",
               [options] { return run_trigger(*options); });
  command.option("config", options->config, "Configuration: detector, networks, menu, run (YAML)").required();
  command.flag("--check", options->check, "Check the whole configuration and the networks, run nothing");
  command.option("--json", options->json, "Write the summary of the run to this file");
  command.option("--recording", options->recording, "Record to this file instead of run.record.file");
  command.option("--backend", options->backend, "Backend or device instead of run.batch.backend");
  command.flag("--quiet", options->quiet, "Only warnings and errors");
}

}  // namespace crible::tools
