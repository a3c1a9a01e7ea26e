#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "engine/base/file.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

constexpr const char* folder = "tests/data/firmware/";

/// CRIBLE_UPDATE_GOLDEN=1 writes the files instead of comparing with them.
bool updating() {
  return std::getenv("CRIBLE_UPDATE_GOLDEN") != nullptr;
}

Firmware sample(const std::string& name) {
  for (const network::Network& network : conformance::operation_samples())
    if (network.name == name) return generate(network);
  throw std::runtime_error("no sample " + name);
}

TEST(Golden, TextOfSmallNetworks) {
  for (const char* name : {"dense_one_by_one", "compare_and_select", "leaky_relu", "tree_ensemble"}) {
    const std::string path = folder + std::string(name) + ".sv";
    const std::string text = sample(name).files.front().text;
    if (updating()) {
      write_file(path, text);
      continue;
    }
    EXPECT_EQ(text, read_file(path)) << path << "; if the change is meant, run with CRIBLE_UPDATE_GOLDEN=1";
  }
}

/// LUTs and flip-flops of a project after synthesis.
std::map<std::string, int> cells(const Firmware& firmware) {
  const TemporaryFolder scratch("crible_hls");
  write_project(firmware, scratch.path().string());
  const std::string said =
      complaints("yosys -p 'read_verilog -sv " + (scratch.path() / firmware.sources.front()).string() +
                 "; synth_xilinx -top " + firmware.top +
                 " -family xcup -noiopad -nodsp -nobram -nolutram -flatten; stat'");
  const std::string stat = said.substr(said.rfind("Number of cells:"));
  std::map<std::string, int> counts{{"lut", 0}, {"flip_flops", 0}};
  const std::regex line("\\n\\s+([A-Z]+)[0-9A-Z]*\\s+([0-9]+)");
  for (std::sregex_iterator match(stat.begin(), stat.end(), line), end; match != end; ++match) {
    if ((*match)[1] == "LUT") counts["lut"] += std::stoi((*match)[2]);
    if (std::string((*match)[1]).starts_with("FD")) counts["flip_flops"] += std::stoi((*match)[2]);
  }
  return counts;
}

TEST(Golden, CellsAfterSynthesis) {
  const std::string path = std::string(folder) + "cells.json";
  constexpr double tolerance = 0.03;
  nlohmann::json wanted = updating() ? nlohmann::json::object() : nlohmann::json::parse(read_file(path));
  for (const char* name : {"dense_s8", "compare_and_select", "leaky_relu", "tree_ensemble"}) {
    const std::map<std::string, int> got = cells(sample(name));
    if (updating()) wanted[name] = got;
    for (const auto& [cell, count] : got) {
      const double golden = wanted.at(name).at(cell).get<double>();
      EXPECT_NEAR(count, golden, tolerance * golden + 1) << name << " " << cell;
    }
  }
  if (updating()) write_file(path, wanted.dump(2) + "\n");
}

}  // namespace
}  // namespace crible::hls
