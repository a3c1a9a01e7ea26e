#pragma once

#include <string>

#include "hls/firmware.hpp"
#include "hls/lower.hpp"
#include "hls/pipeline.hpp"

/// Pipelined arithmetic as SystemVerilog.
namespace crible::hls {

/// Fills the ports, the probes and the text of the top module. `firmware.top` and `control` are set.
std::string emit_verilog(const network::Network& network, const Arithmetic& arithmetic,
                         const Pipeline& pipeline, Firmware& firmware);

}  // namespace crible::hls
