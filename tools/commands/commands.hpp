#pragma once

#include <vector>

#include "tools/commands/command_line.hpp"

namespace crible::tools {

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
