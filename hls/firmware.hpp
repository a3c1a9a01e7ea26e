#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

/// A network as a firmware project: SystemVerilog and everything that belongs to it.
namespace crible::hls {

inline constexpr int most_tag_bits = 64;

/// What the caller chooses.
struct Options {
  std::string top;             // name of the top module; empty: made from the network's name
  int adders_per_stage = 3;    // most adders in a row between two registers
  std::optional<int> latency;  // clock cycles; chosen instead of adders_per_stage
  int tag_bits = 12;           // width of the event tag that travels with the data (1..64)
  int extra_depth = 2;         // adder levels that sharing may cost over the shortest tree; -1: no bound
  int reuse = 1;               // clock cycles over which a dense or conv node shares its multipliers
  int stream_pixels = 0;       // most pixels of a row that streamed convolutions take in a cycle; 0: unrolled
  bool scan_in_time = false;   // one body for all steps of the recurrent node, instead of one for each
  bool axi_stream = false;     // also a module NAME_axis with AXI4-Stream ports
  std::string links_file;      // also a module NAME_links, whose inputs this file finds in 64-bit link words
  bool saturation_counters = false;  // count the events in which a node saturates
  double clock_ns = 4.0;             // period in the constraint files
};

/// One element of a packed port: the bits [offset_bits + width_bits - 1 : offset_bits] hold the network's
/// integer in two's complement (is_signed) or as an unsigned number.
struct Element {
  int offset_bits = 0;
  int width_bits = 0;
  bool is_signed = false;

  bool operator==(const Element&) const = default;
};

/// A data port of the top module for one input or output of the network. Elements are in C order and without
/// gaps, element 0 at the least significant bits.
struct DataPort {
  std::string port;  // name in the module
  std::string node;  // name in the network
  network::Type type;
  network::Shape shape;
  int width_bits = 0;
  std::vector<Element> elements;

  bool operator==(const DataPort&) const = default;
};

/// The other ports. The clock's rising edge counts; the reset is synchronous and active high; it clears
/// `valid` (and the counters and states of multi-cycle parts), not the data.
struct ControlPorts {
  std::string clock = "clk";
  std::string reset = "rst";
  std::string valid_in = "valid_in";
  std::string valid_out = "valid_out";
  std::string tag_in = "tag_in";
  std::string tag_out = "tag_out";
  int tag_bits = 12;

  bool operator==(const ControlPorts&) const = default;
};

/// The ports of the saturation counters, 32 bits wide, which stop at their highest value. Counter 0 counts
/// events, counter 1 + i those in which an element of Firmware::saturation_counters[i] saturated. `data` has
/// the counter of the address one clock cycle later, 0 where there is none; the reset clears all.
struct CounterPorts {
  std::string address = "counter_address";
  std::string data = "counter_data";
};
inline constexpr int counter_address_bits = 8;
inline constexpr int counter_bits = 32;

/// Where the value of a network node's element can be seen inside the module, for finding the first
/// difference: `signal` (a name in the top module) holds it `cycle` clock cycles after its event's valid_in.
struct Probe {
  std::string node;
  int element = 0;
  std::string signal;
  int width_bits = 0;
  bool is_signed = false;
  int cycle = 0;
};

/// Estimated size. `lut_estimate` counts one 6-input LUT for each bit of an adder that has two unknown
/// operands, and the selectors, comparators and tables; `report` says how each was counted.
struct Resources {
  long long adders = 0;           // additions and subtractions of two words
  long long constant_adders = 0;  // those of them that add a constant: biases and rounding
  long long adder_bits = 0;       // full-adder bits of all
  long long multipliers = 0;      // products of two unknown words
  long long lut_estimate = 0;
  long long flip_flops = 0;  // data, tag and valid registers
};

struct File {
  std::string path;  // relative to the project's folder
  std::string text;
};

/// A generated project. valid_in, tag_in and the data inputs are sampled together at a rising edge; the same
/// event's valid_out, tag_out and outputs can be sampled latency_cycles edges later, with valid_out high.
/// Two events must be at least initiation_interval cycles apart. Outputs and tag mean nothing while
/// valid_out is low. Nothing stalls: there is no back-pressure in the bare module.
struct Firmware {
  std::string top;
  std::string network_name;
  std::string network_hash;          // content hash of the network
  std::vector<File> files;           // the whole project, firmware.json included
  std::vector<std::string> sources;  // paths of the SystemVerilog files, in the order of compilation
  std::vector<DataPort> inputs;      // in the order of network::inputs_of
  std::vector<DataPort> outputs;     // in the order of network::outputs_of
  ControlPorts control;
  CounterPorts counters;                         // exist when there are saturation counters
  std::vector<std::string> saturation_counters;  // nodes, in the order of their counters
  std::vector<Probe> probes;
  int latency_cycles = 0;
  int initiation_interval = 1;
  Resources resources;
  double generation_seconds = 0;  // not part of any file
};

/// Makes the project. Equal networks and options give equal text. Throws Error naming the node for what
/// cannot be built, and for options that cannot be met.
Firmware generate(const network::Network& network, const Options& options = {});

/// Writes all files into `directory`, which must be absent or empty. Throws Error otherwise.
void write_project(const Firmware& firmware, const std::string& directory);

/// Reads the firmware.json of a project's folder and its sources: everything but the other files.
Firmware read_project(const std::string& directory);

}  // namespace crible::hls
