#include <algorithm>
#include <functional>

#include "bench/instrument/clock.hpp"
#include "bench/suites/cuda_rig.hpp"
#include "bench/suites/device_subject.hpp"
#if CRIBLE_HAVE_OPENCL
#include "backends/opencl/api.hpp"
#endif

namespace crible::bench {
namespace {

std::int64_t median_ns(const std::function<void()>& launch_and_finish) {
  constexpr std::size_t repeats = 2001;
  std::vector<std::int64_t> times;
  for (std::size_t i = 0; i < repeats; ++i) {
    const std::int64_t start_ns = Clock::system_ns();
    launch_and_finish();
    times.push_back(Clock::system_ns() - start_ns);
  }
  std::ranges::nth_element(times, times.begin() + repeats / 2);
  return times[repeats / 2];
}

std::int64_t empty_cuda_kernel_ns(const std::string& name) {
  for (const backends::cuda::DeviceInfo& device : backends::cuda::inventory().devices) {
    if (device.name != name) continue;
    CudaRig rig(device);
    auto* kernel = rig.compile("extern \"C\" __global__ void empty() {}", "empty");
    return median_ns([&] {
      rig.launch(kernel, 32, nullptr);
      rig.finish();
    });
  }
  return 0;
}

#if CRIBLE_HAVE_OPENCL
std::int64_t empty_opencl_kernel_ns(const std::string& name) {
  using namespace backends::opencl;
  for (const DeviceInfo& device : inventory().devices) {
    if (device.name != name) continue;
    cl_int error = CL_SUCCESS;
    const Context context(clCreateContext(nullptr, 1, &device.id, nullptr, nullptr, &error));
    check(error, "context");
    const Queue queue(clCreateCommandQueue(context.get(), device.id, 0, &error));
    check(error, "queue");
    const ProgramHandle program =
        build(context.get(), device.id, "__kernel void empty() {}", "empty kernel: ");
    const Kernel kernel(clCreateKernel(program.get(), "empty", &error));
    check(error, "kernel");
    const std::size_t items = 16;
    return median_ns([&] {
      check(
          clEnqueueNDRangeKernel(queue.get(), kernel.get(), 1, nullptr, &items, &items, 0, nullptr, nullptr),
          "launch");
      check(clFinish(queue.get()), "finish");
    });
  }
  return 0;
}
#else
std::int64_t empty_opencl_kernel_ns(const std::string&) {
  return 0;
}
#endif

}  // namespace

std::int64_t empty_kernel_ns(const std::string& device) {
  return device.starts_with("cuda:") ? empty_cuda_kernel_ns(device) : empty_opencl_kernel_ns(device);
}

}  // namespace crible::bench
