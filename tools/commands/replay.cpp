#include "engine/pipeline/replay.hpp"

#include <cstdio>
#include <future>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "tools/commands/commands.hpp"
#include "tools/interrupt.hpp"
#include "tools/json_file.hpp"
#include "tools/progress.hpp"
#include "tools/replay_report.hpp"
#include "tools/sending.hpp"

namespace crible::tools {
namespace {

struct Options {
  SendingOptions sending;  // its sample is the recording
  std::string backend;
  std::filesystem::path json;
  std::size_t jobs = 0;  // 0: one for each processor
  bool no_networks = false;
  bool as_source = false;
};

int decide_again(const Options& options) {
  const record::Reader reader(options.sending.sample);
  pipeline::Trigger trigger = pipeline::load_trigger(options.sending.config);
  if (!options.backend.empty()) trigger.run.batch.backend = options.backend;
  pipeline::ReplayOptions replay_options;
  replay_options.jobs = options.jobs > 0 ? options.jobs : std::max(1u, std::thread::hardware_concurrency());
  replay_options.networks = !options.no_networks;

  std::uint64_t events = 0;
  for (const record::BlockInfo& block : reader.blocks()) events += block.header.event_count;
  pipeline::ReplayControl control;
  const Interrupt interrupt;
  Progress progress("events", events);
  auto work =
      std::async(std::launch::async, [&] { return replay(reader, trigger, replay_options, control); });
  while (work.wait_for(std::chrono::milliseconds(50)) != std::future_status::ready) {
    progress.update(control.events.load());
    if (interrupt.requested()) control.stop = true;
  }
  const pipeline::ReplayResult result = work.get();
  std::fputs(replay_text(reader, result).c_str(), stdout);
  write_json_file(options.json, replay_json(reader, result));
  return result.identical() && !damaged(reader) ? 0 : 1;
}

}  // namespace

void add_replay(CommandLine& line) {
  auto options = std::make_shared<Options>();
  Command command =
      line.add("replay", "Decide a recording again and compare: identical, gained and lost per chain",
               "  crible replay demo.crec --config demo.yaml\n"
               "  crible replay demo.crec --config new_menu.yaml --json difference.json\n"
               "  crible replay demo.crec --config demo.yaml --as-source --rate 10000\n"
               "Exit status 1 when a decision differs, a book does not balance or a block cannot be read.\n",
               [options] {
                 if (!options->as_source) return decide_again(*options);
                 write_json_file(options->json, send_sample(options->sending));
                 return 0;
               });
  command.option("recording", options->sending.sample, "Recording of a run").required().existing_file();
  command.option("--config", options->sending.config, "Configuration with the menu to decide by (YAML)")
      .required()
      .existing_file();
  command.option("--backend", options->backend, "Backend or device instead of run.batch.backend");
  command.option("--jobs", options->jobs, "Threads [one for each processor]");
  command.flag("--no-networks", options->no_networks,
               "Take the networks' outputs from the recording instead of evaluating them");
  command.flag("--as-source", options->as_source,
               "Send the recording to a running trigger instead, with the options of `crible source`");
  command.option("--json", options->json, "Write the result to this file");
  add_sending_options(command, options->sending);
}

}  // namespace crible::tools
