#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "bench/suites/networks.hpp"

namespace crible::bench {

/// The networks that are layers of dense, conv and max-pool with half-to-even shifts between them, with their
/// weights, `event_count` random events and the reference's answers: what other runtimes are given.
nlohmann::ordered_json layers_of(const std::vector<Named>& networks, std::size_t event_count);

}  // namespace crible::bench
