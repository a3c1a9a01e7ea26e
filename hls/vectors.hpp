#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hls/firmware.hpp"

/// Test vectors of a project. The expected outputs come from whoever knows the reference.
namespace crible::hls {

/// Values of one event for each port: values[port][element].
using PortValues = std::vector<std::vector<std::int64_t>>;

inline constexpr int vector_count = 256;

/// The events of a project's test vectors: corners of the inputs' types, then seeded random ones.
std::vector<PortValues> vector_inputs(const Firmware& firmware);

/// All ports side by side, the first lowest, as one hexadecimal number.
std::string hex_line(const std::vector<DataPort>& ports, const PortValues& values);

/// vectors/inputs.hex and vectors/outputs.hex, one line for each event.
void add_vectors(Firmware& firmware, const std::vector<PortValues>& inputs,
                 const std::vector<PortValues>& outputs);

}  // namespace crible::hls
