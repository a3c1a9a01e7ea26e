#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "backends/backend.hpp"

/// Private to the backends: what all of them answer alike.
namespace crible::backends {

/// Empty when the network obeys the rules of networks; otherwise the sentence that names the node.
std::string broken_rule(const network::Network& network);

/// Where in `devices` the device `wanted` is, or with an empty name the first that is usable. Throws Error
/// with the reason when it cannot be used, and with the known names when it does not exist.
std::size_t choose_device(const std::string& backend, std::span<const Device> devices,
                          const std::string& wanted);

}  // namespace crible::backends
