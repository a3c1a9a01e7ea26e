#include "backends/cuda/library.hpp"

#include <dlfcn.h>

#include "engine/base/error.hpp"

namespace crible::backends::cuda {

Library::Library(const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle_ != nullptr) {
      name_ = name;
      return;
    }
    const char* message = dlerror();
    reason_ = message == nullptr ? name : message;
  }
}

void* Library::address(const char* name) const {
  void* address = dlsym(handle_, name);
  if (address == nullptr) {
    throw Error(name_ + " has no function " + name + ": it is too old; install a newer version",
                Fault::failure);
  }
  return address;
}

}  // namespace crible::backends::cuda
