#pragma once

#include "sim/binding.hpp"
#include "sim/proof/netlist.hpp"

namespace crible::sim {

/// The word-level netlist of a module, as Yosys writes it. Throws Error with Yosys' first complaint.
std::string netlist_json(const Binding& binding);

/// The same, read.
proof::Netlist word_netlist(const Binding& binding);

}  // namespace crible::sim
