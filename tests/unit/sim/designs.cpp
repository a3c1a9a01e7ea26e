#include "tests/unit/sim/designs.hpp"

#include <gtest/gtest.h>

#include "engine/base/file.hpp"
#include "engine/network/build.hpp"
#include "hls/firmware.hpp"

namespace crible::sim {

namespace fs = std::filesystem;

network::Network tiny_network() {
  network::Builder builder("tiny");
  const network::NodeId x = builder.input("x", {4}, {true, 6, 0});
  network::Dense first{3, 4, 0, {3, -5, 7, 1, -2, 6, 1, -4, 5, 5, -3, 2}, {10, -7, 3}};
  const network::NodeId hidden = builder.add("hidden", first, {x});
  network::Requantize requantize;
  requantize.shift = {3};
  requantize.rounding = network::Rounding::half_even;
  const network::NodeId small = builder.add("small", requantize, {hidden}, network::Type{false, 4, 0});
  network::Dense second{2, 3, 0, {3, -2, 5, -7, 1, 4}, {1, -2}};
  builder.output("y", builder.add("sum", second, {small}));
  return builder.finish();
}

network::Network rounding_network() {
  network::Builder builder("rounding");
  const network::NodeId x = builder.input("x", {1}, {true, 12, 0});
  network::Requantize requantize;
  requantize.shift = {5};
  requantize.rounding = network::Rounding::half_even;
  builder.output("y", builder.add("rounded", requantize, {x}, network::Type{false, 4, 0}));
  return builder.finish();
}

Binding made_firmware(const network::Network& network, const fs::path& folder, const std::string& from,
                      const std::string& to, int adders_per_stage) {
  hls::Options options;
  options.adders_per_stage = adders_per_stage;
  const hls::Firmware firmware = hls::generate(network, options);
  const fs::path project = folder / "project";
  fs::remove_all(project);
  hls::write_project(firmware, project.string());
  const Binding binding = bind_firmware(network, firmware, project);
  if (!from.empty()) {
    std::string text = read_file(binding.sources[0]);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << "the Verilog has no '" << from << "'";
    if (at != std::string::npos) write_file(binding.sources[0], text.replace(at, from.size(), to));
  }
  return binding;
}

Binding rounding_module(const fs::path& folder, const std::string& body) {
  write_file(folder / "top.v", "module top(input [11:0] x, output [3:0] y);\n" + body + "\nendmodule\n");
  Binding binding;
  binding.top = "top";
  binding.sources = {folder / "top.v"};
  binding.folder = folder;
  const network::Network network = rounding_network();
  binding.inputs = {{"x", network::inputs_of(network)[0], 12, {{0, 12, true, 0}}}};
  binding.outputs = {{"y", network::outputs_of(network)[0], 4, {{0, 4, false, 0}}}};
  return binding;
}

}  // namespace crible::sim
