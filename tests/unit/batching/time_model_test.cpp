#include "engine/batching/time_model.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "tests/unit/batching/fake_program.hpp"

namespace crible::batching {
namespace {

TEST(TimeModel, is_linear_between_measured_sizes) {
  TimeModel model(64);
  model.set(1, 1000);
  model.set(2, 1100);
  model.set(4, 1500);
  for (std::size_t size = 8; size <= 64; size *= 2) model.set(size, 2000);
  EXPECT_EQ(model.predict_ns(0), 0);
  EXPECT_EQ(model.predict_ns(1), 1000);
  EXPECT_EQ(model.predict_ns(3), 1300);
  EXPECT_EQ(model.predict_ns(64), 2000);
  EXPECT_EQ(model.predict_ns(1000), 2000);
}

TEST(TimeModel, never_predicts_less_for_more_events) {
  TimeModel model(10);
  model.set(8, 5000);
  model.set(4, 9000);
  model.set(10, 100);
  for (std::size_t size = 1; size < 10; ++size) {
    EXPECT_LE(model.predict_ns(size), model.predict_ns(size + 1)) << size;
  }
}

TEST(TimeModel, follows_what_really_happens) {
  TimeModel model(8, 1000);
  for (int i = 0; i < 200; ++i) model.observe(8, 5000);
  EXPECT_NEAR(static_cast<double>(model.predict_ns(8)), 5000, 20);
  for (int i = 0; i < 200; ++i) model.observe(8, 300);
  EXPECT_NEAR(static_cast<double>(model.predict_ns(8)), 300, 20);
}

TEST(TimeModel, does_not_believe_one_preempted_batch) {
  TimeModel model(8, 8000);
  model.observe(8, 50'000'000);
  EXPECT_LE(model.predict_ns(8), 10'000);
}

TEST(TimeModel, knows_a_single_row) {
  TimeModel model(1, 10);
  model.set(1, 70);
  EXPECT_EQ(model.predict_ns(1), 70);
}

TEST(TimeModel, measuring_a_broken_device_is_an_error) {
  FakeProgram program("fake", 8, 1);
  program.broken = true;
  EXPECT_THROW(measure(program), Error);
}

}  // namespace
}  // namespace crible::batching
