#pragma once

#include <string>
#include <vector>

#include "sim/proof/netlist.hpp"
#include "sim/proof/words.hpp"

namespace crible::sim::proof {

/// A bit of the netlist: what it is, and how many registers lie between it and the inputs. Constants have the
/// delay any_delay.
struct Signal {
  BitId bit;
  int delay = -1;
};
inline constexpr int any_delay = -1;

/// What every net of a netlist is, and why some could not be treated.
struct NetlistForms {
  std::vector<Signal> nets;                            // by net number
  std::vector<std::pair<FormId, std::string>> opaque;  // unknowns that stand for what could not be treated
  long long words = 0;                                 // outputs of cells that were given a form
};

/// Elaborates the cells in order. `nets` holds the inputs' signals; all other nets are filled in.
NetlistForms elaborate(const Netlist& netlist, std::vector<Signal> nets, Forms& forms);

}  // namespace crible::sim::proof
