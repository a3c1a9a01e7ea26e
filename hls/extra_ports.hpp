#pragma once

#include <string>
#include <vector>

#include "hls/firmware.hpp"

namespace crible::hls {

/// A port of the top module that carries neither data nor control; shells hand it through.
struct ExtraPort {
  std::string name;
  bool is_input = false;
  int width_bits = 1;
};

/// The ports of the saturation counters, or none.
inline std::vector<ExtraPort> extra_ports(const Firmware& firmware) {
  if (firmware.saturation_counters.empty()) return {};
  return {{firmware.counters.address, true, counter_address_bits},
          {firmware.counters.data, false, counter_bits}};
}

}  // namespace crible::hls
