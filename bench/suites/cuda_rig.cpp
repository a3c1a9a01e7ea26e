#include "bench/suites/cuda_rig.hpp"

#include <chrono>
#include <cstring>

#include "backends/cuda/nvrtc.hpp"
#include "engine/base/error.hpp"

namespace crible::bench {

using namespace backends::cuda;

CudaRig::CudaRig(const DeviceInfo& device) : device_(device) {
  ContextHandle* context = nullptr;
  check(driver().context_retain(&context, device_.id), "no context");
  check(driver().context_set(context), "no context");
  check(driver().stream_create(&stream_, stream_non_blocking), "no stream");
}

CudaRig::~CudaRig() {
  for (void* memory : host_memory_) driver().host_free(memory);
  for (const DevicePointer memory : memory_) driver().memory_free(memory);
  for (ModuleHandle* module : modules_) driver().module_unload(module);
  if (stream_ != nullptr) driver().stream_destroy(stream_);
  driver().context_release(device_.id);
}

void CudaRig::check(Result result, const char* what) const {
  backends::cuda::check(result, device_.name + ": " + what);
}

FunctionHandle* CudaRig::compile(const std::string& text, const char* name) {
  const std::vector<char> code = compile_cuda(text, device_.architecture, Output::cubin);
  ModuleHandle* module = nullptr;
  check(driver().module_load(&module, code.data()), "the benchmark's kernel does not load");
  modules_.push_back(module);
  FunctionHandle* kernel = nullptr;
  check(driver().module_function(&kernel, module, name), "the benchmark's kernel is not there");
  return kernel;
}

CudaRig::Mapped CudaRig::mapped_memory(std::size_t bytes) {
  Mapped memory;
  check(driver().host_alloc(&memory.host, bytes, host_alloc_mapped | host_alloc_portable), "no host memory");
  host_memory_.push_back(memory.host);
  std::memset(memory.host, 0, bytes);
  check(driver().host_device_pointer(&memory.device, memory.host, 0), "no mapped memory");
  return memory;
}

DevicePointer CudaRig::device_memory(std::size_t bytes) {
  DevicePointer memory = 0;
  check(driver().memory_alloc(&memory, bytes), "no device memory");
  memory_.push_back(memory);
  return memory;
}

void CudaRig::copy_in(DevicePointer to, const void* from, std::size_t bytes) {
  check(driver().copy_in(to, from, bytes, stream_), "a copy to the device");
}

void CudaRig::copy_out(void* to, DevicePointer from, std::size_t bytes) {
  check(driver().copy_out(to, from, bytes, stream_), "a copy from the device");
}

void CudaRig::launch(FunctionHandle* kernel, unsigned threads, void** parameters) {
  check(driver().launch(kernel, 1, 1, 1, threads, 1, 1, 0, stream_, parameters, nullptr), "a launch");
}

void CudaRig::finish() {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point give_up = Clock::now() + std::chrono::seconds(10);
  for (;;) {
    const Result result = driver().stream_query(stream_);
    if (result == success) return;
    if (result != not_ready) check(result, "the benchmark's kernel failed");
    if (Clock::now() > give_up)
      throw Error(device_.name + ": the benchmark's kernel does not end", Fault::failure);
  }
}

}  // namespace crible::bench
