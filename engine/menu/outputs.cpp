#include "engine/menu/outputs.hpp"

#include <cstring>

#include "engine/network/text.hpp"
#include "engine/network/verify.hpp"

namespace crible::menu {

namespace {

/// "score" for an output of one element, else "score[0]", "score[1]", ...
std::string element_name(const network::Node& output, std::size_t index) {
  if (network::element_count(output.shape) == 1) return output.name;
  return output.name + "[" + std::to_string(index) + "]";
}

NetworkOutputs describe(const detector::NetworkConfig& config, const detector::Binding& binding,
                        const network::Network& network) {
  NetworkOutputs outputs;
  outputs.name = config.name;
  outputs.hash = network::content_hash(network);
  outputs.binding = binding.text();
  outputs.collection = binding.collection();
  outputs.max_objects = binding.max_objects();
  const network::Ranges ranges = network::verify(network);
  for (const network::NodeId id : network::outputs_of(network)) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    const auto& encoding = std::get<network::Output>(node.operation).encoding;
    const std::size_t count = network::element_count(node.shape);
    outputs.output_elements.push_back(count);
    outputs.element_bytes.push_back(network::storage_bytes(node.type));
    for (std::size_t i = 0; i < count; ++i) {
      const network::Interval range = ranges[static_cast<std::size_t>(id)][i];
      outputs.elements.push_back({element_name(node, i), node.type, range, encoding});
    }
  }
  return outputs;
}

void name_elements(const detector::NetworkConfig& config, NetworkOutputs& outputs) {
  if (config.outputs.empty()) return;
  if (config.outputs.size() != outputs.elements.size()) {
    throw config.place.at("outputs").error("names " + std::to_string(config.outputs.size()) +
                                           " elements, but the outputs of network '" + config.name +
                                           "' have " + std::to_string(outputs.elements.size()));
  }
  for (std::size_t i = 0; i < outputs.elements.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (config.outputs[i] != config.outputs[j]) continue;
      throw config.place.at("outputs").error("'" + config.outputs[i] +
                                             "' is there twice; give each its own name");
    }
    outputs.elements[i].name = config.outputs[i];
  }
}

template <class Element>
std::int64_t read(const std::byte* place) noexcept {
  Element value;
  std::memcpy(&value, place, sizeof value);
  return static_cast<std::int64_t>(value);
}

std::int64_t read_output(network::Type type, std::size_t bytes, const std::byte* place) noexcept {
  switch (bytes) {
    case 1:
      return type.is_signed ? read<std::int8_t>(place) : read<std::uint8_t>(place);
    case 2:
      return type.is_signed ? read<std::int16_t>(place) : read<std::uint16_t>(place);
    case 4:
      return type.is_signed ? read<std::int32_t>(place) : read<std::uint32_t>(place);
    default:
      return read<std::int64_t>(place);
  }
}

}  // namespace

OutputLayout::OutputLayout(const std::vector<detector::NetworkConfig>& configs,
                           const std::vector<detector::Binding>& bindings,
                           const std::vector<network::Network>& networks) {
  for (std::size_t n = 0; n < configs.size(); ++n) {
    NetworkOutputs outputs = describe(configs[n], bindings[n], networks[n]);
    name_elements(configs[n], outputs);
    outputs.first = size_;
    size_ += outputs.max_objects * outputs.elements.size();
    networks_.push_back(std::move(outputs));
  }
}

void OutputLayout::store(std::size_t network, std::size_t object,
                         std::span<const std::span<std::byte>> outputs, std::size_t row,
                         std::int64_t* event_outputs) const noexcept {
  const NetworkOutputs& described = networks_[network];
  std::size_t element = 0;
  std::int64_t* target = event_outputs + described.first + object * described.elements.size();
  for (std::size_t o = 0; o < outputs.size(); ++o) {
    const std::size_t count = described.output_elements[o];
    if (count == 0) continue;
    const network::Type type = described.elements[element].type;
    const std::size_t bytes = described.element_bytes[o];
    const std::byte* source = outputs[o].data() + row * count * bytes;
    for (std::size_t i = 0; i < count; ++i, source += bytes)
      target[element++] = read_output(type, bytes, source);
  }
}

}  // namespace crible::menu
