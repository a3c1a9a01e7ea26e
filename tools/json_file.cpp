#include "tools/json_file.hpp"

#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/base/error.hpp"

namespace crible::tools {

void write_json_file(const std::filesystem::path& path, const nlohmann::ordered_json& result) {
  if (path.empty()) return;
  std::filesystem::path beside = path;
  beside += ".part";
  std::ofstream file(beside);
  file << result.dump(2) << '\n';
  file.close();
  if (!file) throw Error("cannot write " + path.string() + "; check that its folder exists and has room");
  std::filesystem::rename(beside, path);
}

}  // namespace crible::tools
