#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "hls/firmware.hpp"

/// How a Verilog module carries a network: what simulation and proof need to know about it.
namespace crible::sim {

/// Where an element of an input or output is in a packed port: bits [offset_bits + width_bits - 1 :
/// offset_bits] hold the network's integer shifted right by `shift` bits.
struct BoundElement {
  int offset_bits = 0;
  int width_bits = 0;
  bool is_signed = false;
  int shift = 0;
};

struct BoundPort {
  std::string port;
  network::NodeId node = 0;
  int width_bits = 0;
  std::vector<BoundElement> elements;  // C order
};

/// A module and its ports. Names that are empty: the module has no such port.
struct Binding {
  std::string top;
  std::vector<std::filesystem::path> sources;
  std::filesystem::path folder;  // where tools run, so that $readmemh finds its files
  std::vector<BoundPort> inputs;
  std::vector<BoundPort> outputs;
  std::string clock;
  std::string reset;
  bool reset_active_low = false;
  std::string valid_in;
  std::string valid_out;
  std::string tag_in;
  std::string tag_out;
  int tag_bits = 0;
  std::map<std::string, long long> constants;  // inputs that are held at a value
  int latency_cycles = 0;                      // clock edges from sampling an event to its result
  int initiation_interval = 1;
  std::vector<hls::Probe> probes;
};

/// The ports of a generated project whose files lie in `directory`.
Binding bind_firmware(const network::Network& network, const hls::Firmware& firmware,
                      const std::filesystem::path& directory);

/// Reads a binding of third-party Verilog (docs/verification.md describes the file). Throws Error naming
/// file, line and key.
Binding read_binding(const network::Network& network, const std::filesystem::path& file,
                     const std::string& top, const std::vector<std::filesystem::path>& sources);

}  // namespace crible::sim
