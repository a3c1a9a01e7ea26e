#pragma once

#include "sim/check.hpp"

namespace crible::sim {

struct FourState {
  std::size_t events = 0;
  std::string problem;  // empty, or what Icarus Verilog found
};

/// Runs a few events in Icarus Verilog, where what was never set is unknown (x): after reset no x may reach
/// an output, and the outputs are the expected ones. A second simulator with other semantics than
/// Verilator's.
FourState check_four_state(const network::Network& network, const Binding& binding, std::size_t events,
                           std::uint64_t seed);

}  // namespace crible::sim
