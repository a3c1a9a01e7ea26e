#include "tests/conformance/rows.hpp"

#include "engine/network/stored.hpp"

namespace crible::conformance {

using namespace network;

namespace {

const Node& node_of(const Network& network, NodeId id) {
  return network.nodes[static_cast<std::size_t>(id)];
}

}  // namespace

std::size_t row_bytes(const Node& node) {
  return element_count(node.shape) * storage_bytes(node.type);
}

void store_inputs(const Network& network, std::span<const Event> events, Arrays inputs) {
  const std::vector<NodeId> ids = inputs_of(network);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Node& node = node_of(network, ids[i]);
    const std::size_t bytes = storage_bytes(node.type);
    std::byte* row = inputs[i].data();
    for (const Event& event : events) {
      for (std::size_t k = 0; k < event[i].size(); ++k)
        store_element(row + k * bytes, node.type, event[i][k]);
      row += row_bytes(node);
    }
  }
}

void fetch_outputs(const Network& network, Arrays outputs, std::size_t count, Events& events) {
  const std::vector<NodeId> ids = outputs_of(network);
  for (std::size_t e = 0; e < count; ++e) {
    Event& event = events.emplace_back();
    for (std::size_t o = 0; o < ids.size(); ++o) {
      const Node& node = node_of(network, ids[o]);
      const std::size_t bytes = storage_bytes(node.type);
      const std::byte* row = outputs[o].data() + e * row_bytes(node);
      Tensor& tensor = event.emplace_back(element_count(node.shape));
      for (std::size_t k = 0; k < tensor.size(); ++k) tensor[k] = load_element(row + k * bytes, node.type);
    }
  }
}

}  // namespace crible::conformance
