#include "backends/choice.hpp"

#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"

namespace crible::backends {

std::string broken_rule(const network::Network& network) {
  try {
    network::verify(network);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::size_t choose_device(const std::string& backend, std::span<const Device> devices,
                          const std::string& wanted) {
  std::string known;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const Device& device = devices[i];
    if (device.usable && (wanted.empty() || wanted == device.name)) return i;
    if (wanted == device.name) {
      throw Error("The device " + wanted + " cannot be used here: " + device.reason);
    }
    if (device.usable) known += known.empty() ? device.name : ", " + device.name;
  }
  if (known.empty()) {
    throw Error("The " + backend + " backend cannot be used here: " + devices.front().reason);
  }
  throw Error("The " + backend + " backend has no device \"" + wanted + "\"; it has: " + known + ".");
}

}  // namespace crible::backends
