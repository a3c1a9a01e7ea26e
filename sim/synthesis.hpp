#pragma once

#include "sim/binding.hpp"
#include "sim/proof/netlist.hpp"

namespace crible::sim {

/// The word-level netlist of a module, read by Yosys. Throws Error with Yosys' first complaint.
proof::Netlist word_netlist(const Binding& binding);

}  // namespace crible::sim
