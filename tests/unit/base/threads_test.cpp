#include "engine/base/threads.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

namespace crible {
namespace {

TEST(Threads, EachNumberHasItsOwn) {
  std::vector<std::thread::id> ids(5);
  std::atomic<int> arrived = 0;
  run_on_threads(
      ids.size(),
      [&](std::size_t i) {
        ids[i] = std::this_thread::get_id();
        ++arrived;
        while (arrived != 5) std::this_thread::yield();  // all of them run at once
      },
      [] { FAIL() << "nothing failed"; });
  EXPECT_EQ(std::set(ids.begin(), ids.end()).size(), 5u);
}

TEST(Threads, OneThatFailsLetsTheOthersEndAndIsReported) {
  std::atomic<bool> stop = false;
  std::atomic<int> ended = 0;
  try {
    run_on_threads(
        4,
        [&](std::size_t i) {
          if (i == 2) throw std::runtime_error("two");
          while (!stop) std::this_thread::yield();
          ++ended;
          if (i == 1) throw std::runtime_error("one");
        },
        [&] { stop = true; });
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "one");
  }
  EXPECT_EQ(ended, 3);
}

TEST(Threads, NoneIsNothing) {
  run_on_threads(
      0, [](std::size_t) { FAIL(); }, [] {});
}

}  // namespace
}  // namespace crible
