#include <memory>
#include <nlohmann/json.hpp>

#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"
#include "tools/sending.hpp"

namespace crible::tools {

void add_source(CommandLine& line) {
  struct Options {
    SendingOptions sending;
    std::filesystem::path json;
  };
  auto options = std::make_shared<Options>();
  Command command = line.add(
      "source", "Send a sample or a recording to a running trigger as real sources do",
      "  crible source tools/demo_data/stream --config demo.yaml --events 1000000\n"
      "  crible source tools/demo_data/stream --config demo.yaml --only jets --rate 40000\n"
      "  crible source tools/demo_data/stream --config demo.yaml --faults drop=0.01,delay=0.001,seed=7\n",
      [options] {
        write_json_file(options->json, send_sample(options->sending));
        return 0;
      });
  command.option("sample", options->sending.sample, "Folder with manifest.json, or a recording")
      .required()
      .existing_path();
  command.option("--config", options->sending.config, "Configuration of the run (YAML)")
      .required()
      .existing_file();
  add_sending_options(command, options->sending);
  command.option("--json", options->json, "Write what was sent to this file");
}

}  // namespace crible::tools
