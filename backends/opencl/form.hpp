#pragma once

#include <string>
#include <vector>

#include "backends/opencl/api.hpp"
#include "engine/codegen/render.hpp"

/// Private to backends/opencl.
namespace crible::backends::opencl {

/// One form of a network's text for a device, and how it is launched.
struct TextForm {
  std::string name;  // "item", "block", ...
  codegen::Source source{};
  std::size_t local_items = 1;
  std::size_t events_of_group = 1;
  std::size_t most_groups = std::size_t{1} << 30;  // fewer where each takes scratch memory
  ProgramHandle program{};                         // null until somebody builds it
};

/// The forms that the device can hold and that may be the fastest for some size of batch; at least one.
/// Throws Error, behind `where`, when the network or `max_batch` events of it are too large for the device.
std::vector<TextForm> forms_for(const network::Network& network, const DeviceInfo& device,
                                std::size_t max_batch, const std::string& where);

}  // namespace crible::backends::opencl
