#pragma once

#include <string>
#include <vector>

#include "engine/detector/event.hpp"
#include "engine/menu/decision_network.hpp"

namespace crible::menu {

/// Finds the network and object that "tag_2/NODE" names, and puts its answers where the menu reads them.
inline std::vector<std::int64_t> answers_as_input(const network::Node& input, const OutputLayout& layout,
                                                  const std::vector<network::Network>& networks,
                                                  const std::vector<std::int64_t>& outputs) {
  std::vector<std::int64_t> values(network::element_count(input.shape));
  const std::string part = input.name.substr(0, input.name.find('/'));
  for (std::size_t n = 0; n < layout.network_count(); ++n) {
    const NetworkOutputs& place = layout.network(n);
    for (std::size_t object = 0; object < place.max_objects; ++object) {
      const std::string name = place.collection ? place.name + "_" + std::to_string(object) : place.name;
      if (name != part) continue;
      for (std::size_t e = 0; e < place.elements.size(); ++e) {
        const OutputElement& element = place.elements[e];
        const auto id = network::outputs_of(networks[n])[element.output];
        if (part + "/" + networks[n].nodes[static_cast<std::size_t>(id)].name != input.name) continue;
        values[element.offset_bytes / element.element_bytes] =
            outputs[place.first + object * place.elements.size() + e];
      }
    }
  }
  return values;
}

/// What the inputs of a conditions_network are for an event; records behind the last object are as they lie.
inline std::vector<std::vector<std::int64_t>> event_inputs(const network::Network& network,
                                                           const detector::Description& description,
                                                           const OutputLayout& layout,
                                                           const std::vector<network::Network>& networks,
                                                           const detector::Event& event,
                                                           const std::vector<std::int64_t>& outputs) {
  std::vector<std::vector<std::int64_t>> inputs;
  for (const network::NodeId id : network::inputs_of(network)) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    if (node.name.find('/') != std::string::npos) {
      inputs.push_back(answers_as_input(node, layout, networks, outputs));
      continue;
    }
    if (const auto scalar = description.find_scalar(node.name)) {
      const std::byte* place = event.payload(scalar->source) + scalar->offset_bytes;
      inputs.push_back({detector::read_integer(scalar->type, place)});
      continue;
    }
    const std::size_t dot = node.name.find('.');
    const std::size_t collection = description.find_collection(node.name.substr(0, dot)).value();
    const std::string field = node.name.substr(dot + 1);
    if (field == "count") {
      inputs.push_back({event.count(collection)});
      continue;
    }
    const detector::Collection& found = description.collections[collection];
    const detector::Field& member = found.fields[found.find_field(field).value()];
    std::vector<std::int64_t>& values = inputs.emplace_back();
    for (std::size_t object = 0; object < found.capacity; ++object)
      values.push_back(
          detector::read_integer(member.type, event.object(collection, object) + member.offset_bytes));
  }
  return inputs;
}

}  // namespace crible::menu
