#pragma once

#include <cstdint>
#include <vector>

#include "sim/recheck/module.hpp"

/// Combinational cells for 64 inputs at once: bit i of a lane belongs to the i-th input.
namespace crible::sim::recheck {

using Lanes = std::uint64_t;

/// Values of all bits of a module.
class LaneValues {
 public:
  explicit LaneValues(const Module& module) : module_(module), lanes_(module.size(), 0) {
    lanes_[1] = ~Lanes{0};
  }
  void set(Net root, Lanes lanes) { lanes_[static_cast<std::size_t>(root)] = lanes; }
  Lanes get(Net net) const { return lanes_[static_cast<std::size_t>(module_.root(net))]; }
  /// Computes a cell's outputs. False for a cell that it does not know.
  bool compute(const Cell& cell);

 private:
  std::vector<Lanes> word(const Nets& nets, std::size_t width, bool is_signed) const;
  std::vector<Lanes> sum(const std::vector<Lanes>& a, std::vector<Lanes> b, bool subtract) const;
  Lanes any(const Nets& nets) const;
  Lanes less(const Cell& cell, const char* a, const char* b) const;
  Lanes equal(const Cell& cell) const;
  void store(const Cell& cell, const std::vector<Lanes>& values);
  bool compute_bitwise(const Cell& cell);
  bool compute_choice(const Cell& cell);
  bool compute_shift(const Cell& cell);
  bool compute_table(const Cell& cell);
  std::uint64_t number(const Nets& nets, int lane) const;

  const Module& module_;
  std::vector<Lanes> lanes_;
};

}  // namespace crible::sim::recheck
