#include "bench/instrument/fingerprint.hpp"

#include <fmt/core.h>
#include <gnu/libc-version.h>
#include <sched.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <zstd.h>

#include <fstream>
#include <zmq.hpp>

#include "bench/instrument/build_commit.hpp"

namespace crible::bench {

namespace {

std::string first_line(const std::string& path, const std::string& otherwise) {
  std::ifstream file(path);
  std::string line;
  return std::getline(file, line) ? line : otherwise;
}

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const std::size_t colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

std::string kernel() {
  utsname name{};
  if (uname(&name) != 0) return "unknown";
  return std::string(name.sysname) + " " + name.release;
}

std::uint64_t memory_bytes() {
  struct sysinfo info {};
  return sysinfo(&info) == 0 ? static_cast<std::uint64_t>(info.totalram) * info.mem_unit : 0;
}

std::string zmq_text() {
  int major = 0, minor = 0, patch = 0;
  ::zmq_version(&major, &minor, &patch);
  return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch);
}

}  // namespace

std::size_t usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return static_cast<std::size_t>(CPU_COUNT(&cores));
}

Machine fingerprint(const std::string& clock) {
  Machine machine;
  machine.cpu = cpu_name();
  machine.cores = usable_cores();
  machine.governor = first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
                                "not visible (a virtual machine, or no frequency scaling)");
  machine.kernel = kernel();
  machine.memory_bytes = memory_bytes();
  machine.clock = clock;
#if defined(__clang__)
  machine.compiler = "clang " __clang_version__;
#else
  machine.compiler = "g++ " __VERSION__;
#endif
  machine.compiler_flags = CRIBLE_COMPILER_FLAGS;
  machine.libraries = {{"zmq", zmq_text()},
                       {"libc", gnu_get_libc_version()},
                       {"libstdc++", std::to_string(__GLIBCXX__)},
                       {"zstd", ZSTD_versionString()},
                       {"fmt", std::to_string(FMT_VERSION)}};
  machine.commit = build_commit;
  return machine;
}

}  // namespace crible::bench
