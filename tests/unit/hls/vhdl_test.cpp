// The VHDL wrapper: GHDL reads it, and its ports are those of the module.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "engine/network/build.hpp"
#include "tests/conformance/sample_networks.hpp"
#include "tests/unit/hls/tools.hpp"

namespace crible::hls {
namespace {

/// What GHDL says to the wrappers.
std::string analysed(const std::vector<Firmware>& projects) {
  const TemporaryFolder scratch("crible_vhdl");
  std::string command = "cd " + scratch.path().string() + " && ghdl -a --std=08";
  for (const Firmware& firmware : projects) {
    write_project(firmware, (scratch.path() / firmware.top).string());
    command += " " + firmware.top + "/rtl/" + firmware.top + "_vhdl.vhd";
  }
  return complaints(command);
}

const std::string& text_of(const Firmware& firmware, const std::string& path) {
  for (const File& file : firmware.files)
    if (file.path == path) return file.text;
  throw std::runtime_error("no file " + path);
}

using Ports = std::set<std::tuple<std::string, bool, int>>;  // name, is an input, bits

Ports ports_of_module(const std::string& text) {
  Ports ports;
  const std::regex line("\\n  (input|output)\\s+wire (?:\\[(\\d+):0\\] )?(\\w+)");
  for (std::sregex_iterator match(text.begin(), text.end(), line), end; match != end; ++match) {
    const std::string bits = (*match)[2];
    ports.insert({(*match)[3], (*match)[1] == "input", bits.empty() ? 1 : std::stoi(bits) + 1});
  }
  return ports;
}

Ports ports_of_component(const std::string& text) {
  const std::string component = text.substr(text.find("component"));
  Ports ports;
  const std::regex line("(\\w+) : (in|out) +std_logic(?:_vector\\((\\d+) downto 0\\))?");
  for (std::sregex_iterator match(component.begin(), component.end(), line), end; match != end; ++match) {
    const std::string bits = (*match)[3];
    ports.insert({(*match)[1], (*match)[2] == "in", bits.empty() ? 1 : std::stoi(bits) + 1});
  }
  return ports;
}

/// Names that VHDL does not tell apart, or keeps for itself.
network::Network awkward_names() {
  network::Builder builder("Component");
  const network::NodeId a = builder.input("value", {1}, {false, 1, 0});
  const network::NodeId b = builder.input("Value", {2}, {true, 4, 0});
  builder.output("sum__of_", builder.add("on", network::Add{}, {a, b}));
  builder.output("Sum of", b);
  return builder.finish();
}

TEST(Vhdl, IsReadByGhdlAndHasTheModulesPorts) {
  std::vector<Firmware> projects;
  for (const network::Network& network : conformance::operation_samples())
    projects.push_back(generate(network));
  Options options;
  options.saturation_counters = true;
  options.tag_bits = 1;
  options.top = "counting";
  projects.push_back(generate(conformance::sample_trees(), options));
  projects.push_back(generate(awkward_names()));
  EXPECT_EQ(analysed(projects), "");
  EXPECT_EQ(lint({projects.back()}), "");
  for (const Firmware& firmware : projects) {
    const Ports ports = ports_of_module(text_of(firmware, firmware.sources.back()));
    EXPECT_GE(ports.size(), 7u);
    EXPECT_EQ(ports_of_component(text_of(firmware, "rtl/" + firmware.top + "_vhdl.vhd")), ports);
  }
}

TEST(Vhdl, WhatIsWrongIsSeen) {
  Firmware firmware = generate(awkward_names());
  for (File& file : firmware.files) {
    const std::size_t at = file.text.find("downto");
    if (file.path.ends_with(".vhd")) file.text.replace(at, 6, "to");
  }
  EXPECT_NE(analysed({firmware}), "");
}

}  // namespace
}  // namespace crible::hls
