#pragma once

#include <filesystem>
#include <string>

#include "engine/network/network.hpp"

namespace crible::network {

/// The canonical text form: equal networks give equal text, byte for byte. Grammar: TEXT.md beside this file.
std::string to_text(const Network& network);

/// Parses and verifies. `source` names the text in messages ("file.crn"): "file.crn:12: ...".
Network parse_text(const std::string& text, const std::string& source);

Network load(const std::filesystem::path& path);

/// Writes beside and renames: the file is whole or absent.
void save(const Network& network, const std::filesystem::path& path);

/// SHA-256 of the canonical text, 64 lower-case hexadecimal digits. Decisions, recordings, firmware and
/// benchmark results carry it.
std::string content_hash(const Network& network);

}  // namespace crible::network
