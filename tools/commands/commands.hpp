#pragma once

#include <functional>
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace crible::tools {

/// What main() gives to each command's registration.
class CommandLine {
 public:
  explicit CommandLine(CLI::App& app) : app_(app) {}

  /// Adds the subcommand `name`. `run` is called when it was chosen and its arguments parsed, and returns the
  /// exit status: 0 done, 1 failure (or "differs", "does not hold"), 2 the user's mistake. Throwing
  /// crible::Error gives 2 or 1 and prints its sentence. `examples` closes the command's --help.
  CLI::App& add(const std::string& name, const std::string& what, const std::string& examples,
                std::function<int()> run);

  int exit_status() const { return exit_status_; }

 private:
  CLI::App& app_;
  int exit_status_ = 0;
};

// A new command: a file commands/<name>.cpp that defines add_<name>, its declaration here, its line below.

void add_bench(CommandLine& line);
void add_demo(CommandLine& line);
void add_devices(CommandLine& line);
void add_eval(CommandLine& line);
void add_firmware(CommandLine& line);
void add_import(CommandLine& line);
void add_inspect(CommandLine& line);
void add_join(CommandLine& line);
void add_quantize(CommandLine& line);
void add_replay(CommandLine& line);
void add_run(CommandLine& line);
void add_source(CommandLine& line);
void add_verify(CommandLine& line);

inline const std::vector<void (*)(CommandLine&)> all_commands = {
    add_demo, add_run,  add_source,   add_replay, add_import,  add_quantize, add_inspect,
    add_join, add_eval, add_firmware, add_verify, add_devices, add_bench,
};

}  // namespace crible::tools
