#include "tests/conformance/rows.hpp"

#include <cstring>

namespace crible::conformance {

using namespace network;

namespace {

void store(Type type, std::byte* row, std::size_t index, std::int64_t value) {
  const std::size_t bytes = storage_bytes(type);
  std::memcpy(row + index * bytes, &value, bytes);
}

std::int64_t fetch(Type type, const std::byte* row, std::size_t index) {
  const std::size_t bytes = storage_bytes(type);
  std::uint64_t bits = 0;
  std::memcpy(&bits, row + index * bytes, bytes);
  const std::size_t unused = 64 - 8 * bytes;
  if (!type.is_signed) return static_cast<std::int64_t>(bits);
  return static_cast<std::int64_t>(bits << unused) >> unused;
}

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
    std::byte* row = inputs[i].data();
    for (const Event& event : events) {
      for (std::size_t k = 0; k < event[i].size(); ++k) store(node.type, row, k, event[i][k]);
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
      const std::byte* row = outputs[o].data() + e * row_bytes(node);
      Tensor& tensor = event.emplace_back(element_count(node.shape));
      for (std::size_t k = 0; k < tensor.size(); ++k) tensor[k] = fetch(node.type, row, k);
    }
  }
}

}  // namespace crible::conformance
