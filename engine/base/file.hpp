#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace crible {

/// The whole file. Throws Error naming the path and the reason.
std::string read_file(const std::filesystem::path& path);

/// Writes beside the path and renames: the file is whole or absent. Throws Error naming the path and the
/// reason.
void write_file(const std::filesystem::path& path, std::string_view bytes);

}  // namespace crible
