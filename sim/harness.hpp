#pragma once

#include <string>

#include "sim/binding.hpp"

namespace crible::sim {

/// The C++ program that drives a verilated module: reads events with their expected outputs from a file,
/// checks every cycle, and writes what it found. model.cpp has the layout of the files. `mutant_port` names
/// an input that selects a mutant (empty: none).
std::string harness_text(const Binding& binding, const std::string& mutant_port);

/// What a harness reports about an event.
enum class Finding : std::uint32_t {
  value = 1,       // the outputs differ
  missing = 2,     // valid_out was low when the result was due
  unexpected = 3,  // valid_out was high when nothing was due
  tag = 4          // the tag is another event's
};

}  // namespace crible::sim
