#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "bench/gpu/sections.hpp"
#include "bench/instrument/clock.hpp"
#include "bench/suites/cuda_rig.hpp"
#include "bench/suites/device_subject.hpp"
#include "engine/base/error.hpp"
#include "engine/importers/import.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {
namespace {

using nlohmann::ordered_json;

/// Answers the number that it finds in the first word; ends when the second is set, or nothing comes for
/// long.
constexpr const char* echo_text = R"(
extern "C" __global__ void echo(volatile int* mail, const long long patience) {
  int answered = 0;
  long long since = clock64();
  while (mail[1] == 0 && clock64() - since < patience) {
    const int request = mail[0];
    if (request == answered) continue;
    answered = request;
    __threadfence_system();
    mail[32] = answered;
    since = clock64();
  }
}
)";

ordered_json percentiles(const pipeline::Histogram& times) {
  return {{"p50_ns", times.percentile_ns(0.5)},
          {"p99_ns", times.percentile_ns(0.99)},
          {"p999_ns", times.percentile_ns(0.999)},
          {"max_ns", times.max_ns()},
          {"rounds", times.count()}};
}

ordered_json echo(const backends::cuda::DeviceInfo& device) {
  constexpr int rounds = 100'000;
  constexpr std::int64_t give_up_ns = 1'000'000'000;
  CudaRig rig(device);
  auto* kernel = rig.compile(echo_text, "echo");
  CudaRig::Mapped mail = rig.mapped_memory(256);
  auto* words = static_cast<volatile int*>(mail.host);
  long long patience_ticks = 4'000'000'000;
  void* parameters[] = {&mail.device, &patience_ticks};
  rig.launch(kernel, 1, parameters);
  pipeline::Histogram times;
  for (int round = 1; round <= rounds; ++round) {
    const std::int64_t start_ns = Clock::system_ns();
    words[0] = round;
    while (words[32] != round) {
      if (Clock::system_ns() - start_ns > give_up_ns)
        throw Error("the ping-pong kernel does not answer", Fault::failure);
    }
    if (round > rounds / 10) times.add(Clock::system_ns() - start_ns);
  }
  words[1] = 1;
  rig.finish();
  return percentiles(times);
}

}  // namespace

std::string first_gpu() {
  for (const backends::Device& device : backends::find("cuda").devices()) {
    if (device.usable) return device.name;
  }
  return {};
}

ordered_json ping_pong(const std::string& models) {
  const std::string name = first_gpu();
  if (name.empty()) return {{"absent", "there is no GPU that can be used"}};
  const auto& devices = backends::cuda::inventory().devices;
  const auto device = std::ranges::find(devices, name, &backends::cuda::DeviceInfo::name);
  ordered_json result{{"device", device->description}, {"target_p99_ns", 4000}, {"ping_pong", echo(*device)}};
  setenv("CRIBLE_FORCE_PATH", "persistent", 1);
  for (const char* model : {"jet_mlp", "anomaly"}) {
    const network::Network network =
        importers::load_network(std::filesystem::path(models) / model / "model.onnx");
    DeviceSubject subject(network, name, 1);
    const BatchTimes times = subject.time(1, 500'000'000);
    result["one_event"].push_back({{"network", model},
                                   {"path", subject.path(1)},
                                   {"p50_ns", times.median_ns},
                                   {"p99_ns", times.p99_ns},
                                   {"rounds", times.repeats}});
  }
  unsetenv("CRIBLE_FORCE_PATH");
  return result;
}

}  // namespace crible::bench
