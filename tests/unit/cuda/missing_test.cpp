#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "backends/cuda/cuda_backend.hpp"
#include "backends/cuda/nvrtc.hpp"
#include "engine/base/error.hpp"
#include "tests/conformance/sample_networks.hpp"

// What a user is told where the driver or the compiler is missing, too old or refuses. Libraries are opened
// once in a process, so each case is a process of its own, with libraries that are made for it.
namespace crible::backends::cuda {
namespace {

/// Prints what compiling says, and ends the process.
[[noreturn]] void say_refusal() {
  try {
    make_backend()->compile(conformance::sample_mlp(), {});
    std::fputs("compiled", stderr);
  } catch (const Error& error) {
    std::fputs(error.what(), stderr);
  }
  std::exit(0);
}

class Missing : public testing::Test {
 protected:
  void SetUp() override {
    GTEST_FLAG_SET(death_test_style, "threadsafe");  // a new process, not a copy of this one
    set("LD_LIBRARY_PATH", CRIBLE_FAKE_DRIVER);
    set("CRIBLE_NVRTC", CRIBLE_FAKE_NVRTC);
  }
  void TearDown() override {
    for (const char* variable :
         {"LD_LIBRARY_PATH", "CRIBLE_NVRTC", "FAKE_CUDA_MODULE", "FAKE_CUDA_MEMORY", "FAKE_NVRTC_LOG"}) {
      unsetenv(variable);
    }
  }
  static void set(const char* variable, const char* value) { setenv(variable, value, 1); }
};

TEST_F(Missing, ACompilerThatIsNotThereIsNamedWithWhatToInstall) {
  set("CRIBLE_NVRTC", "/nowhere/libnvrtc.so.12");
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0),
              "libnvrtc.*cannot be opened.*/nowhere/libnvrtc.so.12.*install the CUDA toolkit");
}

TEST_F(Missing, ADriverWithoutAFunctionIsTooOld) {
  set("LD_LIBRARY_PATH", CRIBLE_FAKE_OLD_DRIVER);
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0),
              "libcuda.so.1 has no function cuGraphInstantiateWithFlags: it is too old; install a newer");
}

TEST_F(Missing, ADriverTooOldForTheCompiledTextSaysWhatToInstall) {
  set("FAKE_CUDA_MODULE", "222");  // CUDA_ERROR_UNSUPPORTED_PTX_VERSION
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0),
              "network .* on cuda:0: the driver does not take the compiled text: .*222.*"
              "the driver is older than the compiler: install a newer driver, or an older libnvrtc");
}

TEST_F(Missing, AModuleThatIsRefusedForAnotherReasonIsNotCalledOld) {
  set("FAKE_CUDA_MODULE", "200");  // CUDA_ERROR_INVALID_IMAGE
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0), "compiled text: CUDA_ERROR_IMAGINED \\(200\\)$");
}

TEST_F(Missing, BatchesThatDoNotFitTheMemoryNameItsSize) {
  set("FAKE_CUDA_MEMORY", "2");  // CUDA_ERROR_OUT_OF_MEMORY
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0),
              "on cuda:0: no memory for the arrays of batches of 1024 events \\(64 MiB in all\\); choose "
              "smaller batches or the cpu backend");
}

TEST_F(Missing, ATextThatDoesNotCompileShowsTheLogAndItsLine) {
  set("FAKE_NVRTC_LOG", "network.cu(2): error: identifier \"imagined\" is undefined");
  EXPECT_EXIT(say_refusal(), testing::ExitedWithCode(0),
              "NVRTC 12.9 does not compile the generated text for sm_99 \\(NVRTC_ERROR_COMPILATION\\): "
              "line 2: typedef signed char i8;.*identifier \"imagined\" is undefined");
}

}  // namespace
}  // namespace crible::backends::cuda
