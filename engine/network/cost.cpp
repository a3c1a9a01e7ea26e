#include "engine/network/cost.hpp"

#include <limits>

namespace crible::network {

namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::uint64_t plus(std::uint64_t a, std::uint64_t b) {
  return a > most - b ? most : a + b;
}
std::uint64_t times(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > most / b ? most : a * b;
}

std::uint64_t product(const std::vector<int>& factors) {
  std::uint64_t result = 1;
  for (const int factor : factors) result = times(result, static_cast<std::uint64_t>(factor));
  return result;
}

/// Shapes seen from one node.
class NodeCost {
 public:
  NodeCost(const Network& network, const Node& node) : network_(network), node_(node) {}

  Cost operator()(const Dense& o) const {
    const std::uint64_t products = times(results(), static_cast<std::uint64_t>(o.inputs));
    return {products, products, o.weights.size() + o.bias.size()};
  }
  Cost operator()(const Conv& o) const {
    const std::uint64_t terms = o.weights.size() / static_cast<std::uint64_t>(o.filters);
    const std::uint64_t products = times(results(), terms);
    return {products, products, o.weights.size() + o.bias.size()};
  }
  Cost operator()(const Multiply&) const { return {results(), times(2, results()), 0}; }
  Cost operator()(const Reduce& o) const {
    const std::uint64_t read = element_count(input(0).shape);
    return {o.kind == ReduceKind::sum_of_squares ? read : 0, read, 0};
  }
  Cost operator()(const Pool& o) const { return {0, times(results(), product(o.window.kernel)), 0}; }
  Cost operator()(const Requantize& o) const {
    const std::uint64_t entries =
        o.multiplier.size() + o.offset.size() + o.shift.size() + o.zero_point.size();
    return {0, results(), entries};
  }
  Cost operator()(const Threshold& o) const {
    return {0, times(results(), static_cast<std::uint64_t>(o.steps) + 1),
            o.thresholds.size() + o.base.size() + o.sign.size()};
  }
  Cost operator()(const Lookup& o) const { return {0, results(), o.table.size()}; }
  Cost operator()(const Constant& o) const { return {0, 0, o.values.size()}; }
  Cost operator()(const Sort&) const {
    std::uint64_t levels = 1;
    for (std::uint64_t n = results(); n > 1; n /= 2) ++levels;
    return {0, times(results(), levels), 0};
  }
  Cost operator()(const TreeEnsemble& o) const {
    Cost cost{0, o.trees.size(), o.bias.size()};
    for (const Tree& tree : o.trees) {
      cost.operations += tree.nodes.size();
      cost.parameters += tree.nodes.size() + tree.leaves.size();
    }
    return cost;
  }
  Cost operator()(const Recurrent& o) const {
    Cost body = cost(*o.body);
    const auto steps = static_cast<std::uint64_t>(input(0).shape[0]);
    body.multiply_accumulates = times(body.multiply_accumulates, steps);
    body.operations = times(body.operations, steps);
    return body;
  }
  Cost operator()(const Input&) const { return {}; }
  Cost operator()(const Output&) const { return {}; }
  Cost operator()(const Add&) const { return moved(2); }
  Cost operator()(const Subtract&) const { return moved(2); }
  Cost operator()(const Compare&) const { return moved(2); }
  Cost operator()(const Select&) const { return moved(3); }
  Cost operator()(const Clamp&) const { return moved(1); }
  Cost operator()(const LeakyRelu&) const { return moved(1); }
  Cost operator()(const Concat&) const { return moved(1); }
  Cost operator()(const Reshape&) const { return moved(1); }
  Cost operator()(const Transpose&) const { return moved(1); }
  Cost operator()(const Slice&) const { return moved(1); }
  Cost operator()(const Pad&) const { return moved(1); }
  Cost operator()(const Resize&) const { return moved(1); }

 private:
  std::uint64_t results() const { return element_count(node_.shape); }
  Cost moved(std::uint64_t inputs) const { return {0, times(inputs, results()), 0}; }
  const Node& input(std::size_t index) const {
    return network_.nodes[static_cast<std::size_t>(node_.inputs[index])];
  }

  const Network& network_;
  const Node& node_;
};

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  multiply_accumulates = plus(multiply_accumulates, other.multiply_accumulates);
  operations = plus(operations, other.operations);
  parameters = plus(parameters, other.parameters);
  return *this;
}

Cost cost(const Network& network, const Node& node) {
  return std::visit(NodeCost(network, node), node.operation);
}

Cost cost(const Network& network) {
  Cost total;
  for (const Node& node : network.nodes) total += cost(network, node);
  return total;
}

}  // namespace crible::network
