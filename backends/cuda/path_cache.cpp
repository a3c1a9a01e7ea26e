#include "backends/cuda/path_cache.hpp"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/base/sha256.hpp"

namespace crible::backends::cuda {

namespace {

/// Empty when there is no home to keep it in.
std::filesystem::path file_of(const std::string& key) {
  std::filesystem::path folder;
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache != '\0') {
    folder = cache;
  } else if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    folder = std::filesystem::path(home) / ".cache";
  } else {
    return {};
  }
  return folder / "crible" / ("cuda_paths_" + sha256_hex(key) + ".txt");
}

}  // namespace

const char* name(Path path) {
  switch (path) {
    case Path::persistent:
      return "persistent";
    case Path::graph:
      return "graph";
    case Path::batched:
      return "batched";
    case Path::tiles:
      return "tiles";
  }
  return "batched";
}

bool load_paths(const std::string& key, std::size_t points, std::vector<Path>& paths) {
  const std::filesystem::path file = file_of(key);
  std::error_code error;
  if (file.empty() || !std::filesystem::exists(file, error)) return false;
  std::vector<Path> found;
  try {
    std::istringstream words(read_file(file));
    for (std::string word; words >> word;) {
      const auto path = std::ranges::find(all_paths, word, name);
      if (path == all_paths.end()) return false;
      found.push_back(*path);
    }
  } catch (const Error&) {
    return false;
  }
  if (found.size() != points) return false;
  paths = std::move(found);
  return true;
}

void save_paths(const std::string& key, const std::vector<Path>& paths) {
  const std::filesystem::path file = file_of(key);
  if (file.empty()) return;
  std::string text;
  for (const Path path : paths) text += std::string(name(path)) + "\n";
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  try {
    write_file(file, text);
  } catch (const Error&) {  // a cache is only a cache
  }
}

}  // namespace crible::backends::cuda
