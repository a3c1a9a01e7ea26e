#include "backends/path_choice.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "engine/base/error.hpp"
#include "engine/base/file.hpp"

namespace crible::backends {
namespace {

using std::chrono::nanoseconds;
using Points = std::vector<std::size_t>;

class PathChoices : public testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::remove_all(folder_);
    setenv("XDG_CACHE_HOME", folder_.c_str(), 1);
    unsetenv("CRIBLE_FORCE_PATH");
  }
  void TearDown() override {
    unsetenv("XDG_CACHE_HOME");
    unsetenv("CRIBLE_FORCE_PATH");
  }

  /// As a program does when it starts: what is known, else measured. Few events are fast one by one.
  PathChoice start() {
    const PathChoice known = known_paths(question_);
    if (!known.of_point.empty()) return known;
    return measured_paths(question_, known, [this](std::size_t path, std::size_t events) {
      ++measurements_;
      const auto count = static_cast<int>(events);
      return path == 0 ? nanoseconds(1000 + count) : nanoseconds(200 * count);
    });
  }

  std::filesystem::path file() const {
    return std::filesystem::directory_iterator(folder_ + "/crible")->path();
  }

  const std::string folder_ = testing::TempDir() + "crible_path_choices";
  PathQuestion question_{"a hash on a device", {"block", "single"}, 100};
  int measurements_ = 0;
};

TEST_F(PathChoices, TheFastestIsTakenForEachSize) {
  const PathChoice choice = start();
  EXPECT_EQ(choice.of_point, (Points{1, 1, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(choice.how, "measured at this start");
  EXPECT_EQ(choice.of(4), 1u);
  EXPECT_EQ(choice.of(5), 0u);
  EXPECT_EQ(choice.of(100), 0u);
  EXPECT_TRUE(choice.takes(0) && choice.takes(1));
  EXPECT_EQ(measurements_, 16);
}

TEST_F(PathChoices, WhatWasMeasuredIsKept) {
  const PathChoice first = start();
  EXPECT_EQ(read_file(file()),
            "1 single\n2 single\n4 single\n8 block\n16 block\n32 block\n64 block\n100 block\n");
  const PathChoice second = start();
  EXPECT_EQ(second.of_point, first.of_point);
  EXPECT_EQ(second.how, "measured at an earlier start");
  EXPECT_EQ(measurements_, 16);
}

/// The kept choice decides, not what is true: it is read, and believed.
TEST_F(PathChoices, WhatIsKeptIsUsed) {
  start();
  write_file(file(), "1 block\n2 single\n4 block\n8 single\n16 block\n32 block\n64 block\n100 single\n");
  EXPECT_EQ(start().of_point, (Points{0, 1, 0, 1, 0, 0, 0, 1}));
}

TEST_F(PathChoices, AnotherNetworkDeviceSizeOrSetOfPathsIsMeasuredAgain) {
  start();
  const PathQuestion first = question_;
  question_.key += "!";
  EXPECT_EQ(start().how, "measured at this start");
  question_ = first;
  question_.max_batch = 128;
  EXPECT_EQ(start().how, "measured at this start");
  question_ = first;
  question_.names = {"block", "item"};
  EXPECT_EQ(start().how, "measured at this start");
  EXPECT_EQ(measurements_, 4 * 16);
}

TEST_F(PathChoices, ADamagedFileIsNamedAndMeasuredAgain) {
  const std::pair<const char*, int> damaged[] = {
      {"", 1},
      {"nonsense", 1},
      {"1 block\n2 block\n4 persistent\n8 block\n16 block\n32 block\n64 block\n100 block\n", 3},
      {"1 block\n2 block\n4 block\n8 block\n16 block\n32 block\n64 block\n128 block\n", 8},
      {"1 block\n2 block\n4 block\n8 block\n16 block\n32 block\n64 block\n", 8},
      {"1 block\n2 block\n4 block\n8 block\n16 block\n32 block\n64 block\n100 block\n200 block\n", 9},
  };
  const PathChoice right = start();
  for (const auto& [text, line] : damaged) {
    write_file(file(), text);
    const PathChoice choice = start();
    EXPECT_EQ(choice.of_point, right.of_point) << text;
    EXPECT_EQ(choice.how, "measured at this start, as " + file().string() +
                              ", which keeps it, is damaged in line " + std::to_string(line));
    EXPECT_EQ(start().how, "measured at an earlier start") << "the damaged file is replaced";
  }
}

TEST_F(PathChoices, APathThatIsNotPossibleIsNeitherTakenNorBelieved) {
  start();
  question_.possible = [](std::size_t path, std::size_t events) { return path == 1 || events > 2; };
  write_file(file(), "1 block\n2 single\n4 block\n8 single\n16 block\n32 block\n64 block\n100 single\n");
  EXPECT_EQ(start().of_point, (Points{1, 1, 1, 0, 0, 0, 0, 0}));
  setenv("CRIBLE_FORCE_PATH", "block", 1);
  EXPECT_EQ(start().of_point, (Points{1, 1, 0, 0, 0, 0, 0, 0}));
}

TEST_F(PathChoices, AForcedPathIsHonouredAndNotKept) {
  start();
  setenv("CRIBLE_FORCE_PATH", "single", 1);
  const PathChoice choice = start();
  EXPECT_EQ(choice.of_point, Points(8, 1));
  EXPECT_EQ(choice.how, "CRIBLE_FORCE_PATH asks for single");
  unsetenv("CRIBLE_FORCE_PATH");
  EXPECT_EQ(start().of_point, (Points{1, 1, 1, 0, 0, 0, 0, 0}));
  setenv("CRIBLE_FORCE_PATH", "abacus", 1);
  try {
    start();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "CRIBLE_FORCE_PATH asks for \"abacus\", and the paths here are: block, single; set it to "
                 "one of them, or unset it.");
  }
}

TEST_F(PathChoices, WhereThereIsOnePathNothingIsMeasured) {
  question_.names = {"group"};
  EXPECT_EQ(start().of_point, Points(8, 0));
  EXPECT_EQ(start().how, "group is the only one");
  EXPECT_EQ(measurements_, 0);
}

TEST_F(PathChoices, ACacheThatCannotBeWrittenIsNoError) {
  setenv("XDG_CACHE_HOME", "/dev/null", 1);
  EXPECT_EQ(start().of_point, (Points{1, 1, 1, 0, 0, 0, 0, 0}));
  EXPECT_EQ(start().how, "measured at this start");
  unsetenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  const std::string kept = home == nullptr ? "" : home;
  unsetenv("HOME");
  EXPECT_EQ(start().how, "measured at this start");
  if (home != nullptr) setenv("HOME", kept.c_str(), 1);
}

TEST_F(PathChoices, TheLeastOfFewCallsWhereTheyTakeLong) {
  int calls = 0;
  EXPECT_EQ(least_time([&] { return nanoseconds(100 - ++calls); }), nanoseconds(79));
  EXPECT_EQ(calls, 21);
  calls = 0;
  EXPECT_EQ(least_time([&] { return nanoseconds(10'000'000 + ++calls); }), nanoseconds(10'000'001));
  EXPECT_EQ(calls, 3);
}

}  // namespace
}  // namespace crible::backends
