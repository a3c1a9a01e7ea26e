#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace crible::sim {

struct ProcessResult {
  int status = 0;  // exit status; 128 + signal when killed
  bool timed_out = false;
  std::string output;  // of stdout and stderr together, the last part when it is long
};

/// Runs a program and waits. `folder` is its working directory (empty: ours). Throws Error when it is not
/// installed or cannot be started.
ProcessResult run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                          int timeout_s);

/// The full path of a program in PATH; empty when there is none.
std::string find_program(const std::string& name);

/// Throws Error, one sentence with the package to install, unless the program is there.
void need_program(const std::string& name, const std::string& package);

/// Throws Error unless Verilator is there and at least version 5.
void need_verilator();

/// First line of `name --version` or the like, for certificates.
std::string version_of(const std::string& name, const std::string& option);

/// A folder for what is built and kept: $CRIBLE_CACHE, $XDG_CACHE_HOME/crible or ~/.cache/crible.
std::filesystem::path cache_folder();

}  // namespace crible::sim
