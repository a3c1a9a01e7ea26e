#include "backends/opencl/opencl_backend.hpp"

#include "backends/opencl/api.hpp"
#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"

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

  std::string supports(const network::Network& network) const override {
    try {
      network::verify(network);
    } catch (const Error& error) {
      return error.what();
    }
    return {};
  }

  std::unique_ptr<Program> compile(const network::Network& network,
                                   const CompileOptions& options) const override {
    return make_program(network, choose(options.device), options);
  }

 private:
  static const DeviceInfo& choose(const std::string& wanted) {
    const std::vector<DeviceInfo>& devices = inventory().devices;
    if (devices.empty())
      throw Error("The opencl backend cannot be used here: " + inventory().reasons.front());
    std::string known;
    for (const DeviceInfo& device : devices) {
      if (wanted.empty() || wanted == device.name) return device;
      known += known.empty() ? device.name : ", " + device.name;
    }
    throw Error("The opencl backend has no device \"" + wanted + "\"; it has: " + known + ".");
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<OpenclBackend>();
}

}  // namespace crible::backends::opencl
