#include <filesystem>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "hls/firmware.hpp"
#include "hls/manifest.hpp"

namespace crible::hls {

namespace fs = std::filesystem;

void write_project(const Firmware& firmware, const std::string& directory) {
  std::error_code error;
  if (fs::exists(directory, error) &&
      (!fs::is_directory(directory, error) || !fs::is_empty(directory, error))) {
    throw Error(directory + " is not an empty directory; choose another one for the firmware or remove it");
  }
  for (const File& file : firmware.files) {
    const fs::path path = fs::path(directory) / file.path;
    fs::create_directories(path.parent_path(), error);
    if (error)
      throw Error(path.parent_path().string() + " cannot be created: " + error.message(), Fault::failure);
    write_file(path, file.text);
  }
}

Firmware read_project(const std::string& directory) {
  const fs::path manifest = fs::path(directory) / "firmware.json";
  Firmware firmware = parse_manifest(read_file(manifest), manifest.string());
  for (const std::string& source : firmware.sources)
    firmware.files.push_back({source, read_file(fs::path(directory) / source)});
  return firmware;
}

}  // namespace crible::hls
