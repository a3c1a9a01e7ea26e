#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <vector>

#include "bench/gpu/sections.hpp"
#include "bench/instrument/clock.hpp"
#include "bench/suites/cuda_rig.hpp"
#include "bench/suites/device_subject.hpp"
#include "bench/suites/networks.hpp"
#include "engine/base/error.hpp"

// cuBLASLt, opened when the program runs. Only what is used is declared, after the library's reference.
namespace crible::bench {
namespace {

using backends::cuda::DevicePointer;
using nlohmann::ordered_json;

constexpr std::size_t events = 16'384;

struct Algorithm {
  std::uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  std::size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};
static_assert(sizeof(Heuristic) == 96);

struct Cublas {
  backends::cuda::Library library{names()};
  int (*create)(void**) = nullptr;
  int (*destroy)(void*) = nullptr;
  int (*product_create)(void**, int compute, int scale) = nullptr;
  int (*product_set)(void*, int attribute, const void*, std::size_t) = nullptr;
  int (*product_destroy)(void*) = nullptr;
  int (*layout_create)(void**, int type, std::uint64_t rows, std::uint64_t columns,
                       std::int64_t step) = nullptr;
  int (*layout_destroy)(void*) = nullptr;
  int (*preference_create)(void**) = nullptr;
  int (*preference_set)(void*, int attribute, const void*, std::size_t) = nullptr;
  int (*preference_destroy)(void*) = nullptr;
  int (*heuristic)(void*, void*, void*, void*, void*, void*, void*, int, Heuristic*, int*) = nullptr;
  int (*multiply)(void*, void*, const void*, DevicePointer, void*, DevicePointer, void*, const void*,
                  DevicePointer, void*, DevicePointer, void*, const Algorithm*, DevicePointer, std::size_t,
                  backends::cuda::StreamHandle*) = nullptr;

  Cublas() {
    if (!library.is_open()) return;
    library.load("cublasLtCreate", create);
    library.load("cublasLtDestroy", destroy);
    library.load("cublasLtMatmulDescCreate", product_create);
    library.load("cublasLtMatmulDescSetAttribute", product_set);
    library.load("cublasLtMatmulDescDestroy", product_destroy);
    library.load("cublasLtMatrixLayoutCreate", layout_create);
    library.load("cublasLtMatrixLayoutDestroy", layout_destroy);
    library.load("cublasLtMatmulPreferenceCreate", preference_create);
    library.load("cublasLtMatmulPreferenceSetAttribute", preference_set);
    library.load("cublasLtMatmulPreferenceDestroy", preference_destroy);
    library.load("cublasLtMatmulAlgoGetHeuristic", heuristic);
    library.load("cublasLtMatmul", multiply);
  }

  static std::vector<std::string> names() {
    if (const char* own = std::getenv("CRIBLE_CUBLASLT"); own != nullptr && *own != '\0') return {own};
    std::vector<std::string> list;
    for (const char* folder : {"", "/usr/local/cuda/lib64/"}) {
      for (const char* name :
           {"libcublasLt.so", "libcublasLt.so.13", "libcublasLt.so.12", "libcublasLt.so.11"}) {
        list.push_back(std::string(folder) + name);
      }
    }
    return list;
  }
};

void must(int status, const char* what) {
  if (status != 0)
    throw Error(std::string("cuBLASLt: ") + what + ": status " + std::to_string(status), Fault::failure);
}

/// sums[events][outputs] of int32 = x[events][inputs] of int8 times weights[outputs][inputs] of int8.
class Layer {
 public:
  Layer(const Cublas& api, void* handle, CudaRig& rig, std::size_t inputs, std::size_t outputs)
      : api_(api),
        handle_(handle),
        rig_(rig),
        inputs_(inputs),
        outputs_(outputs),
        depth_((inputs + 15) / 16 * 16) {
    constexpr int int8 = 3, int32 = 10, sums_int32 = 72, transposed = 1, of_a = 3;
    constexpr int most_workspace = 1;
    x_ = rig.device_memory(events * depth_);
    weights_ = rig.device_memory(outputs * depth_);
    sums_ = rig.device_memory(events * outputs * 4);
    workspace_ = rig.device_memory(workspace_bytes_);
    fill();
    must(api.product_create(&product_, sums_int32, int32), "no product");
    must(api.product_set(product_, of_a, &transposed, sizeof transposed), "no transposed matrix");
    const auto depth = static_cast<std::int64_t>(depth_);
    must(api.layout_create(&x_layout_, int8, depth_, events, depth), "no layout");
    must(api.layout_create(&weights_layout_, int8, depth_, outputs, depth), "no layout");
    must(api.layout_create(&sums_layout_, int32, events, outputs, events), "no layout");
    void* preference = nullptr;
    must(api.preference_create(&preference), "no preference");
    must(api.preference_set(preference, most_workspace, &workspace_bytes_, sizeof workspace_bytes_),
         "no workspace");
    int found = 0;
    const int status = api.heuristic(handle_, product_, x_layout_, weights_layout_, sums_layout_,
                                     sums_layout_, preference, 1, &best_, &found);
    api.preference_destroy(preference);
    must(status != 0 ? status : found == 0 ? -1 : best_.status, "no algorithm for int8 in this shape");
  }
  ~Layer() {
    for (void* layout : {x_layout_, weights_layout_, sums_layout_}) api_.layout_destroy(layout);
    api_.product_destroy(product_);
  }
  Layer(const Layer&) = delete;
  Layer& operator=(const Layer&) = delete;

  void multiply() const {
    const std::int32_t one = 1, zero = 0;
    must(api_.multiply(handle_, product_, &one, x_, x_layout_, weights_, weights_layout_, &zero, sums_,
                       sums_layout_, sums_, sums_layout_, &best_.algorithm, workspace_, workspace_bytes_,
                       rig_.stream()),
         "a product");
  }

  /// Some sums are done again here.
  void check() const {
    std::vector<std::int32_t> sums(events * outputs_);
    rig_.copy_out(sums.data(), sums_, sums.size() * 4);
    rig_.finish();
    for (std::size_t i = 0; i < sums.size(); i += 4093) {
      const std::size_t event = i % events, output = i / events;
      std::int32_t wanted = 0;
      for (std::size_t k = 0; k < inputs_; ++k) wanted += element(event, k, 7) * element(output, k, 11);
      if (sums[i] != wanted) throw Error("cuBLASLt gives other sums than plain loops", Fault::failure);
    }
  }

 private:
  static std::int8_t element(std::size_t row, std::size_t k, std::size_t factor) {
    return static_cast<std::int8_t>((row * factor + k * k + 3) % 251);
  }

  void fill() {
    const auto matrix = [&](std::size_t rows, std::size_t factor) {
      std::vector<std::int8_t> bytes(rows * depth_, 0);
      for (std::size_t row = 0; row < rows; ++row) {
        for (std::size_t k = 0; k < inputs_; ++k) bytes[row * depth_ + k] = element(row, k, factor);
      }
      return bytes;
    };
    const auto x = matrix(events, 7), weights = matrix(outputs_, 11);
    rig_.copy_in(x_, x.data(), x.size());
    rig_.copy_in(weights_, weights.data(), weights.size());
    rig_.finish();
  }

  const Cublas& api_;
  void* handle_;
  CudaRig& rig_;
  std::size_t inputs_, outputs_, depth_;
  std::size_t workspace_bytes_ = std::size_t{32} << 20;
  DevicePointer x_ = 0, weights_ = 0, sums_ = 0, workspace_ = 0;
  void *product_ = nullptr, *x_layout_ = nullptr, *weights_layout_ = nullptr, *sums_layout_ = nullptr;
  Heuristic best_{};
};

/// Events per second through the four products alone, everything in the device's memory.
double products_per_second(const Cublas& api, const backends::cuda::DeviceInfo& device) {
  CudaRig rig(device);
  void* handle = nullptr;
  must(api.create(&handle), "it does not start");
  double best = 0;
  {
    const Layer first(api, handle, rig, 57, 256), second(api, handle, rig, 256, 256),
        third(api, handle, rig, 256, 128), last(api, handle, rig, 128, 1);
    const Layer* layers[] = {&first, &second, &third, &last};
    for (const Layer* layer : layers) {
      layer->multiply();
      layer->check();
    }
    constexpr int passes = 200;
    for (int repeat = 0; repeat < 7; ++repeat) {
      const std::int64_t start_ns = Clock::system_ns();
      for (int pass = 0; pass < passes; ++pass) {
        for (const Layer* layer : layers) layer->multiply();
      }
      rig.finish();
      const auto elapsed_ns = static_cast<double>(Clock::system_ns() - start_ns);
      best = std::max(best, 1e9 * passes * static_cast<double>(events) / elapsed_ns);
    }
  }
  api.destroy(handle);
  return best;
}

}  // namespace

ordered_json gemm_comparison() {
  const std::string name = first_gpu();
  if (name.empty()) return {{"absent", "there is no GPU that can be used"}};
  const auto& devices = backends::cuda::inventory().devices;
  const auto device = std::ranges::find(devices, name, &backends::cuda::DeviceInfo::name);
  const std::vector<Named> networks = comparison_networks();
  const auto mlp = std::ranges::find(networks, "big_mlp", &Named::name);
  DeviceSubject subject(mlp->network, name, events);
  const double fused = subject.events_per_second(events, 1'000'000'000);
  ordered_json result{
      {"device", device->description}, {"shapes", "57-256-256-128-1"}, {"events_in_a_batch", events}};
  result["fused_end_to_end_events_per_s"] = fused;
  result["fused_path"] = subject.path(events);
  const Cublas api;
  if (!api.library.is_open()) {
    result["cublaslt_absent"] = "libcublasLt cannot be opened (" + api.library.reason() +
                                "); install the CUDA toolkit's libcublas, or name it in CRIBLE_CUBLASLT";
    return result;
  }
  const double products = products_per_second(api, *device);
  result["cublaslt_products_events_per_s"] = products;
  result["ratio"] = fused / products;
  result["target_ratio"] = 0.5;
  return result;
}

}  // namespace crible::bench
