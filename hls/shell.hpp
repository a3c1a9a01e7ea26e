#pragma once

#include <string>

#include "hls/firmware.hpp"

namespace crible::hls {

/// A module NAME_axis around the bare one: AXI4-Stream with back-pressure on both sides. The pipeline itself
/// never stalls; a buffer behind it takes what is under way, and only as many events are let in as it holds.
std::string axi_stream_shell(const Firmware& firmware);

/// tdata of the shell: all data bits, rounded up to whole bytes.
int axi_data_bits(const std::vector<DataPort>& ports);

}  // namespace crible::hls
