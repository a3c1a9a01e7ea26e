#include <cstddef>
#include <cstdio>
#include <cstdlib>

// A driver with one GPU that computes nothing: enough to find the GPU and to set a program up. The
// environment says what fails: FAKE_CUDA_MODULE and FAKE_CUDA_MEMORY are the results of loading a module and
// of taking memory. FAKE_CUDA_OLD leaves out what drivers did not always have.

namespace {

int result_of(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::atoi(text);
}

int give(void** handle) {
  static int something = 0;
  *handle = &something;
  return 0;
}

int take_memory(void** memory, std::size_t size) {
  const int result = result_of("FAKE_CUDA_MEMORY");
  if (result == 0) *memory = std::malloc(size);
  return result;
}

}  // namespace

extern "C" {

int cuInit(unsigned) {
  return 0;
}
int cuDriverGetVersion(int* version) {
  *version = 11000;
  return 0;
}
int cuDeviceGetCount(int* count) {
  *count = 1;
  return 0;
}
int cuDeviceGet(int* device, int index) {
  *device = index;
  return 0;
}
int cuDeviceGetName(char* name, int size, int) {
  std::snprintf(name, static_cast<std::size_t>(size), "Imagined GPU");
  return 0;
}
int cuDeviceGetAttribute(int* value, int which, int) {
  constexpr int shared_bytes_of_block = 8;
  *value = which == shared_bytes_of_block ? 49152 : 9;
  return 0;
}
int cuDeviceTotalMem_v2(std::size_t* bytes, int) {
  *bytes = std::size_t{64} << 20;
  return 0;
}
int cuDevicePrimaryCtxRetain(void** context, int) {
  return give(context);
}
int cuDevicePrimaryCtxRelease_v2(int) {
  return 0;
}
int cuCtxSetCurrent(void*) {
  return 0;
}
int cuModuleLoadData(void** module, const void*) {
  const int result = result_of("FAKE_CUDA_MODULE");
  return result != 0 ? result : give(module);
}
int cuModuleUnload(void*) {
  return 0;
}
int cuModuleGetFunction(void** function, void*, const char*) {
  return give(function);
}
int cuMemAlloc_v2(void** memory, std::size_t size) {
  return take_memory(memory, size);
}
int cuMemFree_v2(void* memory) {
  std::free(memory);
  return 0;
}
int cuMemHostAlloc(void** memory, std::size_t size, unsigned) {
  return take_memory(memory, size);
}
int cuMemFreeHost(void* memory) {
  std::free(memory);
  return 0;
}
int cuMemHostGetDevicePointer_v2(void** device, void* host, unsigned) {
  *device = host;
  return 0;
}
int cuStreamCreate(void** stream, unsigned) {
  return give(stream);
}
int cuEventCreate(void** event, unsigned) {
  return give(event);
}
int cuGetErrorName(int, const char** name) {
  *name = "CUDA_ERROR_IMAGINED";
  return 0;
}
#define NOTHING(name) \
  int name() {        \
    return 0;         \
  }
NOTHING(cuMemcpyHtoDAsync_v2)
NOTHING(cuMemcpyDtoHAsync_v2)
NOTHING(cuStreamDestroy_v2)
NOTHING(cuStreamQuery)
NOTHING(cuEventRecord)
NOTHING(cuEventQuery)
NOTHING(cuEventDestroy_v2)
NOTHING(cuLaunchKernel)
NOTHING(cuStreamBeginCapture_v2)
NOTHING(cuStreamEndCapture)
NOTHING(cuGraphLaunch)
NOTHING(cuGraphDestroy)
NOTHING(cuGraphExecDestroy)
#ifndef FAKE_CUDA_OLD
NOTHING(cuGraphInstantiateWithFlags)
#endif
}
