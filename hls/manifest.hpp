#pragma once

#include <string>

#include "hls/firmware.hpp"

/// firmware.json: the ports, timing and size of a project, for whoever drives it. docs/firmware.md has the
/// keys.
namespace crible::hls {

std::string to_manifest(const Firmware& firmware);

/// The firmware that a manifest describes, without files. `source` names the text in messages. Throws Error.
Firmware parse_manifest(const std::string& text, const std::string& source);

}  // namespace crible::hls
