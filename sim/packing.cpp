#include "sim/packing.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::sim {

namespace {

void put(Words& words, std::size_t first_word, const BoundElement& element, std::int64_t value) {
  for (int i = 0; i < element.width_bits; ++i) {
    const auto bit = static_cast<std::size_t>(element.offset_bits + i);
    const auto set = static_cast<std::uint32_t>((value >> std::min(63, element.shift + i)) & 1);
    words[first_word + bit / 32] |= set << (bit % 32);
  }
}

std::int64_t get(const Words& words, std::size_t first_word, const BoundElement& element) {
  std::uint64_t value = 0;
  for (int i = 0; i < element.width_bits; ++i) {
    const auto bit = static_cast<std::size_t>(element.offset_bits + i);
    value |= static_cast<std::uint64_t>((words[first_word + bit / 32] >> (bit % 32)) & 1U) << i;
  }
  if (element.is_signed && element.width_bits > 0 && element.width_bits < 64 &&
      ((value >> (element.width_bits - 1)) & 1U) != 0) {
    value |= ~std::uint64_t{0} << element.width_bits;
  }
  return static_cast<std::int64_t>(value << element.shift);
}

std::size_t all_words(const std::vector<BoundPort>& ports) {
  std::size_t count = 0;
  for (const BoundPort& port : ports) count += words_of_bits(port.width_bits);
  return count;
}

}  // namespace

std::size_t words_of_bits(int bits) {
  return (static_cast<std::size_t>(bits) + 31) / 32;
}

Words pack_inputs(const network::Network& network, const Binding& binding, const Event& event) {
  const std::vector<network::NodeId> inputs = network::inputs_of(network);
  Words words(all_words(binding.inputs), 0);
  std::size_t first = 0;
  for (const BoundPort& port : binding.inputs) {
    const auto index =
        static_cast<std::size_t>(std::find(inputs.begin(), inputs.end(), port.node) - inputs.begin());
    for (std::size_t e = 0; e < port.elements.size(); ++e)
      put(words, first, port.elements[e], event[index][e]);
    first += words_of_bits(port.width_bits);
  }
  return words;
}

Words pack_outputs(const network::Network& network, const Binding& binding,
                   const std::vector<std::vector<std::int64_t>>& values) {
  Words words(all_words(binding.outputs), 0);
  std::size_t first = 0;
  for (const BoundPort& port : binding.outputs) {
    for (std::size_t e = 0; e < port.elements.size(); ++e) {
      const std::int64_t value = values[static_cast<std::size_t>(port.node)][e];
      put(words, first, port.elements[e], value);
      if (get(words, first, port.elements[e]) == value) continue;
      throw Error("Output '" + network.nodes[static_cast<std::size_t>(port.node)].name + "' element " +
                  std::to_string(e) + " takes the value " + std::to_string(value) + ", which the " +
                  std::to_string(port.elements[e].width_bits) + " bits that port '" + port.port +
                  "' has for it cannot hold; check width, signed and shift in the binding.");
    }
    first += words_of_bits(port.width_bits);
  }
  return words;
}

Words output_mask(const Binding& binding) {
  Words words(all_words(binding.outputs), 0);
  std::size_t first = 0;
  for (const BoundPort& port : binding.outputs) {
    for (BoundElement element : port.elements) {
      element.shift = 0;
      put(words, first, element, -1);
    }
    first += words_of_bits(port.width_bits);
  }
  return words;
}

Event unpack_outputs(const network::Network& network, const Binding& binding, const Words& words) {
  const std::vector<network::NodeId> outputs = network::outputs_of(network);
  Event event(outputs.size());
  std::size_t first = 0;
  for (const BoundPort& port : binding.outputs) {
    const auto index =
        static_cast<std::size_t>(std::find(outputs.begin(), outputs.end(), port.node) - outputs.begin());
    for (const BoundElement& element : port.elements) event[index].push_back(get(words, first, element));
    first += words_of_bits(port.width_bits);
  }
  return event;
}

OutputDifference first_difference(const Binding& binding, const Words& expected, const Words& got) {
  std::size_t first = 0;
  for (const BoundPort& port : binding.outputs) {
    for (std::size_t e = 0; e < port.elements.size(); ++e) {
      const BoundElement& element = port.elements[e];
      const std::int64_t a = get(expected, first, element);
      const std::int64_t b = get(got, first, element);
      if (a == b) continue;
      int bit = 0;
      while ((((a ^ b) >> (element.shift + bit)) & 1) == 0) ++bit;
      return {&port, static_cast<int>(e), bit, a, b};
    }
    first += words_of_bits(port.width_bits);
  }
  return {};
}

}  // namespace crible::sim
