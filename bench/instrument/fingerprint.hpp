#pragma once

#include <string>

#include "bench/report/result.hpp"

namespace crible::bench {

/// What the figures of this process belong to; networks and menus are the suites' to add. `clock` as
/// Clock::describe says.
Machine fingerprint(const std::string& clock);

/// Cores that this process may use.
std::size_t usable_cores();

}  // namespace crible::bench
