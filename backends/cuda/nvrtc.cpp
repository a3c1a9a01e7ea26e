#include "backends/cuda/nvrtc.hpp"

#include <cstdlib>
#include <memory>

#include "backends/build_log.hpp"
#include "backends/cuda/library.hpp"
#include "engine/base/error.hpp"

namespace crible::backends::cuda {

namespace {

// The few declarations of nvrtc.h that are used here, so that building needs no toolkit.
struct ProgramHandle;
using Program = ProgramHandle*;
using Result = int;
constexpr Result success = 0;

struct Nvrtc {
  Library library;
  Result (*version)(int*, int*) = nullptr;
  Result (*create)(Program*, const char*, const char*, int, const char* const*, const char* const*) = nullptr;
  Result (*compile)(Program, int, const char* const*) = nullptr;
  Result (*destroy)(Program*) = nullptr;
  Result (*log_size)(Program, std::size_t*) = nullptr;
  Result (*log)(Program, char*) = nullptr;
  Result (*ptx_size)(Program, std::size_t*) = nullptr;
  Result (*ptx)(Program, char*) = nullptr;
  Result (*cubin_size)(Program, std::size_t*) = nullptr;
  Result (*cubin)(Program, char*) = nullptr;
  const char* (*error_string)(Result) = nullptr;

  Nvrtc() : library(names()) {
    if (!library.is_open()) return;
    library.load("nvrtcVersion", version);
    library.load("nvrtcCreateProgram", create);
    library.load("nvrtcCompileProgram", compile);
    library.load("nvrtcDestroyProgram", destroy);
    library.load("nvrtcGetProgramLogSize", log_size);
    library.load("nvrtcGetProgramLog", log);
    library.load("nvrtcGetPTXSize", ptx_size);
    library.load("nvrtcGetPTX", ptx);
    library.load("nvrtcGetCUBINSize", cubin_size);
    library.load("nvrtcGetCUBIN", cubin);
    library.load("nvrtcGetErrorString", error_string);
  }

  static std::vector<std::string> names() {
    if (const char* own = std::getenv("CRIBLE_NVRTC"); own != nullptr && *own != '\0') return {own};
    std::vector<std::string> list;
    for (const char* folder : {"", "/usr/local/cuda/lib64/", "/usr/local/cuda/lib/"}) {
      for (const char* name : {"libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"}) {
        list.push_back(std::string(folder) + name);
      }
    }
    return list;
  }
};

const Nvrtc& nvrtc() {
  static const Nvrtc library;
  return library;
}

std::string fetch(Program program, Result (*size_of)(Program, std::size_t*), Result (*get)(Program, char*)) {
  std::size_t size = 0;
  if (size_of(program, &size) != success || size == 0) return {};
  std::string text(size, '\0');
  get(program, text.data());
  return text;
}

}  // namespace

std::string nvrtc_missing() {
  if (nvrtc().library.is_open()) return {};
  return "libnvrtc, which compiles networks for NVIDIA GPUs, cannot be opened (" + nvrtc().library.reason() +
         "); install the CUDA toolkit, or the Python package nvidia-cuda-nvrtc-cu12 and set CRIBLE_NVRTC to "
         "its libnvrtc.so.12";
}

std::string nvrtc_version() {
  int major = 0;
  int minor = 0;
  if (!nvrtc_missing().empty() || nvrtc().version(&major, &minor) != success) return "none";
  return std::to_string(major) + "." + std::to_string(minor);
}

std::vector<char> compile_cuda(const std::string& text, const std::string& architecture, Output output) {
  if (const std::string missing = nvrtc_missing(); !missing.empty()) throw Error(missing, Fault::failure);
  const Nvrtc& api = nvrtc();
  Program handle = nullptr;
  if (const Result result = api.create(&handle, text.c_str(), "network.cu", 0, nullptr, nullptr);
      result != success) {
    throw Error(std::string("NVRTC cannot take the generated text: ") + api.error_string(result),
                Fault::failure);
  }
  const auto destroy = [&api](ProgramHandle* program) { api.destroy(&program); };
  const std::unique_ptr<ProgramHandle, decltype(destroy)> program(handle, destroy);
  const std::string architecture_option = "--gpu-architecture=" + architecture;
  const char* const options[] = {architecture_option.c_str(), "--std=c++17"};
  if (const Result result = api.compile(program.get(), std::size(options), options); result != success) {
    throw Error(std::string("NVRTC ") + nvrtc_version() + " does not compile the generated text for " +
                    architecture + " (" + api.error_string(result) +
                    "): " + explain_build(fetch(program.get(), api.log_size, api.log), text),
                Fault::failure);
  }
  const std::string code = output == Output::ptx ? fetch(program.get(), api.ptx_size, api.ptx)
                                                 : fetch(program.get(), api.cubin_size, api.cubin);
  return {code.begin(), code.end()};
}

}  // namespace crible::backends::cuda
