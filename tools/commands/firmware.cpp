#include "hls/firmware.hpp"

#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/base/error.hpp"
#include "engine/importers/import.hpp"
#include "engine/menu/decision_network.hpp"
#include "engine/network/join.hpp"
#include "engine/network/text.hpp"
#include "engine/pipeline/trigger.hpp"
#include "engine/reference/reference.hpp"
#include "hls/vectors.hpp"
#include "tools/commands/commands.hpp"
#include "tools/json_file.hpp"
#include "tools/network_file.hpp"

namespace crible::tools {

namespace {

constexpr const char* examples =
    "  crible firmware tagger.crn -o tagger_fw                      a project with at most 3 adders between "
    "registers\n"
    "  crible firmware tagger.crn -o tagger_fw --latency 8          exactly 8 clock cycles\n"
    "  crible firmware jets.crn muons.crn -o trigger_fw --top trigger   both in one module, answers in the "
    "same cycle\n"
    "  crible firmware --menu trigger.yaml -o menu_fw               a menu's conditions and the networks "
    "that "
    "they read\n"
    "  crible firmware model.onnx -o fw --json fw.json --adders-per-stage 5";

struct FirmwareOptions {
  std::vector<std::string> networks;
  std::string menu;
  bool without_networks = false;
  std::string out;
  std::string json;
  hls::Options hls;
};

nlohmann::ordered_json describe(const hls::Firmware& firmware) {
  const hls::Resources& resources = firmware.resources;
  return {{"top", firmware.top},
          {"network", firmware.network_name},
          {"network_hash", firmware.network_hash},
          {"adders", resources.adders},
          {"constant_adders", resources.constant_adders},
          {"adder_bits", resources.adder_bits},
          {"multipliers", resources.multipliers},
          {"lut_estimate", resources.lut_estimate},
          {"flip_flops", resources.flip_flops},
          {"latency_cycles", firmware.latency_cycles},
          {"initiation_interval", firmware.initiation_interval},
          {"generation_seconds", firmware.generation_seconds}};
}

/// The reference's answers to the project's test vectors.
void add_reference_vectors(const network::Network& network, hls::Firmware& firmware) {
  const std::vector<hls::PortValues> inputs = hls::vector_inputs(firmware);
  std::vector<hls::PortValues> outputs;
  for (const hls::PortValues& values : inputs) outputs.push_back(reference::evaluate(network, values));
  hls::add_vectors(firmware, inputs, outputs);
}

network::Network load_or_import(const std::string& path) {
  if (path.ends_with(".crn")) return network::load(path);
  importers::ImportResult imported = importers::import_model(path);
  print_report(imported.report);
  return std::move(imported.network);
}

/// One network as it is; several as one whose nodes are called after the files, so that all answers of an
/// event come in the same cycle.
network::Network load_all(const FirmwareOptions& options) {
  if (options.networks.size() == 1) return load_or_import(options.networks.front());
  std::vector<network::Part> parts;
  for (const std::string& path : options.networks)
    parts.push_back({std::filesystem::path(path).stem().string(), load_or_import(path), {}, {}});
  return network::join(options.hls.top.empty() ? "networks" : options.hls.top, parts);
}

std::string one_line(const std::string& text) {
  std::istringstream words(text);
  std::string line;
  for (std::string word; words >> word;) line += (line.empty() ? "" : " ") + word;
  return line;
}

/// The chains of a menu in the order of the decision's bits.
std::string chain_list(const menu::Menu& menu) {
  std::string text = "menu " + menu.name() + " " + menu.hash() + "\nbit  chain\n";
  for (std::size_t c = 0; c < menu.chains().size(); ++c) {
    const menu::Chain& chain = menu.chains()[c];
    std::string bit = std::to_string(c);
    bit.resize(5, ' ');
    text += bit + chain.name + ": " + one_line(chain.condition);
    text += chain.kind == menu::ChainKind::random ? " (always 0 here: the software decides)\n" : "\n";
  }
  return text + "Prescales, streams and faults are the software's.\n";
}

struct Subject {
  network::Network network;
  std::string chains;  // empty: no menu
};

Subject load_subject(const FirmwareOptions& options) {
  if (options.menu.empty() == options.networks.empty())
    throw Error("firmware is made of networks or, with --menu FILE, of a menu; give one of the two");
  if (options.menu.empty()) return {load_all(options), {}};
  const pipeline::Trigger trigger = pipeline::load_trigger(options.menu);
  const auto make = options.without_networks ? menu::conditions_network : menu::decision_network;
  return {make(trigger.menu, trigger.description, trigger.layout, trigger.networks),
          chain_list(trigger.menu)};
}

int run_firmware(const FirmwareOptions& options) {
  const auto [network, chains] = load_subject(options);
  hls::Firmware firmware = hls::generate(network, options.hls);
  add_reference_vectors(network, firmware);
  if (!chains.empty()) firmware.files.push_back({"chains.txt", chains});
  hls::write_project(firmware, options.out);
  const hls::Resources& resources = firmware.resources;
  std::printf("%-11s module %s in %s\n", "firmware", firmware.top.c_str(), options.out.c_str());
  std::printf("%-11s %d cycles, one event every %d\n", "latency", firmware.latency_cycles,
              firmware.initiation_interval);
  std::printf("%-11s %lld adders (%lld of a constant, %lld bits in all), %lld multipliers\n", "arithmetic",
              resources.adders, resources.constant_adders, resources.adder_bits, resources.multipliers);
  std::printf("%-11s about %lld LUTs, %lld flip-flops\n", "size", resources.lut_estimate,
              resources.flip_flops);
  std::printf("%-11s %.2f s\n", "generated", firmware.generation_seconds);
  write_json_file(options.json, describe(firmware));
  return 0;
}

}  // namespace

void add_firmware(CommandLine& line) {
  auto options = std::make_shared<FirmwareOptions>();
  Command command = line.add("firmware", "A network as a SystemVerilog project", examples,
                             [options] { return run_firmware(*options); });
  command.option("network", options->networks, "Networks (.crn) or models; several become one module")
      .type_name("NET");
  command
      .option("--menu", options->menu,
              "A run configuration: its menu's conditions and the networks that they read, in one module")
      .type_name("FILE");
  command.flag("--without-networks", options->without_networks,
               "With --menu: the conditions alone; the networks' outputs are inputs of the module");
  command.option("-o,--out", options->out, "Folder of the project; absent or empty")
      .required()
      .type_name("DIR");
  command
      .option("--adders-per-stage", options->hls.adders_per_stage,
              "Most additions in a row between two registers")
      .type_name("N")
      .show_default();
  command.option("--latency", options->hls.latency, "Clock cycles from input to output, instead of the above")
      .type_name("N");
  command
      .option("--extra-depth", options->hls.extra_depth,
              "Additions that sharing may put in a row beyond the shortest tree; -1: any")
      .type_name("N")
      .show_default();
  command.option("--tag-bits", options->hls.tag_bits, "Width of the event tag").type_name("N").show_default();
  command.option("--clock", options->hls.clock_ns, "Period in the constraint files")
      .type_name("NS")
      .show_default();
  command.flag(
      "--scan-in-time", options->hls.scan_in_time,
      "One body for all steps of the recurrent node: smaller, one event every steps x latency cycles");
  command
      .option("--reuse", options->hls.reuse,
              "Cycles over which dense and conv nodes share their multipliers; one event every N cycles")
      .type_name("N")
      .show_default();
  command
      .option("--stream", options->hls.stream_pixels,
              "Convolutions by line buffers, at most N pixels of a row in each cycle; one event every "
              "image / N cycles or a few more")
      .type_name("N");
  command.flag("--axi-stream", options->hls.axi_stream,
               "Also a module with AXI4-Stream ports and back-pressure");
  command.flag("--saturation-counters", options->hls.saturation_counters,
               "Count the events in which a node saturates; readable in a register map");
  command
      .option("--links", options->hls.links_file,
              "Also a module that finds its inputs in 64-bit link words, as this file (YAML) says")
      .type_name("FILE");
  command.option("--top", options->hls.top, "Name of the top module; the network's when not given")
      .type_name("NAME");
  command.option("--json", options->json, "Write a machine-readable result to this file").type_name("FILE");
}

}  // namespace crible::tools
