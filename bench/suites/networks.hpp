#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/network/network.hpp"

namespace crible::bench {

struct Named {
  std::string name;
  network::Network network;
};

/// The networks of the comparison: shapes of real trigger networks, weights drawn from a normal
/// distribution as trained ones are, the same in every run.
std::vector<Named> comparison_networks();

/// `count` different small networks (16-32-16-4).
std::vector<network::Network> small_networks(int count);

}  // namespace crible::bench
