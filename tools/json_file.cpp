#include "tools/json_file.hpp"

#include <nlohmann/json.hpp>

#include "engine/base/file.hpp"

namespace crible::tools {

void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& result) {
  if (!path.empty()) write_file(path, result.dump(2) + "\n");
}

}  // namespace crible::tools
