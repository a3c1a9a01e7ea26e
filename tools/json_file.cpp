#include "tools/json_file.hpp"

#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::tools {

void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& result) {
  if (!path.empty()) write_file(path, result.dump(2) + "\n");
}

void require_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  if (!path.empty() && !std::filesystem::is_directory(folder)) {
    throw Error(path.string() + ": cannot be written, as there is no folder " + folder.string() +
                "; make it first");
  }
}

}  // namespace crible::tools
