#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "backends/cuda/driver.hpp"

namespace crible::bench {

/// One CUDA device for measurements of what it can do at all: kernels of the benchmark's own, a stream,
/// memory that lives as long as this. Everything throws Error with the driver's reason.
class CudaRig {
 public:
  explicit CudaRig(const backends::cuda::DeviceInfo& device);
  ~CudaRig();
  CudaRig(const CudaRig&) = delete;
  CudaRig& operator=(const CudaRig&) = delete;

  /// The kernel `name` of a CUDA C++ text.
  backends::cuda::FunctionHandle* compile(const std::string& text, const char* name);

  /// Memory of the host that the device sees, zeros.
  struct Mapped {
    void* host = nullptr;
    backends::cuda::DevicePointer device = 0;
  };
  Mapped mapped_memory(std::size_t bytes);
  backends::cuda::DevicePointer device_memory(std::size_t bytes);

  void copy_in(backends::cuda::DevicePointer to, const void* from, std::size_t bytes);
  void copy_out(void* to, backends::cuda::DevicePointer from, std::size_t bytes);
  void launch(backends::cuda::FunctionHandle* kernel, unsigned threads, void** parameters);
  /// Waits, at most ten seconds, until everything on the stream has ended.
  void finish();

  backends::cuda::StreamHandle* stream() const { return stream_; }

 private:
  void check(backends::cuda::Result result, const char* what) const;

  backends::cuda::DeviceInfo device_;
  backends::cuda::StreamHandle* stream_ = nullptr;
  std::vector<backends::cuda::ModuleHandle*> modules_;
  std::vector<backends::cuda::DevicePointer> memory_;
  std::vector<void*> host_memory_;
};

}  // namespace crible::bench
