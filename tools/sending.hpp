#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "engine/pipeline/source_sender.hpp"
#include "tools/commands/command_line.hpp"

namespace crible::tools {

/// What `crible source` and `crible replay --as-source` have in common.
struct SendingOptions {
  std::filesystem::path sample;
  std::filesystem::path config;
  std::vector<std::string> only;  // names of sources; empty: all
  std::string faults;
  double flush_us = 200;
  double give_up_s = 30;
  pipeline::SourceOptions source;
};

/// Adds the options of sending (not sample and config) to a command.
void add_sending_options(Command& command, SendingOptions& options);

/// Sends the sample to the shards of the configuration, with a progress bar; ends early on SIGINT and
/// SIGTERM. Prints a summary and returns it as JSON. Throws Error.
nlohmann::ordered_json send_sample(SendingOptions options);

}  // namespace crible::tools
