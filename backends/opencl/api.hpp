#pragma once

#define CL_TARGET_OPENCL_VERSION 200
#define CL_USE_DEPRECATED_OPENCL_1_2_APIS
#include <CL/cl.h>

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "backends/backend.hpp"

/// Private to backends/opencl: handles that release themselves, and what the devices say of themselves.
namespace crible::backends::opencl {

template <class Handle, auto release>
struct Release {
  void operator()(Handle handle) const { release(handle); }
};
template <class Handle, auto release>
using Owned = std::unique_ptr<std::remove_pointer_t<Handle>, Release<Handle, release>>;

using Context = Owned<cl_context, clReleaseContext>;
using Queue = Owned<cl_command_queue, clReleaseCommandQueue>;
using ProgramHandle = Owned<cl_program, clReleaseProgram>;
using Kernel = Owned<cl_kernel, clReleaseKernel>;
using Memory = Owned<cl_mem, clReleaseMemObject>;
using Event = Owned<cl_event, clReleaseEvent>;

/// "CL_OUT_OF_RESOURCES (-5)"
std::string name_of(cl_int error);

/// Throws Error with `what` and the error's name unless it is CL_SUCCESS.
void check(cl_int error, const std::string& what);

/// A device of some platform, and what of it matters here.
struct DeviceInfo {
  cl_platform_id platform = nullptr;
  cl_device_id id = nullptr;
  std::string name;         // "opencl:0"
  std::string description;  // "pthread-haswell (Portable Computing Language), 2 compute units"
  bool is_cpu = false;
  bool runs_in_waiter = false;  // commands run inside the call that waits for them: Oclgrind
  bool fine_grained = false;    // host and device share memory without copies
  bool packed_dots = false;     // cl_khr_integer_dot_product
  std::size_t constant_bytes = 0;
  std::size_t local_bytes = 0;
  std::size_t buffer_bytes = 0;     // of one buffer
  std::size_t parameter_bytes = 0;  // of one kernel
  std::size_t group_items = 1;      // at most
  unsigned units = 1;
};

/// `text` compiled for a device. Throws Error with `where`, the line of the text and the driver's log.
ProgramHandle build(cl_context context, cl_device_id device, const std::string& text,
                    const std::string& where);

/// Devices of all platforms; and for each platform that has none, or when there is no platform, a reason.
struct Inventory {
  std::vector<DeviceInfo> devices;
  std::vector<std::string> reasons;
};

/// Found out once.
const Inventory& inventory();

std::unique_ptr<Program> make_program(const network::Network& network, const DeviceInfo& device,
                                      const CompileOptions& options);

}  // namespace crible::backends::opencl
