#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "backends/opencl/api.hpp"
#include "backends/opencl/opencl_backend.hpp"
#include "backends/paths.hpp"
#include "engine/base/error.hpp"
#include "engine/network/build.hpp"
#include "tests/conformance/rows.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::backends::opencl {
namespace {

using conformance::Events;
using network::Network;

/// What PoCL is, and devices that it can stand for.
std::vector<DeviceInfo> kinds_of_device() {
  const DeviceInfo real = inventory().devices.front();
  DeviceInfo copies = real;
  copies.fine_grained = false;
  DeviceInfo gpu = copies;
  gpu.is_cpu = false;
  DeviceInfo small = gpu;
  small.local_bytes = 16;
  return {real, copies, gpu, small};
}

class Opencl : public testing::Test {
 protected:
  void SetUp() override {
    if (inventory().devices.empty()) GTEST_SKIP() << inventory().reasons.front();
  }
};

Status wait(Program& program, std::size_t slot) {
  Status status = program.poll(slot);
  while (status == Status::pending) {
    std::this_thread::yield();
    status = program.poll(slot);
  }
  return status;
}

TEST_F(Opencl, EveryKindOfDeviceGivesTheSameBits) {
  for (const auto& make : {conformance::sample_mlp, conformance::sample_cnn, conformance::sample_recurrent}) {
    const Network network = make();
    const Events events = conformance::make_events(network, 70, 7);
    const Events wanted = conformance::expected(network, events);
    for (const DeviceInfo& device : kinds_of_device()) {
      const auto program = make_program(network, device, {.max_batch = 70, .slots = 1});
      conformance::store_inputs(network, events, program->slots()[0].inputs);
      ASSERT_EQ(program->run(0, events.size()), Status::ok);
      Events got;
      conformance::fetch_outputs(network, program->slots()[0].outputs, events.size(), got);
      EXPECT_EQ(got, wanted) << network.name;
    }
  }
}

/// Each form of the text that a processor has, asked for by name, is the one that runs.
TEST_F(Opencl, AForcedPathRuns) {
  const Network network = conformance::sample_cnn();
  const Events events = conformance::make_events(network, 20, 8);
  for (const std::string path : {"block", "single"}) {
    setenv("CRIBLE_FORCE_PATH", path.c_str(), 1);
    const auto program = make_program(network, inventory().devices.front(), {.max_batch = 20, .slots = 1});
    unsetenv("CRIBLE_FORCE_PATH");
    const auto* paths = dynamic_cast<const Paths*>(program.get());
    ASSERT_NE(paths, nullptr);
    EXPECT_EQ(paths->path(1), path);
    EXPECT_EQ(paths->path(20), path);
    EXPECT_EQ(paths->how(), "CRIBLE_FORCE_PATH asks for " + path);
    conformance::store_inputs(network, events, program->slots()[0].inputs);
    ASSERT_EQ(program->run(0, events.size()), Status::ok);
    Events got;
    conformance::fetch_outputs(network, program->slots()[0].outputs, events.size(), got);
    EXPECT_EQ(got, conformance::expected(network, events)) << path;
  }
}

/// The second start compiles and runs only what the first found to be the fastest.
TEST_F(Opencl, TheChoiceIsMeasuredOnceAndKept) {
  const std::string folder = testing::TempDir() + "crible_opencl_paths";
  std::filesystem::remove_all(folder);
  setenv("XDG_CACHE_HOME", folder.c_str(), 1);
  const auto start = [] {
    return make_program(conformance::sample_mlp(), inventory().devices.front(), {.max_batch = 4, .slots = 1});
  };
  const auto first = start();
  EXPECT_EQ(dynamic_cast<const Paths&>(*first).how(), "measured at this start");
  const auto second = start();
  const auto& kept = dynamic_cast<const Paths&>(*second);
  EXPECT_EQ(kept.how(), "measured at an earlier start");
  for (const std::size_t events : {1u, 2u, 3u, 4u}) {
    EXPECT_STREQ(kept.path(events), dynamic_cast<const Paths&>(*first).path(events));
    EXPECT_EQ(second->run(0, events), Status::ok);
  }
  unsetenv("XDG_CACHE_HOME");
}

TEST_F(Opencl, FourBatchesAreInFlight) {
  const Network network = conformance::sample_mlp();
  const std::size_t count = 33;
  for (const DeviceInfo& device : kinds_of_device()) {
    const auto program = make_program(network, device, {.max_batch = 64, .slots = 4});
    for (int round = 0; round < 5; ++round) {
      for (std::size_t slot = 0; slot < 4; ++slot) {
        const Events events = conformance::make_events(network, count, static_cast<std::uint32_t>(slot));
        conformance::store_inputs(network, events, program->slots()[slot].inputs);
        ASSERT_EQ(program->submit(slot, count), Status::ok);
      }
      for (std::size_t slot = 4; slot-- > 0;) {
        ASSERT_EQ(wait(*program, slot), Status::ok);
        Events got;
        conformance::fetch_outputs(network, program->slots()[slot].outputs, count, got);
        const Events events = conformance::make_events(network, count, static_cast<std::uint32_t>(slot));
        EXPECT_EQ(got, conformance::expected(network, events));
      }
    }
  }
}

TEST_F(Opencl, BatchesOfNoneOrTooManyAreRefused) {
  const auto program = make_backend()->compile(conformance::sample_mlp(), {.max_batch = 8, .slots = 1});
  EXPECT_EQ(program->submit(0, 0), Status::bad_batch);
  EXPECT_EQ(program->submit(0, 9), Status::bad_batch);
  EXPECT_EQ(program->submit(1, 1), Status::bad_batch);
  EXPECT_EQ(program->poll(1), Status::bad_batch);
  EXPECT_EQ(program->run(0, 8), Status::ok);
}

TEST_F(Opencl, ASlotInFlightIsBusy) {
  const auto program = make_backend()->compile(conformance::sample_mlp(), {.max_batch = 8, .slots = 1});
  ASSERT_EQ(program->submit(0, 8), Status::ok);
  EXPECT_EQ(program->submit(0, 8), Status::busy);
  EXPECT_EQ(wait(*program, 0), Status::ok);
}

TEST_F(Opencl, ABatchThatTakesTooLongIsTheDevicesFault) {
  const auto program =
      make_backend()->compile(conformance::sample_cnn(), {.max_batch = 4096, .slots = 1, .hang_ns = 0});
  EXPECT_EQ(program->run(0, 4096), Status::deadline_passed);
}

/// The sentence of the error that compiling gives.
std::string refusal(const Network& network, const DeviceInfo& device, const CompileOptions& options) {
  try {
    make_program(network, device, options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_F(Opencl, WhatTheDeviceCannotHoldIsRefusedBySentence) {
  DeviceInfo device = inventory().devices.front();
  const Network network = conformance::sample_mlp();
  device.constant_bytes = 10;
  EXPECT_NE(refusal(network, device, {}).find("bytes of constant memory and the device has 10"),
            std::string::npos);
  device = inventory().devices.front();
  device.parameter_bytes = 8;
  EXPECT_NE(refusal(network, device, {}).find("kernel parameters"), std::string::npos);
  device = inventory().devices.front();
  device.buffer_bytes = 100;
  EXPECT_NE(refusal(network, device, {}).find("bytes of one buffer and the device has 100"),
            std::string::npos);
  EXPECT_NE(refusal(network, device, {}).find("run it on the cpu backend"), std::string::npos);
  EXPECT_NE(refusal(network, device, {.max_batch = 0}).find("at least one event"), std::string::npos);
}

TEST_F(Opencl, ADeviceThatDoesNotExistIsNamed) {
  try {
    make_backend()->compile(conformance::sample_mlp(), {.device = "opencl:99"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no device \"opencl:99\"; it has: opencl:0"), std::string::npos);
  }
}

TEST_F(Opencl, TheProgramNamesTheDeviceThatRuns) {
  const auto program = make_backend()->compile(conformance::sample_mlp(), {});
  EXPECT_EQ(program->device(), "opencl:0");
}

TEST_F(Opencl, ATextThatDoesNotCompileShowsItsLineAndTheLog) {
  const DeviceInfo& device = inventory().devices.front();
  cl_int error = CL_SUCCESS;
  const Context context(clCreateContext(nullptr, 1, &device.id, nullptr, nullptr, &error));
  try {
    build(context.get(), device.id, "__kernel void network() {\n  int sum = imagined;\n}\n", "network n: ");
    FAIL();
  } catch (const Error& failed) {
    const std::string what = failed.what();
    EXPECT_EQ(
        what.find("network n: the driver does not compile the generated text, CL_BUILD_PROGRAM_FAILURE"), 0u)
        << what;
    EXPECT_NE(what.find(": line 2: "), std::string::npos) << what;
    EXPECT_NE(what.find("int sum = imagined;"), std::string::npos) << what;
    EXPECT_NE(what.find("undeclared identifier 'imagined'"), std::string::npos) << what;
  }
}

/// The loader reads this variable once, so it is asked in a process of its own.
TEST(OpenclWithoutDrivers, SaysWhatToInstall) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const std::filesystem::path empty = std::filesystem::path(testing::TempDir()) / "no_opencl_drivers";
  std::filesystem::create_directories(empty);
  setenv("OCL_ICD_VENDORS", empty.c_str(), 1);
  const auto say_refusal = [] {
    const std::vector<Device> devices = make_backend()->devices();
    std::fprintf(stderr, "%zu %d %s; ", devices.size(), devices[0].usable, devices[0].reason.c_str());
    try {
      make_backend()->compile(conformance::sample_mlp(), {});
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
    }
    std::exit(0);
  };
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0),
              "1 0 no OpenCL driver is installed.*pocl-opencl-icd.*"
              "The opencl backend cannot be used here: no OpenCL driver is installed");
  unsetenv("OCL_ICD_VENDORS");
}

TEST_F(Opencl, ErrorsHaveNames) {
  EXPECT_EQ(name_of(CL_OUT_OF_RESOURCES), "CL_OUT_OF_RESOURCES (-5)");
  EXPECT_THROW(check(CL_OUT_OF_RESOURCES, "here"), Error);
}

}  // namespace
}  // namespace crible::backends::opencl
