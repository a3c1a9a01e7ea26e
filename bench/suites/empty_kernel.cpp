#include "bench/suites/device_subject.hpp"

#if CRIBLE_HAVE_OPENCL
#include <algorithm>
#include <chrono>

#include "backends/opencl/api.hpp"

namespace crible::bench {

std::int64_t empty_kernel_ns() {
  using namespace backends::opencl;
  using Clock = std::chrono::steady_clock;
  if (inventory().devices.empty()) return 0;
  const DeviceInfo& device = inventory().devices.front();
  cl_int error = CL_SUCCESS;
  const Context context(clCreateContext(nullptr, 1, &device.id, nullptr, nullptr, &error));
  check(error, "context");
  const Queue queue(clCreateCommandQueue(context.get(), device.id, 0, &error));
  check(error, "queue");
  const char* text = "__kernel void empty() {}";
  const ProgramHandle program(clCreateProgramWithSource(context.get(), 1, &text, nullptr, &error));
  check(error, "program");
  check(clBuildProgram(program.get(), 1, &device.id, "", nullptr, nullptr), "build");
  const Kernel kernel(clCreateKernel(program.get(), "empty", &error));
  check(error, "kernel");
  constexpr std::size_t repeats = 2001;
  const std::size_t items = 16;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < repeats; ++i) {
    const Clock::time_point start = Clock::now();
    check(clEnqueueNDRangeKernel(queue.get(), kernel.get(), 1, nullptr, &items, &items, 0, nullptr, nullptr),
          "launch");
    check(clFinish(queue.get()), "finish");
    times.push_back(std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
  }
  std::ranges::nth_element(times, times.begin() + repeats / 2);
  return times[repeats / 2];
}

}  // namespace crible::bench
#else
namespace crible::bench {

std::int64_t empty_kernel_ns() {
  return 0;
}

}  // namespace crible::bench
#endif
