#include "engine/menu/outputs.hpp"

#include <algorithm>
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

/// Every element of every output, under the network's own names.
std::vector<OutputElement> all_elements(const network::Network& network) {
  std::vector<OutputElement> elements;
  const network::Ranges ranges = network::verify(network);
  const std::vector<network::NodeId> ids = network::outputs_of(network);
  for (std::size_t o = 0; o < ids.size(); ++o) {
    const auto id = static_cast<std::size_t>(ids[o]);
    const network::Node& node = network.nodes[id];
    const auto& encoding = std::get<network::Output>(node.operation).encoding;
    const std::size_t count = network::element_count(node.shape);
    const std::size_t bytes = network::storage_bytes(node.type);
    for (std::size_t i = 0; i < count; ++i) {
      elements.push_back(
          {element_name(node, i), node.type, ranges[id][i], encoding, o, i * bytes, count * bytes, bytes});
    }
  }
  return elements;
}

/// The list form of `outputs`: a new name for each element.
void rename_all(const detector::NetworkConfig& config, std::vector<OutputElement>& elements) {
  if (config.outputs.size() != elements.size()) {
    throw config.place.at("outputs").error("names " + std::to_string(config.outputs.size()) +
                                           " elements, but the outputs of network '" + config.name +
                                           "' have " + std::to_string(elements.size()) +
                                           "; a map 'name: element' keeps some of them");
  }
  for (std::size_t i = 0; i < elements.size(); ++i) elements[i].name = config.outputs[i].name;
}

/// The map form: only these elements, under new names.
std::vector<OutputElement> selected(const detector::NetworkConfig& config,
                                    const std::vector<OutputElement>& elements) {
  std::vector<std::string> names;
  for (const OutputElement& element : elements) names.push_back(element.name);
  std::vector<OutputElement> kept;
  for (const detector::OutputName& wanted : config.outputs) {
    const auto found = std::find(names.begin(), names.end(), wanted.element);
    if (found == names.end()) {
      const std::string proposal = yaml::nearest(wanted.element, names);
      throw config.place.at("outputs").error("network '" + config.name + "' has no output element '" +
                                             wanted.element + "'" +
                                             (proposal.empty() ? "" : "; did you mean '" + proposal + "'?"));
    }
    kept.push_back(elements[static_cast<std::size_t>(found - names.begin())]);
    kept.back().name = wanted.name;
  }
  return kept;
}

NetworkOutputs describe(const detector::NetworkConfig& config, const detector::Binding& binding,
                        const network::Network& network) {
  NetworkOutputs outputs;
  outputs.name = config.name;
  outputs.hash = network::content_hash(network);
  outputs.binding = binding.text();
  outputs.collection = binding.collection();
  outputs.max_objects = binding.max_objects();
  outputs.elements = all_elements(network);
  if (config.outputs.empty()) return outputs;
  if (config.outputs.front().element.empty()) {
    rename_all(config, outputs.elements);
  } else {
    outputs.elements = selected(config, outputs.elements);
  }
  return outputs;
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
    outputs.first = size_;
    size_ += outputs.max_objects * outputs.elements.size();
    networks_.push_back(std::move(outputs));
  }
}

void OutputLayout::store(std::size_t network, std::size_t object,
                         std::span<const std::span<std::byte>> outputs, std::size_t row,
                         std::int64_t* event_outputs) const noexcept {
  const NetworkOutputs& described = networks_[network];
  std::int64_t* target = event_outputs + described.first + object * described.elements.size();
  for (const OutputElement& element : described.elements) {
    const std::byte* place = outputs[element.output].data() + row * element.row_bytes + element.offset_bytes;
    *target++ = read_output(element.type, element.element_bytes, place);
  }
}

}  // namespace crible::menu
