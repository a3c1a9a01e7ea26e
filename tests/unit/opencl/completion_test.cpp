#include "backends/opencl/completion.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace crible::backends::opencl {
namespace {

/// Events of the test's own stand for commands: they end when the test says so, or never.
class Completions : public testing::Test {
 protected:
  void SetUp() override {
    if (inventory().devices.empty()) GTEST_SKIP() << inventory().reasons.front();
    cl_int error = CL_SUCCESS;
    context_.reset(clCreateContext(nullptr, 1, &inventory().devices[0].id, nullptr, nullptr, &error));
    check(error, "context");
    command_.reset(clCreateUserEvent(context_.get(), &error));
    check(error, "event");
  }

  Context context_;
  Event command_;
  Completion completion_;
};

TEST_F(Completions, WhatNeverEndsIsGivenUp) {
  EXPECT_EQ(completion_.wait(command_.get(), std::chrono::milliseconds(20)), Status::deadline_passed);
  EXPECT_EQ(state_of(command_.get()), Status::pending);
  clSetUserEventStatus(command_.get(), CL_COMPLETE);  // so that the driver can let go of it
}

TEST_F(Completions, WhatEndsWakesTheOneWhoWaits) {
  std::thread device([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    clSetUserEventStatus(command_.get(), CL_COMPLETE);
  });
  EXPECT_EQ(completion_.wait(command_.get(), std::chrono::hours(1)), Status::ok);
  device.join();
}

TEST_F(Completions, WhatHasEndedBeforeIsNotWaitedFor) {
  clSetUserEventStatus(command_.get(), CL_COMPLETE);
  EXPECT_EQ(completion_.wait(command_.get(), std::chrono::hours(1)), Status::ok);
}

TEST_F(Completions, WhatEndsWithAnErrorHasFailed) {
  clSetUserEventStatus(command_.get(), CL_OUT_OF_RESOURCES);
  EXPECT_EQ(completion_.wait(command_.get(), std::chrono::hours(1)), Status::device_failed);
  EXPECT_EQ(state_of(command_.get()), Status::device_failed);
}

}  // namespace
}  // namespace crible::backends::opencl
