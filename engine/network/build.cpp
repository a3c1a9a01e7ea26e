#include "engine/network/build.hpp"

#include <cmath>

#include "engine/base/error.hpp"
#include "engine/network/verify_scope.hpp"

namespace crible::network {

Builder::Builder(std::string network_name) {
  network_.name = std::move(network_name);
}

NodeId Builder::input(const std::string& name, Shape shape, Type type, Encoding encoding) {
  return append(name, Input{std::move(encoding)}, {}, type, std::move(shape));
}

NodeId Builder::constant(const std::string& name, Shape shape, Type type, std::vector<std::int64_t> values) {
  return append(name, Constant{std::move(values)}, {}, type, std::move(shape));
}

NodeId Builder::add(const std::string& name, Operation operation, std::vector<NodeId> inputs) {
  return append(name, std::move(operation), std::move(inputs), std::nullopt, std::nullopt);
}

NodeId Builder::add(const std::string& name, Operation operation, std::vector<NodeId> inputs, Type type) {
  return append(name, std::move(operation), std::move(inputs), type, std::nullopt);
}

NodeId Builder::add(const std::string& name, Operation operation, std::vector<NodeId> inputs, Shape shape) {
  return append(name, std::move(operation), std::move(inputs), std::nullopt, std::move(shape));
}

NodeId Builder::add(const std::string& name, Operation operation, std::vector<NodeId> inputs, Type type,
                    Shape shape) {
  return append(name, std::move(operation), std::move(inputs), type, std::move(shape));
}

NodeId Builder::output(const std::string& name, NodeId value, Encoding encoding) {
  return append(name, Output{std::move(encoding)}, {value}, std::nullopt, std::nullopt);
}

NodeId Builder::output(const std::string& name, NodeId value) {
  Encoding encoding;
  const bool known = value >= 0 && static_cast<std::size_t>(value) < network_.nodes.size();
  if (known) encoding.scale = std::ldexp(1.0, -node(value).type.fraction);
  return output(name, value, encoding);
}

std::string Builder::unique_name(const std::string& wanted) const {
  std::string name = wanted;
  for (int copy = 2; names_.contains(name); ++copy) name = wanted + "_" + std::to_string(copy);
  return name;
}

Network Builder::finish() {
  rules::check_whole(network_);
  Network finished = std::move(network_);
  *this = Builder({});
  return finished;
}

NodeId Builder::append(const std::string& name, Operation operation, std::vector<NodeId> inputs,
                       std::optional<Type> type, std::optional<Shape> shape) {
  const auto id = static_cast<NodeId>(network_.nodes.size());
  Node node{name, std::move(operation), std::move(inputs), {}, {}};
  if (names_.contains(name)) {
    throw Error("node '" + name + "' (" + keyword(node.operation) +
                ") has the name of an earlier node; rename one");
  }
  rules::Proof proof = rules::prove(network_, ranges_, {node, id, type, std::move(shape)}, nullptr, 0);
  node.type = proof.type;
  node.shape = std::move(proof.shape);
  rules::count_elements(network_, node, id, nullptr, elements_);
  names_.insert(name);
  ranges_.push_back(std::move(proof.range));
  network_.nodes.push_back(std::move(node));
  return id;
}

}  // namespace crible::network
