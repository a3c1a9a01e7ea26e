#pragma once

#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "engine/network/verify.hpp"

namespace crible::network {

/// Adds nodes one by one; infers each shape and the type that the operation determines, proves its range,
/// and chooses the accumulator width (32 bits when it fits, else 64). Throws Error naming the node.
class Builder {
 public:
  explicit Builder(std::string network_name);

  NodeId input(const std::string& name, Shape shape, Type type, Encoding encoding = {});
  NodeId constant(const std::string& name, Shape shape, Type type, std::vector<std::int64_t> values);

  /// An operation whose result type follows from its inputs (dense, conv, add, pool, layout, reduce, ...).
  NodeId add(const std::string& name, Operation operation, std::vector<NodeId> inputs);

  /// Requantize, threshold, lookup: the result type is the caller's choice. For reshape, slice and other
  /// operations whose shape is the caller's, use the overload below.
  NodeId add(const std::string& name, Operation operation, std::vector<NodeId> inputs, Type type);
  NodeId add(const std::string& name, Operation operation, std::vector<NodeId> inputs, Shape shape);
  NodeId add(const std::string& name, Operation operation, std::vector<NodeId> inputs, Type type,
             Shape shape);

  NodeId output(const std::string& name, NodeId value, Encoding encoding);
  /// Output whose encoding is the value's own type: scale 2^-fraction, zero point 0.
  NodeId output(const std::string& name, NodeId value);

  const Node& node(NodeId id) const { return network_.nodes[static_cast<std::size_t>(id)]; }
  const std::vector<Interval>& range(NodeId id) const { return ranges_[static_cast<std::size_t>(id)]; }

  /// `wanted`, or `wanted_2`, `wanted_3`, ... : the first that no node has yet.
  std::string unique_name(const std::string& wanted) const;

  /// Verifies and hands the network over; the builder is empty afterwards.
  Network finish();

 private:
  NodeId append(const std::string& name, Operation operation, std::vector<NodeId> inputs,
                std::optional<Type> type, std::optional<Shape> shape);

  Network network_;
  std::unordered_set<std::string> names_;
  std::size_t elements_ = 0;
  Ranges ranges_;
};

}  // namespace crible::network
