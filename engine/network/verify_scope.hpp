#pragma once

#include <cstddef>
#include <optional>

#include "engine/network/rules.hpp"
#include "engine/network/verify.hpp"

/// Private to engine/network: verify() in the pieces that Builder, the parser and bodies share.
namespace crible::network::rules {

/// A node as it was asked for; absent type or shape is for the rule to decide.
struct Request {
  const Node& node;  // name, operation, inputs
  NodeId id = 0;
  std::optional<Type> type;
  std::optional<Shape> shape;
};

struct Proof {
  Type type;
  Shape shape;
  std::vector<Interval> range;
};

/// Checks one node whose inputs are proven: `ranges` holds those of all earlier nodes.
Proof prove(const Network& network, const Ranges& ranges, const Request& request, const Locations* locations,
            int depth);

/// Adds a node's elements to those of the nodes before it, and refuses too many.
void count_elements(const Network& network, const Node& node, NodeId id, const Locations* locations,
                    std::size_t& total);

/// What concerns the network as a whole: its ends, its name, its cost.
void check_whole(const Network& network);

/// verify() of a network that came from a text (null: it did not), `depth` bodies deep.
Ranges verify_within(const Network& network, const Locations* locations, int depth);

}  // namespace crible::network::rules
