#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/backend.hpp"
#include "engine/reference/reference.hpp"

namespace crible::test {

using Event = std::vector<reference::Tensor>;  // one tensor for each input

/// Devices of the cpu backend that this machine can run.
std::vector<std::string> usable_devices();

/// `count` events: random ones, and all lowest and all highest values of the input types.
std::vector<Event> make_events(const network::Network& network, std::size_t count, std::uint64_t seed);

/// Runs `network` on every usable device in batches of the given sizes and compares each output element with
/// the reference. Reports failures to GoogleTest, naming device, batch, event, output and element.
void expect_equal_to_reference(const network::Network& network, const std::vector<Event>& events,
                               const std::vector<std::size_t>& batches);

}  // namespace crible::test
