#pragma once

#include <cstdint>

#include "engine/network/network.hpp"

namespace crible::test {

/// A random valid network of a few nodes, the same for the same seed. Every kind of node occurs.
network::Network random_network(std::uint64_t seed);

}  // namespace crible::test
