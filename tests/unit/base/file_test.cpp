#include "engine/base/file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "engine/base/error.hpp"

namespace crible {
namespace {

using testing::HasSubstr;

class Files : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), std::filesystem::directory_iterator()));
  }

  static std::string message(const std::function<void()>& action) {
    try {
      action();
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("crible_file_test_" + std::to_string(::getpid()));
};

TEST_F(Files, ReadBackWhatWasWritten) {
  const std::string bytes("a\0b\n\xff", 5);
  write_file(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x"), bytes);
  write_file(folder_ / "x", "");
  EXPECT_EQ(read_file(folder_ / "x"), "");
  EXPECT_EQ(files_in_folder(), 1u) << "a file beside was left";
}

TEST_F(Files, LargerThanTheReadBuffer) {
  const std::string bytes(300'000, 'z');
  write_file(folder_ / "x", bytes);
  EXPECT_EQ(read_file(folder_ / "x"), bytes);
}

TEST_F(Files, ErrorsNamePathAndReason) {
  EXPECT_THAT(message([&] { read_file(folder_ / "absent"); }),
              AllOf(HasSubstr((folder_ / "absent").string()), HasSubstr("No such file")));
  EXPECT_THAT(message([&] { read_file(folder_); }), HasSubstr("Is a directory"));
  EXPECT_THAT(message([&] { write_file(folder_ / "no" / "x", "1"); }), HasSubstr("No such file"));
}

TEST_F(Files, NothingIsLeftWhenTheNameCannotBeTaken) {
  std::filesystem::create_directories(folder_ / "x" / "in_the_way");
  EXPECT_THAT(message([&] { write_file(folder_ / "x", "1"); }), HasSubstr("cannot be written"));
  EXPECT_EQ(files_in_folder(), 1u);
}

}  // namespace
}  // namespace crible
