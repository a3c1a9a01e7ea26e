#include "engine/base/temporary_folder.hpp"

#include <cstdlib>
#include <cstring>
#include <system_error>

#include "engine/base/error.hpp"

namespace crible {

TemporaryFolder::TemporaryFolder(const std::string& name) {
  std::string made = (std::filesystem::temp_directory_path() / (name + "-XXXXXX")).string();
  if (mkdtemp(made.data()) == nullptr) {
    throw Error(
        "cannot make the folder " + made + ": " + std::strerror(errno) + "; set TMPDIR to one that can",
        Fault::failure);
  }
  path_ = made;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace crible
