#include "backends/opencl/completion.hpp"

namespace crible::backends::opencl {

Status Completion::wait(cl_event command, std::chrono::nanoseconds patience) noexcept {
  if (clSetEventCallback(command, CL_COMPLETE, raise, this) != CL_SUCCESS) return Status::device_failed;
  return ended_.try_acquire_for(patience) ? state_of(command) : Status::deadline_passed;
}

void CL_CALLBACK Completion::raise(cl_event, cl_int, void* own) {
  static_cast<Completion*>(own)->ended_.release();
}

Status wait_inside(cl_event command) noexcept {
  return clWaitForEvents(1, &command) == CL_SUCCESS ? state_of(command) : Status::device_failed;
}

Status state_of(cl_event command) noexcept {
  cl_int state = CL_QUEUED;
  const cl_int error =
      clGetEventInfo(command, CL_EVENT_COMMAND_EXECUTION_STATUS, sizeof state, &state, nullptr);
  if (error != CL_SUCCESS || state < 0) return Status::device_failed;
  return state == CL_COMPLETE ? Status::ok : Status::pending;
}

}  // namespace crible::backends::opencl
