#include "tests/unit/hls/tools.hpp"

#include <unistd.h>

#include <array>
#include <cstdio>

namespace crible::hls {

namespace fs = std::filesystem;

std::string complaints(const std::string& command) {
  FILE* pipe = popen((command + " 2>&1 </dev/null").c_str(), "r");
  if (pipe == nullptr) return command + " cannot be started";
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t bytes = std::fread(buffer.data(), 1, buffer.size(), pipe))
    output.append(buffer.data(), bytes);
  const int status = pclose(pipe);
  if (status == 0 && output.empty()) return {};
  return command + "\nexit status " + std::to_string(status) + "\n" + output;
}

std::string lint(const std::vector<Firmware>& projects) {
  const TemporaryFolder scratch("crible_hls");
  std::string sources;
  std::string tops;
  for (const Firmware& firmware : projects) {
    const fs::path folder = scratch.path() / firmware.top;
    write_project(firmware, folder.string());
    for (const std::string& source : firmware.sources) sources += " " + (folder / source).string();
    tops += " -s " + firmware.top;
  }
  return complaints("verilator --lint-only -Wall -Wno-MULTITOP" + sources) +
         complaints("iverilog -g2012 -Wall -t null" + tops + sources) +
         complaints("yosys -q -p 'read_verilog -sv" + sources + "; proc; check -assert'");
}

}  // namespace crible::hls
