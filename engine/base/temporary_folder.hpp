#pragma once

#include <filesystem>
#include <string>

namespace crible {

/// A new folder among the system's temporary ones, with everything in it gone when this object goes.
class TemporaryFolder {
 public:
  /// `name` is where the folder's name begins. Throws Error when it cannot be made.
  explicit TemporaryFolder(const std::string& name);
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace crible
