#include "backends/cuda/driver.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "engine/base/error.hpp"

namespace crible::backends::cuda {

Driver::Driver() {
  if (!library.is_open()) {
    missing = "the NVIDIA driver cannot be opened (" + library.reason() +
              "); on a machine with an NVIDIA GPU install its driver";
    return;
  }
  try {
    library.load("cuInit", init);
    library.load("cuDriverGetVersion", driver_version);
    library.load("cuDeviceGetCount", device_count);
    library.load("cuDeviceGet", device_get);
    library.load("cuDeviceGetName", device_name);
    library.load("cuDeviceGetAttribute", device_attribute);
    library.load("cuDeviceTotalMem_v2", device_memory);
    library.load("cuDevicePrimaryCtxRetain", context_retain);
    library.load("cuDevicePrimaryCtxRelease_v2", context_release);
    library.load("cuCtxSetCurrent", context_set);
    library.load("cuModuleLoadData", module_load);
    library.load("cuModuleUnload", module_unload);
    library.load("cuModuleGetFunction", module_function);
    library.load("cuMemAlloc_v2", memory_alloc);
    library.load("cuMemFree_v2", memory_free);
    library.load("cuMemHostAlloc", host_alloc);
    library.load("cuMemFreeHost", host_free);
    library.load("cuMemHostGetDevicePointer_v2", host_device_pointer);
    library.load("cuMemcpyHtoDAsync_v2", copy_in);
    library.load("cuMemcpyDtoHAsync_v2", copy_out);
    library.load("cuStreamCreate", stream_create);
    library.load("cuStreamDestroy_v2", stream_destroy);
    library.load("cuStreamQuery", stream_query);
    library.load("cuEventCreate", event_create);
    library.load("cuEventRecord", event_record);
    library.load("cuEventQuery", event_query);
    library.load("cuEventDestroy_v2", event_destroy);
    library.load("cuLaunchKernel", launch);
    library.load("cuStreamBeginCapture_v2", capture_begin);
    library.load("cuStreamEndCapture", capture_end);
    library.load("cuGraphInstantiateWithFlags", graph_instantiate);
    library.load("cuGraphLaunch", graph_launch);
    library.load("cuGraphDestroy", graph_destroy);
    library.load("cuGraphExecDestroy", graph_exec_destroy);
    library.load("cuGetErrorName", error_name);
  } catch (const Error& error) {
    missing = error.what();
    return;
  }
  // A kernel that is loaded at its first launch would wait for a persistent one that never ends.
  setenv("CUDA_MODULE_LOADING", "EAGER", 0);
  if (const Result result = init(0); result != success) {
    missing = "the NVIDIA driver does not start: " + std::to_string(result) +
              "; check with nvidia-smi that the GPU is there and that you may use it";
  }
}

const Driver& driver() {
  static const Driver opened;
  return opened;
}

std::string name_of(Result result) {
  const char* name = nullptr;
  if (driver().error_name == nullptr || driver().error_name(result, &name) != success || name == nullptr) {
    name = "CUDA error";
  }
  return std::string(name) + " (" + std::to_string(result) + ")";
}

void check(Result result, const std::string& what) {
  if (result == success) return;
  std::string advice;
  if (result == unsupported_ptx_version || result == no_binary_for_gpu) {
    advice =
        "; the driver is older than the compiler: install a newer driver, or an older libnvrtc and name it "
        "in CRIBLE_NVRTC";
  }
  throw Error(what + ": " + name_of(result) + advice, Fault::failure);
}

namespace {

int attribute(DeviceId id, int which) {
  int value = 0;
  return driver().device_attribute(&value, which, id) == success ? value : 0;
}

DeviceInfo describe(int index) {
  DeviceInfo device;
  check(driver().device_get(&device.id, index), "GPU " + std::to_string(index));
  std::array<char, 128> model{};
  driver().device_name(model.data(), static_cast<int>(model.size()) - 1, device.id);
  driver().device_memory(&device.memory_bytes, device.id);
  device.name = "cuda:" + std::to_string(index);
  device.model = model.data();
  device.major = attribute(device.id, attribute_major);
  device.architecture =
      "sm_" + std::to_string(device.major) + std::to_string(attribute(device.id, attribute_minor));
  device.multiprocessors = std::max(1, attribute(device.id, attribute_multiprocessors));
  device.shared_bytes = static_cast<std::size_t>(attribute(device.id, attribute_shared_bytes_of_block));
  device.description = device.model + ", " + device.architecture + ", " +
                       std::to_string(device.multiprocessors) + " multiprocessors";
  return device;
}

Inventory take_inventory() {
  Inventory inventory;
  if (!driver().missing.empty()) {
    inventory.reason = driver().missing;
    return inventory;
  }
  int count = 0;
  if (driver().device_count(&count) != success || count == 0) {
    inventory.reason = "the NVIDIA driver finds no GPU; check with nvidia-smi that it is there";
    return inventory;
  }
  for (int i = 0; i < count; ++i) inventory.devices.push_back(describe(i));
  return inventory;
}

}  // namespace

const Inventory& inventory() {
  static const Inventory found = take_inventory();
  return found;
}

}  // namespace crible::backends::cuda
