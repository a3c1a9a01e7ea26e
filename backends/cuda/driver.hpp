#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "backends/cuda/library.hpp"

/// The NVIDIA driver, opened when it is first needed, so that one binary runs with and without a GPU. Only
/// what is used is declared here, after the driver API's reference: building needs no toolkit.
namespace crible::backends::cuda {

using Result = int;
using DeviceId = int;
using DevicePointer = std::uint64_t;
struct ContextHandle;
struct ModuleHandle;
struct FunctionHandle;
struct StreamHandle;
struct EventHandle;
struct GraphHandle;
struct GraphExecHandle;

inline constexpr Result success = 0;
inline constexpr Result not_ready = 600;
inline constexpr Result unsupported_ptx_version = 222;
inline constexpr Result no_binary_for_gpu = 209;

inline constexpr int attribute_multiprocessors = 16;
inline constexpr int attribute_major = 75;
inline constexpr int attribute_minor = 76;
inline constexpr int attribute_shared_bytes_of_block = 8;
inline constexpr unsigned stream_non_blocking = 1;
inline constexpr unsigned event_disable_timing = 2;
inline constexpr unsigned host_alloc_portable = 1;
inline constexpr unsigned host_alloc_mapped = 2;
inline constexpr int capture_thread_local = 1;

struct Driver {
  Library library{{"libcuda.so.1", "libcuda.so"}};

  Result (*init)(unsigned) = nullptr;
  Result (*driver_version)(int*) = nullptr;
  Result (*device_count)(int*) = nullptr;
  Result (*device_get)(DeviceId*, int) = nullptr;
  Result (*device_name)(char*, int, DeviceId) = nullptr;
  Result (*device_attribute)(int*, int, DeviceId) = nullptr;
  Result (*device_memory)(std::size_t*, DeviceId) = nullptr;
  Result (*context_retain)(ContextHandle**, DeviceId) = nullptr;
  Result (*context_release)(DeviceId) = nullptr;
  Result (*context_set)(ContextHandle*) = nullptr;
  Result (*module_load)(ModuleHandle**, const void*) = nullptr;
  Result (*module_unload)(ModuleHandle*) = nullptr;
  Result (*module_function)(FunctionHandle**, ModuleHandle*, const char*) = nullptr;
  Result (*memory_alloc)(DevicePointer*, std::size_t) = nullptr;
  Result (*memory_free)(DevicePointer) = nullptr;
  Result (*host_alloc)(void**, std::size_t, unsigned) = nullptr;
  Result (*host_free)(void*) = nullptr;
  Result (*host_device_pointer)(DevicePointer*, void*, unsigned) = nullptr;
  Result (*copy_in)(DevicePointer, const void*, std::size_t, StreamHandle*) = nullptr;
  Result (*copy_out)(void*, DevicePointer, std::size_t, StreamHandle*) = nullptr;
  Result (*stream_create)(StreamHandle**, unsigned) = nullptr;
  Result (*stream_destroy)(StreamHandle*) = nullptr;
  Result (*stream_query)(StreamHandle*) = nullptr;
  Result (*event_create)(EventHandle**, unsigned) = nullptr;
  Result (*event_record)(EventHandle*, StreamHandle*) = nullptr;
  Result (*event_query)(EventHandle*) = nullptr;
  Result (*event_destroy)(EventHandle*) = nullptr;
  Result (*launch)(FunctionHandle*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned,
                   StreamHandle*, void**, void**) = nullptr;
  Result (*capture_begin)(StreamHandle*, int) = nullptr;
  Result (*capture_end)(StreamHandle*, GraphHandle**) = nullptr;
  Result (*graph_instantiate)(GraphExecHandle**, GraphHandle*, unsigned long long) = nullptr;
  Result (*graph_launch)(GraphExecHandle*, StreamHandle*) = nullptr;
  Result (*graph_destroy)(GraphHandle*) = nullptr;
  Result (*graph_exec_destroy)(GraphExecHandle*) = nullptr;
  Result (*error_name)(Result, const char**) = nullptr;

  std::string missing;  // one sentence; empty: usable

  Driver();
};

/// Opened and initialised once.
const Driver& driver();

/// "CUDA_ERROR_OUT_OF_MEMORY (2)"
std::string name_of(Result result);

/// Throws Error with `what` and the error's name unless it is success.
void check(Result result, const std::string& what);

struct DeviceInfo {
  DeviceId id = 0;
  std::string name;   // "cuda:0"
  std::string model;  // "NVIDIA H200"
  std::string description;
  std::string architecture;  // "sm_90"
  int multiprocessors = 1;
  int major = 0;
  std::size_t shared_bytes = 48 * 1024;
  std::size_t memory_bytes = 0;
};

/// The GPUs, or why there are none.
struct Inventory {
  std::vector<DeviceInfo> devices;
  std::string reason;
};

/// Found out once.
const Inventory& inventory();

}  // namespace crible::backends::cuda
