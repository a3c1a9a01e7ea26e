#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "engine/network/network.hpp"

/// Events for simulations.
namespace crible::sim {

/// The integers of one event, for each input of the network in order.
using Event = std::vector<std::vector<std::int64_t>>;

/// An endless list of events: all lowest, all highest, zeros, all bits one, alternating bits both ways, each
/// element at its ends with the others at zero, then random ones of several kinds. Equal seeds give equal
/// events.
class Stimulus {
 public:
  Stimulus(const network::Network& network, std::uint64_t seed);

  Event next();

 private:
  template <class Value>
  Event fill(Value value) const;
  Event pattern(std::uint64_t bits) const;
  Event corner(std::size_t place);
  Event random_event();

  std::vector<network::Type> types_;
  std::vector<std::size_t> counts_;
  std::size_t elements_ = 0;
  std::size_t made_ = 0;
  std::mt19937_64 random_;
};

}  // namespace crible::sim
