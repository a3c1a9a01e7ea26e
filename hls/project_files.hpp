#pragma once

#include <string>
#include <vector>

#include "hls/firmware.hpp"

/// What belongs to a firmware project besides its SystemVerilog.
namespace crible::hls {

std::string vhdl_wrapper(const Firmware& firmware);
std::string testbench(const Firmware& firmware);
std::string constraints(const Firmware& firmware, double clock_ns);
std::string report(const Firmware& firmware, const Options& options);
std::string readme(const Firmware& firmware);

}  // namespace crible::hls
