#include "backends/opencl/opencl_backend.hpp"

#include "backends/choice.hpp"
#include "backends/opencl/api.hpp"

namespace crible::backends::opencl {
namespace {

class OpenclBackend : public Backend {
 public:
  std::string name() const override { return "opencl"; }

  std::vector<Device> devices() const override {
    std::vector<Device> list;
    for (const DeviceInfo& device : inventory().devices)
      list.push_back({device.name, device.description, true, {}, device.is_cpu});
    for (const std::string& reason : inventory().reasons)
      list.push_back({"opencl", "OpenCL", false, reason, false});
    return list;
  }

  std::string supports(const network::Network& network) const override { return broken_rule(network); }

  std::unique_ptr<Program> compile(const network::Network& network,
                                   const CompileOptions& options) const override {
    const std::size_t device = choose_device(name(), devices(), options.device);
    return make_program(network, inventory().devices[device], options);
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<OpenclBackend>();
}

}  // namespace crible::backends::opencl
