#pragma once

#include <filesystem>
#include <string>

#include "engine/base/temporary_folder.hpp"
#include "engine/network/network.hpp"
#include "sim/binding.hpp"

/// Small networks and modules for the tests of simulation and proof.
namespace crible::sim {

/// Two dense layers of a few neurons with a requantize (half to even) between them.
network::Network tiny_network();

/// A requantize s12 -> u4, shift 5, half to even, saturating; one element.
network::Network rounding_network();

/// Writes the generated firmware of a network below `folder` and binds it. `from`, `to`: text to replace once
/// in the Verilog, so that it is wrong.
Binding made_firmware(const network::Network& network, const std::filesystem::path& folder,
                      const std::string& from = {}, const std::string& to = {}, int adders_per_stage = 3);

/// A combinational module with the input port `x` (12 bits) and the output port `y` (4 bits):
/// rounding_network's ports around this text.
Binding rounding_module(const std::filesystem::path& folder, const std::string& body);

}  // namespace crible::sim
