#include "sim/stimulus.hpp"

#include <algorithm>

namespace crible::sim {

namespace {

using network::highest;
using network::lowest;
using network::Type;

/// The lowest bits of `bits` as a value of the type.
std::int64_t as_value(Type type, std::uint64_t bits) {
  const int unused = 64 - type.width;
  const std::uint64_t kept = bits << unused;
  return type.is_signed ? static_cast<std::int64_t>(kept) >> unused
                        : static_cast<std::int64_t>(kept >> unused);
}

std::int64_t zero_of(Type type) {
  return std::clamp<std::int64_t>(0, lowest(type), highest(type));
}

constexpr std::size_t most_corners = 512;  // elements whose ends are tried one by one

}  // namespace

Stimulus::Stimulus(const network::Network& network, std::uint64_t seed) : random_(seed) {
  for (const network::NodeId id : network::inputs_of(network)) {
    const network::Node& node = network.nodes[static_cast<std::size_t>(id)];
    types_.push_back(node.type);
    counts_.push_back(network::element_count(node.shape));
    elements_ += counts_.back();
  }
}

template <class Value>
Event Stimulus::fill(Value value) const {
  Event event;
  for (std::size_t i = 0; i < types_.size(); ++i) {
    std::vector<std::int64_t>& row = event.emplace_back();
    for (std::size_t k = 0; k < counts_[i]; ++k) row.push_back(value(types_[i], k));
  }
  return event;
}

Event Stimulus::pattern(std::uint64_t bits) const {
  return fill([bits](Type type, std::size_t k) { return as_value(type, k % 2 == 0 ? bits : ~bits); });
}

Event Stimulus::corner(std::size_t place) {
  const std::size_t element = place / 2;
  Event event = fill([](Type type, std::size_t) { return zero_of(type); });
  std::size_t index = element;
  for (std::size_t i = 0; i < event.size(); ++i) {
    if (index < counts_[i]) {
      event[i][index] = place % 2 == 0 ? lowest(types_[i]) : highest(types_[i]);
      break;
    }
    index -= counts_[i];
  }
  return event;
}

Event Stimulus::random_event() {
  const std::uint64_t kind = random_() % 4;
  const auto shrink = static_cast<int>(random_() % 12);  // near zero, where nothing saturates
  return fill([&](Type type, std::size_t) {
    const std::uint64_t bits = random_();
    const std::int64_t value = as_value(type, bits);
    if (kind == 0) return value;
    if (kind == 1)
      return random_() % 3 == 0 ? zero_of(type) : random_() % 2 == 0 ? lowest(type) : highest(type);
    if (kind == 2) return random_() % 4 == 0 ? value : zero_of(type);
    return value >> std::min(shrink, type.width - 1);
  });
}

Event Stimulus::next() {
  const std::size_t made = made_++;
  switch (made) {
    case 0:
      return fill([](Type type, std::size_t) { return lowest(type); });
    case 1:
      return fill([](Type type, std::size_t) { return highest(type); });
    case 2:
      return fill([](Type type, std::size_t) { return zero_of(type); });
    case 3:
      return fill([](Type type, std::size_t) { return as_value(type, ~std::uint64_t{0}); });
    case 4:
      return pattern(0x5555555555555555U);
    case 5:
      return pattern(0xaaaaaaaaaaaaaaaaU);
    default:
      break;
  }
  const std::size_t corners = 2 * std::min(elements_, most_corners);
  // Every second event is a corner until all were made, so that short runs see random ones as well.
  if (made % 2 == 0 && (made - 6) / 2 < corners) return corner((made - 6) / 2);
  return random_event();
}

}  // namespace crible::sim
