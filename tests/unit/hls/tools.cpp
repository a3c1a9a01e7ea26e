#include "tests/unit/hls/tools.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <cstdlib>

#include "engine/base/file.hpp"

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

std::string bench_result(Firmware firmware, const std::vector<PortValues>& inputs,
                         const std::vector<PortValues>& outputs) {
  add_vectors(firmware, inputs, outputs);
  const TemporaryFolder scratch("crible_hls");
  write_project(firmware, scratch.path().string());
  std::string sources;
  for (const std::string& source : firmware.sources) sources += " " + source;
  const std::string said = complaints("cd " + scratch.path().string() + " && iverilog -g2012 -o bench" +
                                      sources + " sim/" + firmware.top + "_tb.sv && vvp -n bench");
  const std::size_t end = said.rfind(" wrong\n");
  if (end == std::string::npos) return said;
  const std::size_t begin = said.rfind('\n', end) + 1;
  return said.substr(begin, end + 6 - begin);
}

bool updating_golden() {
  return std::getenv("CRIBLE_UPDATE_GOLDEN") != nullptr;
}

void expect_golden(const std::string& path, const std::string& text) {
  if (updating_golden()) {
    write_file(path, text);
    return;
  }
  EXPECT_EQ(text, read_file(path)) << path << "; if the change is meant, run with CRIBLE_UPDATE_GOLDEN=1";
}

}  // namespace crible::hls
