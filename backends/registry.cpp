#include "backends/backend.hpp"
#include "backends/cpu/cpu_backend.hpp"
#include "backends/cuda/cuda_backend.hpp"
#include "engine/base/error.hpp"
#if CRIBLE_HAVE_OPENCL
#include "backends/opencl/opencl_backend.hpp"
#endif

namespace crible::backends {
namespace {

/// A backend that this build does not have: listed with the reason.
class AbsentBackend : public Backend {
 public:
  AbsentBackend(std::string name, std::string reason) : name_(std::move(name)), reason_(std::move(reason)) {}

  std::string name() const override { return name_; }
  std::vector<Device> devices() const override { return {{name_, name_, false, reason_, false}}; }
  std::string supports(const network::Network&) const override { return reason_; }
  std::unique_ptr<Program> compile(const network::Network&, const CompileOptions&) const override {
    throw Error("The " + name_ + " backend cannot be used here: " + reason_ + ".");
  }

 private:
  std::string name_;
  std::string reason_;
};

std::vector<std::unique_ptr<Backend>> make_registry() {
  std::vector<std::unique_ptr<Backend>> backends;
  backends.push_back(cpu::make_backend());
#if CRIBLE_HAVE_OPENCL
  backends.push_back(opencl::make_backend());
#else
  backends.push_back(std::make_unique<AbsentBackend>(
      "opencl", "this build has no OpenCL; install ocl-icd-opencl-dev and build again"));
#endif
  backends.push_back(cuda::make_backend());
  return backends;
}

}  // namespace

const std::vector<std::unique_ptr<Backend>>& registry() {
  static const std::vector<std::unique_ptr<Backend>> backends = make_registry();
  return backends;
}

std::vector<std::string> accelerators() {
  std::vector<std::string> names;
  for (const auto& backend : registry()) {
    for (const Device& device : backend->devices()) {
      if (device.usable && !device.shares_cpu) names.push_back(device.name);
    }
  }
  return names;
}

const Backend& find(const std::string& name) {
  std::string known;
  for (const auto& backend : registry()) {
    if (backend->name() == name) return *backend;
    known += known.empty() ? backend->name() : ", " + backend->name();
  }
  throw Error("There is no backend \"" + name + "\"; this build has: " + known + ".");
}

}  // namespace crible::backends
