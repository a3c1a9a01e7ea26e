#pragma once

#include <cstddef>
#include <span>

#include "tests/conformance/events.hpp"

/// Events to and from arrays as backends::Slot has them: packed little-endian rows.
namespace crible::conformance {

using Arrays = std::span<const std::span<std::byte>>;

std::size_t row_bytes(const network::Node& node);

void store_inputs(const network::Network& network, std::span<const Event> events, Arrays inputs);

/// Appends the outputs of `count` events.
void fetch_outputs(const network::Network& network, Arrays outputs, std::size_t count, Events& events);

}  // namespace crible::conformance
