#pragma once

#include <string>
#include <vector>

#include "engine/network/network.hpp"
#include "sim/binding.hpp"
#include "sim/recheck/module.hpp"
#include "sim/recheck/sums.hpp"

/// A proof as a list of steps, and the second, smaller checker of such a list. It shares no code with
/// sim/proof: it has its own reading of the netlist, takes the network's meaning from the reference
/// evaluator, follows sums word by word, and tries every value of what depends on one sum.
///
/// A step is one of
///   word      the value of a cell's output as a sum of the variables so far, modulo 2^(bits that are read)
///   function  a node that computes each element from one sum: the sum, its interval, the netlist's bits that
///             carry the result, the interval of the result; each element is a new variable, or one before it
/// and in the end every output port must show the network's output as the same sum.
namespace crible::sim::recheck {

/// Where the netlist holds an element of a node, least significant bit first.
struct Carrier {
  network::NodeId node = 0;
  int element = 0;
  Nets nets;
};

struct Rechecked {
  long long words = 0;
  long long functions = 0;
  long long values = 0;  // tried, of all functions
  long long bits = 0;    // of the output ports
};

/// Finds the steps (JSON text), where the carriers are known. Throws NotShown with the first thing for which
/// there is no step: an operation that is neither a sum nor a function of one sum, a word that is not
/// followed.
std::string make_steps(const network::Network& network, const Binding& binding,
                       const std::string& netlist_json, const std::vector<Carrier>& carriers);

/// Follows given steps. Throws NotShown naming the step that does not hold.
Rechecked check_steps(const std::string& steps, const network::Network& network, const Binding& binding,
                      const std::string& netlist_json);

}  // namespace crible::sim::recheck
