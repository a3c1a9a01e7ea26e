#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/wire/faults.hpp"

namespace crible::pipeline {

/// What a source does wrong, on purpose.
struct FaultPlan {
  wire::FaultRates rates{};
  std::uint64_t seed = 1;
  std::size_t delay_packets = 1000;

  bool any() const;
};

/// Names by wire::PacketFault: "none", "drop", ...
extern const std::array<std::string_view, wire::packet_fault_count> fault_names;

/// Reads "drop=0.01,delay=0.001,delay_packets=100,seed=7": probabilities per packet. Throws Error naming the
/// entry that is wrong.
FaultPlan parse_faults(std::string_view text);

}  // namespace crible::pipeline
