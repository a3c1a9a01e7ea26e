#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/binding.hpp"
#include "sim/proof/netlist.hpp"

/// A proof that a netlist computes a network: every output bit, for every input.
namespace crible::sim::proof {

/// An output bit, or a group of bits of one element, that is not proven.
struct Unproven {
  std::string port;
  std::string node;
  int element = 0;
  std::vector<int> bits;  // of the element
  std::string reason;
};

/// An event that shows that the netlist computes something else.
struct Refutation {
  std::vector<std::vector<std::int64_t>> inputs;  // in the order of the network's inputs
  std::string port;
  std::string node;
  int element = 0;
  long long expected = 0;
  long long got = 0;
};

/// The bits of the netlist that hold an element of a node.
struct Carried {
  int node = 0;
  int element = 0;
  std::vector<Net> nets;  // least significant first
};

struct Proof {
  long long bits_total = 0;
  long long bits_proven = 0;
  std::vector<Unproven> unproven;
  std::optional<Refutation> refutation;
  long long words = 0;             // cells whose outputs were given an exact form
  long long functions_proven = 0;  // functions of one sum proven over its whole interval
  long long sampled_events = 0;    // tried where something was not proven
  double seconds = 0;
  std::vector<Carried> carried;  // of nodes that are neither sums nor layouts, where they were found

  bool complete() const { return bits_proven == bits_total && !refutation; }
};

/// Reset is taken to be inactive, and the constants of the binding to hold.
Proof prove(const network::Network& network, const Binding& binding, const Netlist& netlist);

/// Tries random events and corners, whatever a proof says; an event at which the netlist differs, if one
/// does.
std::optional<Refutation> refute_by_events(const network::Network& network, const Binding& binding,
                                           const Netlist& netlist, int events, std::uint64_t seed);

}  // namespace crible::sim::proof
