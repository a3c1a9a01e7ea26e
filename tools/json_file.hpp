#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace crible::tools {

/// Writes a command's machine-readable result for --json FILE: indented, keys in the order given, beside and
/// renamed, so that the file is whole or absent. An empty path does nothing.
void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& result);

/// Throws when the file's folder is not there, for commands that write it after long work. An empty path is
/// well.
void require_folder(const std::filesystem::path& path);

}  // namespace crible::tools
