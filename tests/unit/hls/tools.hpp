#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "engine/base/temporary_folder.hpp"
#include "engine/network/network.hpp"
#include "hls/firmware.hpp"
#include "hls/vectors.hpp"

/// The open tools that read SystemVerilog, as checks of generated text.
namespace crible::hls {

/// The output of a shell command when it failed or printed anything; empty when it was content.
std::string complaints(const std::string& command);

/// What verilator --lint-only -Wall, Icarus Verilog and Yosys say against projects; one call of each, because
/// their start takes longer than their work. Tops have different names.
std::string lint(const std::vector<Firmware>& projects);

/// The last line of a project's own bench under Icarus Verilog, "256 vectors, 0 wrong".
std::string bench_result(Firmware firmware, const std::vector<PortValues>& inputs,
                         const std::vector<PortValues>& outputs);

/// Whether golden files are written (CRIBLE_UPDATE_GOLDEN=1) instead of compared with.
bool updating_golden();
void expect_golden(const std::string& path, const std::string& text);

}  // namespace crible::hls
