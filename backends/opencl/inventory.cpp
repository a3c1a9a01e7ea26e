#include <algorithm>
#include <array>

#include "backends/opencl/api.hpp"
#include "engine/base/error.hpp"

namespace crible::backends::opencl {

std::string name_of(cl_int error) {
  struct Name {
    cl_int error;
    const char* name;
  };
  constexpr std::array<Name, 14> names{{
      {CL_DEVICE_NOT_FOUND, "CL_DEVICE_NOT_FOUND"},
      {CL_DEVICE_NOT_AVAILABLE, "CL_DEVICE_NOT_AVAILABLE"},
      {CL_COMPILER_NOT_AVAILABLE, "CL_COMPILER_NOT_AVAILABLE"},
      {CL_MEM_OBJECT_ALLOCATION_FAILURE, "CL_MEM_OBJECT_ALLOCATION_FAILURE"},
      {CL_OUT_OF_RESOURCES, "CL_OUT_OF_RESOURCES"},
      {CL_OUT_OF_HOST_MEMORY, "CL_OUT_OF_HOST_MEMORY"},
      {CL_BUILD_PROGRAM_FAILURE, "CL_BUILD_PROGRAM_FAILURE"},
      {CL_INVALID_VALUE, "CL_INVALID_VALUE"},
      {CL_INVALID_BUFFER_SIZE, "CL_INVALID_BUFFER_SIZE"},
      {CL_INVALID_KERNEL_ARGS, "CL_INVALID_KERNEL_ARGS"},
      {CL_INVALID_WORK_GROUP_SIZE, "CL_INVALID_WORK_GROUP_SIZE"},
      {CL_INVALID_EVENT_WAIT_LIST, "CL_INVALID_EVENT_WAIT_LIST"},
      {CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST, "CL_EXEC_STATUS_ERROR_FOR_EVENTS_IN_WAIT_LIST"},
      {-1001, "CL_PLATFORM_NOT_FOUND_KHR"},
  }};
  for (const Name& known : names) {
    if (known.error == error) return std::string(known.name) + " (" + std::to_string(error) + ")";
  }
  return "OpenCL error " + std::to_string(error);
}

void check(cl_int error, const std::string& what) {
  if (error != CL_SUCCESS) throw Error(what + ": " + name_of(error), Fault::failure);
}

namespace {

template <class Value>
Value ask(cl_device_id device, cl_device_info what, Value otherwise) {
  Value value{};
  return clGetDeviceInfo(device, what, sizeof value, &value, nullptr) == CL_SUCCESS ? value : otherwise;
}

std::string ask_text(cl_device_id device, cl_device_info what) {
  std::size_t size = 0;
  if (clGetDeviceInfo(device, what, 0, nullptr, &size) != CL_SUCCESS || size == 0) return {};
  std::string text(size, '\0');
  clGetDeviceInfo(device, what, size, text.data(), nullptr);
  text.resize(text.find('\0'));
  return text;
}

std::string platform_name(cl_platform_id platform) {
  std::array<char, 256> text{};
  clGetPlatformInfo(platform, CL_PLATFORM_NAME, text.size() - 1, text.data(), nullptr);
  return text.data();
}

DeviceInfo describe(cl_platform_id platform, cl_device_id id, std::size_t index) {
  DeviceInfo device;
  device.platform = platform;
  device.id = id;
  device.name = "opencl:" + std::to_string(index);
  device.units = ask<cl_uint>(id, CL_DEVICE_MAX_COMPUTE_UNITS, 1);
  device.description = ask_text(id, CL_DEVICE_NAME) + " (" + platform_name(platform) + "), " +
                       std::to_string(device.units) + " compute units";
  device.is_cpu = (ask<cl_device_type>(id, CL_DEVICE_TYPE, 0) & CL_DEVICE_TYPE_CPU) != 0;
  device.runs_in_waiter = platform_name(platform) == "Oclgrind";
  device.fine_grained = (ask<cl_device_svm_capabilities>(id, CL_DEVICE_SVM_CAPABILITIES, 0) &
                         CL_DEVICE_SVM_FINE_GRAIN_BUFFER) != 0;
  device.packed_dots =
      ask_text(id, CL_DEVICE_EXTENSIONS).find("cl_khr_integer_dot_product") != std::string::npos;
  device.constant_bytes = ask<cl_ulong>(id, CL_DEVICE_MAX_CONSTANT_BUFFER_SIZE, 64 * 1024);
  device.local_bytes = ask<cl_ulong>(id, CL_DEVICE_LOCAL_MEM_SIZE, 32 * 1024);
  device.buffer_bytes = ask<cl_ulong>(id, CL_DEVICE_MAX_MEM_ALLOC_SIZE, 128 << 20);
  device.parameter_bytes = ask<std::size_t>(id, CL_DEVICE_MAX_PARAMETER_SIZE, 256);
  device.group_items = ask<std::size_t>(id, CL_DEVICE_MAX_WORK_GROUP_SIZE, 1);
  return device;
}

Inventory take_inventory() {
  constexpr cl_uint most = 64;
  Inventory inventory;
  std::array<cl_platform_id, most> platforms{};
  cl_uint platform_count = 0;
  const cl_int status = clGetPlatformIDs(most, platforms.data(), &platform_count);
  if (status != CL_SUCCESS || platform_count == 0) {
    inventory.reasons.push_back("no OpenCL driver is installed (" + name_of(status) +
                                "); install the one of your device, or pocl-opencl-icd to use the processor");
    return inventory;
  }
  for (cl_uint p = 0; p < std::min(platform_count, most); ++p) {
    std::array<cl_device_id, most> ids{};
    cl_uint count = 0;
    const cl_int found = clGetDeviceIDs(platforms[p], CL_DEVICE_TYPE_ALL, most, ids.data(), &count);
    if (found != CL_SUCCESS || count == 0) {
      inventory.reasons.push_back("the OpenCL driver \"" + platform_name(platforms[p]) +
                                  "\" has no device (" + name_of(found) +
                                  "); check that its device is there and that you may use it");
      continue;
    }
    for (cl_uint d = 0; d < std::min(count, most); ++d) {
      inventory.devices.push_back(describe(platforms[p], ids[d], inventory.devices.size()));
    }
  }
  return inventory;
}

}  // namespace

const Inventory& inventory() {
  static const Inventory found = take_inventory();
  return found;
}

}  // namespace crible::backends::opencl
