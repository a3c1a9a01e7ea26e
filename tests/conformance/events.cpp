#include "tests/conformance/events.hpp"

namespace crible::conformance {

namespace {

using network::Type;

enum class Kind { lows, highs, alternating, random_ends, small, uniform };

Kind kind_of(std::size_t event) {
  constexpr Kind first[] = {Kind::lows, Kind::highs, Kind::alternating, Kind::random_ends, Kind::random_ends};
  if (event < std::size(first)) return first[event];
  return event % 3 == 0 ? Kind::small : Kind::uniform;
}

std::int64_t value_of(Kind kind, Type type, std::size_t element, std::mt19937& random) {
  const std::int64_t low = lowest(type);
  const std::int64_t high = highest(type);
  switch (kind) {
    case Kind::lows:
      return low;
    case Kind::highs:
      return high;
    case Kind::alternating:
      return element % 2 == 0 ? low : high;
    case Kind::random_ends:
      return random() % 2 == 0 ? low : high;
    case Kind::small:
      return std::uniform_int_distribution<std::int64_t>(std::max<std::int64_t>(low, -3),
                                                         std::min<std::int64_t>(high, 3))(random);
    case Kind::uniform:
      return std::uniform_int_distribution<std::int64_t>(low, high)(random);
  }
  return low;
}

}  // namespace

Events make_events(const network::Network& network, std::size_t count, std::uint32_t seed) {
  std::mt19937 random(seed);
  Events events(count);
  for (std::size_t e = 0; e < count; ++e) {
    for (const network::NodeId id : inputs_of(network)) {
      const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
      Tensor tensor(network::element_count(node.shape));
      for (std::size_t i = 0; i < tensor.size(); ++i) tensor[i] = value_of(kind_of(e), node.type, i, random);
      events[e].push_back(std::move(tensor));
    }
  }
  return events;
}

Events expected(const network::Network& network, const Events& events) {
  Events outputs;
  for (const Event& event : events) outputs.push_back(reference::evaluate(network, event));
  return outputs;
}

}  // namespace crible::conformance
