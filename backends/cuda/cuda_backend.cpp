#include "backends/cuda/cuda_backend.hpp"

#include "backends/choice.hpp"
#include "backends/cuda/driver.hpp"
#include "backends/cuda/nvrtc.hpp"
#include "backends/cuda/program.hpp"

namespace crible::backends::cuda {
namespace {

class CudaBackend : public Backend {
 public:
  std::string name() const override { return "cuda"; }

  std::vector<Device> devices() const override {
    std::vector<Device> list;
    for (const DeviceInfo& device : inventory().devices) {
      const std::string reason = reason_against(device);
      list.push_back({device.name, device.description, reason.empty(), reason, false});
    }
    if (list.empty()) list.push_back({"cuda", "NVIDIA GPUs", false, inventory().reason, false});
    return list;
  }

  std::string supports(const network::Network& network) const override { return broken_rule(network); }

  std::unique_ptr<Program> compile(const network::Network& network,
                                   const CompileOptions& options) const override {
    const std::size_t device = choose_device(name(), devices(), options.device);
    return make_program(network, inventory().devices[device], options);
  }

 private:
  static std::string reason_against(const DeviceInfo& device) {
    constexpr int first_with_tensor_cores_for_tiles = 8;  // mma.m16n8k32 of bytes
    if (device.major < first_with_tensor_cores_for_tiles) {
      return "it is " + device.architecture + " and sm_80 is needed; use a newer GPU, or the cpu backend";
    }
    return nvrtc_missing();
  }
};

}  // namespace

std::unique_ptr<Backend> make_backend() {
  return std::make_unique<CudaBackend>();
}

}  // namespace crible::backends::cuda
