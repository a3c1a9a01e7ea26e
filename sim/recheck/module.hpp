#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/binding.hpp"

/// The second checker's own reading of a netlist. Nothing here is shared with sim/proof.
namespace crible::sim::recheck {

/// A bit's number in Yosys' file; 0 and 1 are the constants, -1 is unknown.
using Net = int;
using Nets = std::vector<Net>;

struct Cell {
  std::string type;
  std::map<std::string, std::string> parameters;
  std::map<std::string, Nets> inputs;
  Nets output;

  const Nets& in(const std::string& port) const;
  /// A numeric parameter; `otherwise` when it is missing.
  long long number(const std::string& key, long long otherwise = 0) const;
  bool is_register() const { return type.find("dff") != std::string::npos; }
  bool is_wire() const { return is_register() || type == "$wire"; }
  bool is_signed() const;
};

inline constexpr int any_delay = -1;  // of constants
inline constexpr int no_delay = -2;   // where delays do not agree, or of loops

/// A module whose registers are wires: what stands before them, and how many lie between a bit and the
/// inputs.
class Module {
 public:
  /// The binding's reset counts as inactive. Throws Error for a file that cannot be read.
  Module(const std::string& json, const Binding& binding);

  const std::vector<Cell>& cells() const { return cells_; }  // each after what drives it; none of a loop
  const Nets& port(const std::string& name) const;

  std::size_t size() const { return roots_.size(); }  // number of bits

  /// The bit before all registers.
  Net root(Net net) const { return net < 0 ? net : roots_[static_cast<std::size_t>(net)]; }
  Nets roots(const Nets& nets) const;
  int delay(Net net) const { return net < 0 ? no_delay : delays_[static_cast<std::size_t>(net)]; }
  /// The combinational cell that drives a bit; nullptr for inputs, constants and what is in a loop.
  const Cell* driver(Net net) const;
  /// Whether a cell or an output port reads the bit.
  bool is_read(Net net) const { return net >= 0 && read_[static_cast<std::size_t>(net)]; }

 private:
  Net single(const std::string& port_name) const;
  void order(std::vector<Cell> cells);
  void pass(const Cell& cell, Net clock, Net reset);

  std::vector<Cell> cells_;
  std::map<std::string, Nets> ports_;
  std::vector<int> drivers_;  // of each net, in cells_
  Nets roots_;
  std::vector<int> delays_;
  std::vector<bool> read_;
};

}  // namespace crible::sim::recheck
