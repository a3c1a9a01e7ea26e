#pragma once

#include <cstdint>
#include <vector>

#include "sim/proof/netlist.hpp"

namespace crible::sim::proof {

/// Evaluates a netlist without loops for inputs that stay as they are, so that registers are wires. A second,
/// bit-level reading of the cells, for showing that a refutation is real.
class NetlistEvaluator {
 public:
  explicit NetlistEvaluator(const Netlist& netlist);

  void set(Net net, bool value) { values_[static_cast<std::size_t>(net)] = value ? 1 : 0; }
  void run();
  bool get(Net net) const {
    return net == net_one || (net > net_one && values_[static_cast<std::size_t>(net)] != 0);
  }

  /// Empty, or the first cell that it cannot evaluate.
  const std::string& problem() const { return problem_; }

 private:
  Integer number(const std::vector<Net>& nets, bool is_signed) const;
  Integer operand(const Cell& cell, const char* port, bool is_signed) const;
  void store(const std::vector<Net>& nets, Integer value);
  void evaluate(const Cell& cell);
  void copy(const std::vector<Net>& from, std::size_t first, const std::vector<Net>& to);
  void shift(const Cell& cell);
  void memory(const Cell& cell);

  const Netlist& netlist_;
  std::vector<std::uint8_t> values_;
  std::string problem_;
};

}  // namespace crible::sim::proof
