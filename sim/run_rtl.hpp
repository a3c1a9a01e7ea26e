#pragma once

#include "sim/stimulus.hpp"

namespace crible::sim {

/// Generates the firmware of a network, compiles it with Verilator (kept in the cache) and runs events
/// through it, one process for each core. Returns the outputs in the order of outputs_of(network), event by
/// event. Throws Error when a tool is missing, the network cannot be generated, or a result does not come
/// when it is due.
std::vector<Event> run_rtl(const network::Network& network, const std::vector<Event>& events);

}  // namespace crible::sim
