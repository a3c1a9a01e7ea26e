#include "sim/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "engine/base/error.hpp"

namespace crible::sim {

namespace {

constexpr std::size_t most_output_bytes = 1 << 20;

/// A child in a process group of its own, so that a timeout ends what it has started as well.
pid_t start(const std::vector<std::string>& command, const std::filesystem::path& folder, int output) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
  posix_spawnattr_setpgroup(&attributes, 0);
  pid_t child = 0;
  const int problem = posix_spawnp(&child, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  if (problem != 0) {
    throw Error("'" + command[0] + "' cannot be started: " + std::strerror(problem) + ".", Fault::failure);
  }
  return child;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& command, const std::filesystem::path& folder,
                          int timeout_s) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) throw Error("No pipe can be made.", Fault::failure);
  pid_t child = 0;
  try {
    child = start(command, folder, ends[1]);
  } catch (...) {
    close(ends[0]);
    close(ends[1]);
    throw;
  }
  close(ends[1]);
  ProcessResult result;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(timeout_s);
  char buffer[1 << 14];
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
    pollfd entry{ends[0], POLLIN, 0};
    const int ready = left.count() > 0 ? poll(&entry, 1, static_cast<int>(left.count())) : 0;
    if (ready == 0) {
      result.timed_out = true;
      kill(-child, SIGKILL);
      break;
    }
    if (ready < 0) continue;
    const ssize_t count = read(ends[0], buffer, sizeof buffer);
    if (count <= 0) break;
    result.output.append(buffer, static_cast<std::size_t>(count));
    if (result.output.size() > 2 * most_output_bytes) result.output.erase(0, most_output_bytes);
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

std::string find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  if (path == nullptr) return {};
  std::string list = path;
  for (std::size_t start = 0; start <= list.size();) {
    std::size_t end = list.find(':', start);
    if (end == std::string::npos) end = list.size();
    const std::string candidate = list.substr(start, end - start) + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
    start = end + 1;
  }
  return {};
}

void need_program(const std::string& name, const std::string& package) {
  if (!find_program(name).empty()) return;
  throw Error("'" + name + "' is not installed, which this check needs: apt install " + package + ".");
}

void need_verilator() {
  need_program("verilator", "verilator");
  const std::string version = version_of("verilator", "--version");  // "Verilator 5.006 2023-01-22 rev ..."
  const std::size_t number = version.find(' ');
  const int major = number == std::string::npos ? 0 : std::atoi(version.c_str() + number);
  if (major < 5) {
    throw Error("Verilator is too old (" + version + "): version 5.000 or later is needed.");
  }
}

std::string version_of(const std::string& name, const std::string& option) {
  if (find_program(name).empty()) return {};
  const std::string output = run_process({name, option}, {}, 20).output;
  return output.substr(0, output.find('\n'));
}

std::filesystem::path cache_folder() {
  if (const char* chosen = std::getenv("CRIBLE_CACHE")) return chosen;
  if (const char* cache = std::getenv("XDG_CACHE_HOME")) return std::filesystem::path(cache) / "crible";
  if (const char* home = std::getenv("HOME")) return std::filesystem::path(home) / ".cache" / "crible";
  return std::filesystem::temp_directory_path() / "crible-cache";
}

}  // namespace crible::sim
