#pragma once

#include <map>
#include <string>
#include <vector>

#include "sim/proof/integer.hpp"

/// The word-level netlist that Yosys writes as JSON.
namespace crible::sim::proof {

/// A net's number in the file, or a constant: zero, one, unknown ('x' or 'z').
using Net = int;
inline constexpr Net net_zero = 0;
inline constexpr Net net_one = 1;
inline constexpr Net net_unknown = -1;

struct Cell {
  std::string name;
  std::string type;    // "$add"
  std::string source;  // where in the text: "top.v:12.3-12.9"
  std::map<std::string, std::string> parameters;
  std::map<std::string, std::vector<Net>> connections;  // least significant bit first

  std::vector<std::string> outputs;  // names of the ports that the cell drives

  const std::vector<Net>& port(const std::string& port_name) const;
  bool drives(const std::string& port_name) const;
  bool has(const std::string& port_name) const { return connections.count(port_name) != 0; }
  /// A numeric parameter; `otherwise` when it is missing.
  long long parameter(const std::string& key, long long otherwise = 0) const;
};

struct Port {
  bool is_input = false;
  std::vector<Net> nets;
};

struct Netlist {
  std::string top;
  std::map<std::string, Port> ports;
  std::vector<Cell> cells;  // combinational ones and registers; each after the cells that its inputs need,
  std::size_t ordered = 0;  // as far as this; the others are in loops or need what is in a loop
  std::map<std::string, std::vector<Net>> names;  // signals of the top module
  int net_count = 2;
};

/// Reads what `write_json` wrote for the module `top`. Throws Error naming the defect.
Netlist parse_netlist(const std::string& json, const std::string& top);

}  // namespace crible::sim::proof
