#include "backends/cpu/cpu_backend.hpp"

#include "backends/cpu/cpu_program.hpp"
#include "backends/cpu/variants.hpp"
#include "engine/base/error.hpp"
#include "engine/network/verify.hpp"

namespace crible::backends::cpu {
namespace {

class CpuBackend : public Backend {
 public:
  std::string name() const override { return "cpu"; }

  std::vector<Device> devices() const override {
    std::vector<Device> devices;
    for (const Variant& variant : variants()) {
      devices.push_back({variant.name, variant.description, variant.usable, variant.reason, true});
    }
    return devices;
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
  static const Variant& choose(const std::string& device) {
    std::string known;
    for (const Variant& variant : variants()) {
      const bool wanted = device.empty() ? variant.usable : device == variant.name;
      if (wanted && variant.usable) return variant;
      if (wanted) throw Error("The device " + device + " cannot be used here: " + variant.reason);
      known += known.empty() ? variant.name : ", " + variant.name;
    }
    throw Error("The cpu backend has no device \"" + device + "\"; it has: " + known + ".");
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<CpuBackend>();
}

}  // namespace crible::backends::cpu
