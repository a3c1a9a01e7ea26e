#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "engine/network/network.hpp"
#include "engine/reference/reference.hpp"

namespace crible::conformance {

using reference::Tensor;

/// The inputs or outputs of one event, in network order.
using Event = std::vector<Tensor>;
using Events = std::vector<Event>;

/// Events at the ends of the input types (all low, all high, alternating, then random ends), and after them
/// random events, of which every third has small values only.
Events make_events(const network::Network& network, std::size_t count, std::uint32_t seed);

/// The reference's answers.
Events expected(const network::Network& network, const Events& events);

}  // namespace crible::conformance
