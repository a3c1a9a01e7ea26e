#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <regex>

#include "engine/base/file.hpp"
#include "engine/network/build.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

constexpr const char* folder = "tests/data/firmware/";

network::Network sample_network(const std::string& name) {
  for (network::Network& network : conformance::operation_samples())
    if (network.name == name) return std::move(network);
  throw std::runtime_error("no sample " + name);
}

Firmware sample(const std::string& name) {
  return generate(sample_network(name));
}

TEST(Golden, TextOfSmallNetworks) {
  for (const char* name : {"dense_one_by_one", "compare_and_select", "leaky_relu", "tree_ensemble"})
    expect_golden(folder + std::string(name) + ".sv", sample(name).files.front().text);
}

/// A layer that saturates, on an image or on a vector.
network::Network layer(const std::string& name, bool on_image) {
  network::Builder builder(name);
  const network::NodeId x =
      builder.input("x", on_image ? network::Shape{1, 3, 4} : network::Shape{3}, {true, 4, 0});
  network::Operation operation = network::Dense{2, 3, 0, {3, -1, 2, 5, 0, -7}, {1, -2}};
  if (on_image) {
    network::Conv conv;
    conv.filters = 1;
    conv.window = {{2, 3}, {1, 1}, {1, 1}, {1, 1}, {0, 1}};
    conv.weights = {1, -2, 3, 0, 5, -1};
    conv.bias = {4};
    operation = conv;
  }
  network::Requantize narrow;
  narrow.shift = {2};
  builder.output(
      "y", builder.add("narrow", narrow, {builder.add("sums", operation, {x})}, network::Type{true, 4, 0}));
  return builder.finish();
}

struct Mode {
  const char* name;
  network::Network network;
  Options options;
};

std::vector<Mode> modes(const std::string& links_file) {
  std::vector<Mode> list{
      {"stream", layer("image", true), {}},       {"stream_two_pixels", layer("image", true), {}},
      {"reuse", layer("vector", false), {}},      {"scan_in_time", sample_network("scan_back_all"), {}},
      {"counters", layer("counting", false), {}}, {"axi_stream", layer("streaming", false), {}},
      {"links", layer("linked", false), {}}};
  list[0].options.stream_pixels = 1;
  list[1].options.stream_pixels = 2;
  list[2].options.reuse = 3;
  list[3].options.scan_in_time = true;
  list[4].options.saturation_counters = true;
  list[5].options.axi_stream = true;
  list[6].options.links_file = links_file;
  return list;
}

/// All Verilog and VHDL of a project in one text.
TEST(Golden, TextOfEachMode) {
  const TemporaryFolder scratch("crible_hls");
  const std::string links_file = (scratch.path() / "links.yaml").string();
  write_file(
      links_file,
      "links: 1\nwords: 2\ninputs:\n- input: x\n  elements:\n  - {link: 0, word: 0, bit: 8, count: 2}\n"
      "  - {link: 0, word: 1, bit: 0, width: 3}\n");
  for (const Mode& mode : modes(links_file)) {
    std::string text;
    for (const File& file : generate(mode.network, mode.options).files)
      if (file.path.starts_with("rtl/")) text += "// ==== " + file.path + "\n" + file.text;
    expect_golden(folder + std::string("mode_") + mode.name + ".txt", text);
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
  nlohmann::json wanted =
      updating_golden() ? nlohmann::json::object() : nlohmann::json::parse(read_file(path));
  for (const char* name : {"dense_s8", "compare_and_select", "leaky_relu", "tree_ensemble"}) {
    const std::map<std::string, int> got = cells(sample(name));
    if (updating_golden()) wanted[name] = got;
    for (const auto& [cell, count] : got) {
      const double golden = wanted.at(name).at(cell).get<double>();
      EXPECT_NEAR(count, golden, tolerance * golden + 1) << name << " " << cell;
    }
  }
  if (updating_golden()) write_file(path, wanted.dump(2) + "\n");
}

}  // namespace
}  // namespace crible::hls
