#pragma once

#include <chrono>
#include <semaphore>

#include "backends/opencl/api.hpp"

/// Private to backends/opencl.
namespace crible::backends::opencl {

/// Sleeps until a command has ended, but not for ever. A device on the processor itself wants the core that
/// polling would take. The driver raises the signal, so it must live until the command has ended: what hangs
/// keeps it.
class Completion {
 public:
  /// ok, device_failed, or deadline_passed when nothing has ended within `patience`. One caller at a time.
  Status wait(cl_event command, std::chrono::nanoseconds patience) noexcept;

 private:
  static void CL_CALLBACK raise(cl_event, cl_int, void* own);

  std::binary_semaphore ended_{0};
};

/// Waits in the driver, for ever where it hangs: for a device that works only inside the call that waits for
/// it. ok or device_failed.
Status wait_inside(cl_event command) noexcept;

/// ok, pending or device_failed.
Status state_of(cl_event command) noexcept;

}  // namespace crible::backends::opencl
