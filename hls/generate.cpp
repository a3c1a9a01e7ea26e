#include <chrono>

#include "engine/base/error.hpp"
#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"
#include "hls/chain.hpp"
#include "hls/dump.hpp"
#include "hls/firmware.hpp"
#include "hls/links.hpp"
#include "hls/lower.hpp"
#include "hls/manifest.hpp"
#include "hls/names.hpp"
#include "hls/pipeline.hpp"
#include "hls/project_files.hpp"
#include "hls/resources.hpp"
#include "hls/scan.hpp"
#include "hls/shell.hpp"
#include "hls/verilog.hpp"

namespace crible::hls {

namespace {

constexpr int most_reuse = 65536;
constexpr int most_stream_pixels = 4096;

void check(const Options& options) {
  if (options.tag_bits < 1 || options.tag_bits > most_tag_bits) {
    throw Error("the tag has " + std::to_string(options.tag_bits) + " bits; give 1 to " +
                std::to_string(most_tag_bits));
  }
  if (!options.top.empty() && identifier(options.top) != options.top)
    throw Error("'" + options.top +
                "' cannot name a module; use letters, digits and underscores, and no keyword");
  if (options.axi_stream && options.scan_in_time)
    throw Error(
        "a scan in time takes an event only every few cycles, which the AXI4-Stream shell cannot wait for; "
        "choose one of the two");
  if (options.saturation_counters && options.scan_in_time)
    throw Error("a scan in time has no saturation counters; choose one of the two");
  if (options.reuse < 1 || options.reuse > most_reuse) {
    throw Error("multipliers shared over " + std::to_string(options.reuse) + " cycles: give 1 to " +
                std::to_string(most_reuse));
  }
  if (options.stream_pixels < 0 || options.stream_pixels > most_stream_pixels) {
    throw Error("a stream of " + std::to_string(options.stream_pixels) + " pixels in each cycle: give 1 to " +
                std::to_string(most_stream_pixels));
  }
  if ((options.reuse > 1 || options.stream_pixels > 0) &&
      (options.axi_stream || options.saturation_counters || options.scan_in_time || options.latency)) {
    throw Error(
        "shared multipliers and streamed convolutions are several modules that take an event every few "
        "cycles; this does not go together with an AXI4-Stream shell, saturation counters, a scan in time or "
        "a wanted latency");
  }
  if (options.clock_ns <= 0)
    throw Error("the clock's period is " + std::to_string(options.clock_ns) + " ns; give a positive number");
}

/// One pipeline for the whole network.
Firmware generate_pipeline(const network::Network& network, const network::Ranges& ranges,
                           const Options& options) {
  Firmware firmware;
  firmware.top = options.top;
  firmware.network_name = network.name;
  firmware.network_hash = network::content_hash(network);
  firmware.control.tag_bits = options.tag_bits;
  const Arithmetic arithmetic = lower(network, options);
  if (arithmetic.saturated_nodes.size() >= (std::size_t{1} << counter_address_bits)) {
    throw Error(std::to_string(arithmetic.saturated_nodes.size()) +
                " nodes can saturate, and the register map has room for 255; leave the counters out");
  }
  const Pipeline pipeline = schedule(arithmetic, options);
  firmware.latency_cycles = pipeline.stages;
  firmware.resources = estimate(arithmetic, pipeline, options.tag_bits);
  firmware.sources.push_back("rtl/" + firmware.top + ".sv");
  firmware.files.push_back({firmware.sources.front(), emit_verilog(network, arithmetic, pipeline, firmware)});
  firmware.files.push_back(
      {"steps/1_operations.txt", dump_operations(network, ranges, arithmetic, pipeline)});
  firmware.files.push_back({"steps/2_arithmetic.txt", dump_arithmetic(network, arithmetic)});
  firmware.files.push_back({"steps/3_pipeline.txt", dump_pipeline(arithmetic, pipeline)});
  return firmware;
}

}  // namespace

Firmware generate(const network::Network& network, const Options& chosen) {
  const auto begin = std::chrono::steady_clock::now();
  check(chosen);
  const network::Ranges ranges = network::verify(network);
  Options options = chosen;
  if (options.top.empty()) options.top = identifier(network.name);
  const bool in_sections = options.reuse > 1 || options.stream_pixels > 0;
  Firmware firmware = options.scan_in_time ? generate_scan(network, options)
                      : in_sections        ? generate_chain(network, ranges, options)
                                           : generate_pipeline(network, ranges, options);
  const std::string& top = firmware.top;
  firmware.files.push_back({"rtl/" + top + "_vhdl.vhd", vhdl_wrapper(firmware)});
  if (options.axi_stream) firmware.files.push_back({"rtl/" + top + "_axis.sv", axi_stream_shell(firmware)});
  if (!options.links_file.empty()) {
    const Links links = read_links(options.links_file, firmware);
    if (links.words < firmware.initiation_interval) {
      throw Error(options.links_file + ": an event has " + std::to_string(links.words) +
                  " words on a link, but the firmware takes one only every " +
                  std::to_string(firmware.initiation_interval) + " cycles");
    }
    firmware.files.push_back({"rtl/" + top + "_links.sv", links_shell(firmware, links)});
  }
  firmware.files.push_back({"sim/" + top + "_tb.sv", testbench(firmware)});
  firmware.files.push_back({"constraints/" + top + ".xdc", constraints(firmware, options.clock_ns)});
  firmware.files.push_back({"constraints/" + top + ".sdc", constraints(firmware, options.clock_ns)});
  firmware.files.push_back({"network.crn", network::to_text(network)});
  firmware.files.push_back({"report.txt", report(firmware, options)});
  firmware.files.push_back({"README.md", readme(firmware)});
  firmware.files.push_back({"firmware.json", to_manifest(firmware)});
  firmware.generation_seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return firmware;
}

}  // namespace crible::hls
