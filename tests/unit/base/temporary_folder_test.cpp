#include "engine/base/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/base/error.hpp"

namespace crible {
namespace {

TEST(TemporaryFolder, IsNewAndGoesWithAllThatIsInIt) {
  std::filesystem::path path;
  {
    const TemporaryFolder folder("crible-test"), other("crible-test");
    path = folder.path();
    EXPECT_NE(path, other.path());
    EXPECT_TRUE(std::filesystem::is_empty(path));
    EXPECT_TRUE(path.filename().string().starts_with("crible-test-"));
    std::filesystem::create_directory(path / "inner");
    std::ofstream(path / "inner" / "file") << "text";
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(TemporaryFolder, SaysWhyThereIsNone) {
  try {
    TemporaryFolder("no/such/folder");
    FAIL() << "it was made";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), testing::HasSubstr("no/such/folder"));
    EXPECT_EQ(error.fault(), Fault::failure);
  }
}

}  // namespace
}  // namespace crible
