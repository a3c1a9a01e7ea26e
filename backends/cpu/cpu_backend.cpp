#include "backends/cpu/cpu_backend.hpp"

#include "backends/choice.hpp"
#include "backends/cpu/cpu_program.hpp"
#include "backends/cpu/variants.hpp"

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

  std::string supports(const network::Network& network) const override { return broken_rule(network); }

  std::unique_ptr<Program> compile(const network::Network& network,
                                   const CompileOptions& options) const override {
    return make_program(network, variants()[choose_device(name(), devices(), options.device)], options);
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<CpuBackend>();
}

}  // namespace crible::backends::cpu
