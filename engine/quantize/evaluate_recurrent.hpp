#pragma once

#include <vector>

#include "engine/quantize/program.hpp"

namespace crible::quantize {

/// Scans x [time, inputs] and gives the values of each Slot; the parts of the gates and the states are those
/// of all time steps, one after the other in the order in which they ran.
std::vector<std::vector<double>> scan(const Recurrent& layer, const std::vector<double>& x);

}  // namespace crible::quantize
