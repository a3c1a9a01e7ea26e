#include "engine/network/verify.hpp"

#include <algorithm>
#include <unordered_set>

#include "engine/base/error.hpp"
#include "engine/network/cost.hpp"
#include "engine/network/limits.hpp"
#include "engine/network/verify_scope.hpp"

namespace crible::network {

namespace rules {

namespace {

std::string place(const Network& network, const Node& node, NodeId id, const Locations* locations) {
  const std::string prefix = locations == nullptr ? std::string{} : locations->prefix(network, id);
  return prefix + "node '" + node.name + "' (" + keyword(node.operation) + ")";
}

void check_name(const Call& call, const std::string& name) {
  call.require(!name.empty(), "has no name; every node needs one");
  call.require(name.size() <= max_name_bytes, "has a name of more than 1024 bytes");
}

std::vector<Operand> operands(const Call& call, const Network& network, const Ranges& ranges,
                              const Request& request) {
  std::vector<Operand> result;
  for (const NodeId input : request.node.inputs) {
    if (input < 0 || input >= request.id) {
      call.fail(
          "reads node number " + std::to_string(input) +
          ", which does not come before it; order the nodes so that inputs come first, without a cycle");
    }
    const auto index = static_cast<std::size_t>(input);
    const Node& from = network.nodes[index];
    if (std::holds_alternative<Output>(from.operation)) {
      call.fail("reads the output '" + from.name + "'; read the node that the output shows");
    }
    result.push_back({&from, &ranges[index]});
  }
  return result;
}

void check_shape(const Call& call, const Shape& shape) {
  if (shape.size() > static_cast<std::size_t>(max_rank)) {
    call.fail("has " + std::to_string(shape.size()) + " axes; at most 8 are possible");
  }
  const std::size_t elements = element_count(shape);
  if (elements == 0) call.fail("has the shape " + network::to_string(shape) + "; each extent is at least 1");
  if (elements > max_elements) {
    call.fail("has the shape " + network::to_string(shape) + " of more than 2^22 elements");
  }
}

void check_accumulator(const Call& call, Type type, WideInterval sums) {
  if (!type.is_signed || (type.width != 32 && type.width != 64)) {
    call.fail("has the type " + network::to_string(type) + "; an accumulator is s32 or s64");
  }
  if (sums.low >= lowest(type) && sums.high <= highest(type)) return;
  const std::string remedy =
      type.width == 32 ? "declare s64 or narrow its inputs" : "requantize its inputs to fewer bits";
  call.fail("can overflow its accumulator of " + std::to_string(type.width) + " bits: its sums reach " +
            to_string(sums) + "; " + remedy);
}

Type resolve_type(const Call& call, const Result& result) {
  Type type = call.type.value_or(result.type);
  if (result.type_rule == TypeRule::accumulator && !call.type) {
    const bool narrow =
        result.sums.low >= lowest({true, 32, 0}) && result.sums.high <= highest({true, 32, 0});
    type = {true, narrow ? 32 : 64, result.type.fraction};
  }
  const auto demand = [&](bool good, const char* what) {
    if (good) return;
    call.fail("has the type " + network::to_string(type) + what + network::to_string(result.type));
  };
  switch (result.type_rule) {
    case TypeRule::declared:
      break;
    case TypeRule::exact:
      demand(type == result.type, " where its inputs and attributes give ");
      break;
    case TypeRule::holds:
      demand(type.fraction == result.type.fraction, " where the fraction is that of ");
      if (!contains(type, hull(result.range))) {
        call.fail("has the type " + network::to_string(type) + ", which does not hold its range " +
                  to_string(hull(result.range)) + "; use a wider type");
      }
      break;
    case TypeRule::accumulator:
      if (type.fraction != result.type.fraction) {
        call.fail("has the type " + network::to_string(type) + " where its inputs give " +
                  std::to_string(result.type.fraction) + " fraction bits");
      }
      check_accumulator(call, type, result.sums);
      break;
  }
  if (!is_valid(type)) {
    call.fail("has the type " + network::to_string(type) +
              "; a width is 1 to 32, or s64, and a fraction within 4096");
  }
  return type;
}

}  // namespace

Proof prove(const Network& network, const Ranges& ranges, const Request& request, const Locations* locations,
            int depth) {
  Call call;
  call.where = place(network, request.node, request.id, locations);
  call.type = request.type;
  call.shape = request.shape;
  call.locations = locations;
  call.depth = depth;
  check_name(call, request.node.name);
  if (call.type && !is_valid(*call.type)) {
    call.fail("has the type " + network::to_string(*call.type) +
              "; a width is 1 to 32, or s64, and a fraction within 4096");
  }
  if (call.shape) check_shape(call, *call.shape);
  call.inputs = operands(call, network, ranges, request);

  Result result = rule(call, request.node.operation);
  check_shape(call, result.shape);
  if (call.shape && *call.shape != result.shape) {
    call.fail("has the shape " + network::to_string(*call.shape) + " where its inputs and attributes give " +
              network::to_string(result.shape));
  }
  return {resolve_type(call, result), std::move(result.shape), std::move(result.range)};
}

void count_elements(const Network& network, const Node& node, NodeId id, const Locations* locations,
                    std::size_t& total) {
  total += element_count(node.shape);
  if (total <= max_total_elements) return;
  throw Error(place(network, node, id, locations) +
              " brings the tensors of the network to more than 2^24 elements; use a smaller network");
}

void check_whole(const Network& network) {
  const std::string where = "network '" + network.name + "' ";
  if (network.nodes.size() > max_nodes) {
    throw Error(where + "has more than " + std::to_string(max_nodes) + " nodes; split it");
  }
  if (network.name.size() > max_name_bytes) throw Error("the network's name has more than 1024 bytes");
  if (inputs_of(network).empty()) throw Error(where + "has no input; add one");
  if (outputs_of(network).empty()) throw Error(where + "has no output; add one");
  if (cost(network).operations > max_operations) {
    throw Error(where + "takes more than 2^33 operations per event; use a smaller network");
  }
}

Ranges verify_within(const Network& network, const Locations* locations, int depth) {
  if (network.nodes.size() > max_nodes) check_whole(network);
  Ranges ranges;
  ranges.reserve(network.nodes.size());
  std::unordered_set<std::string> names;
  std::size_t elements = 0;
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    const auto id = static_cast<NodeId>(i);
    if (!names.insert(node.name).second) {
      throw Error(place(network, node, id, locations) + " has the name of an earlier node; rename one");
    }
    ranges.push_back(prove(network, ranges, {node, id, node.type, node.shape}, locations, depth).range);
    count_elements(network, node, id, locations, elements);
  }
  check_whole(network);
  return ranges;
}

}  // namespace rules

Ranges verify(const Network& network) {
  return rules::verify_within(network, nullptr, 0);
}

Interval hull(const std::vector<Interval>& elements) {
  if (elements.empty()) return {};
  Interval result = elements[0];
  for (const Interval& element : elements) {
    result = {std::min(result.low, element.low), std::max(result.high, element.high)};
  }
  return result;
}

}  // namespace crible::network
