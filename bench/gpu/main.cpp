#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/gpu/sections.hpp"
#include "bench/suites/device_subject.hpp"
#include "engine/base/error.hpp"
#include "engine/base/file.hpp"
#include "engine/importers/import.hpp"
#include "engine/network/text.hpp"

// Networks x devices x batch sizes: every device's answers are compared with the reference, then batches are
// timed from submit to answer. For OpenCL also the ratio to its own floor: an empty kernel and the same
// arithmetic by the CPU backend's portable variant.
namespace crible::bench {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t largest_batch = 1024;
constexpr std::size_t batch_sizes[] = {1, 16, 64, 256, 1024};
constexpr std::int64_t budget_ns = 60'000'000;  // of one figure

const char* const models[] = {"jet_mlp/model.onnx",  "anomaly/model.onnx",  "param_mlp/model.onnx",
                              "calo_cnn/model.onnx", "deepsets/model.onnx", "gru/model.onnx",
                              "bdt/xgb_binary.json"};

struct Figure {
  std::string network;
  std::string device;
  std::size_t batch = 0;
  BatchTimes times;
};

std::vector<std::string> devices_to_measure(ordered_json& absent) {
  std::vector<std::string> names;
  for (const auto& backend : backends::registry()) {
    for (const backends::Device& device : backend->devices()) {
      if (device.usable) {
        names.push_back(device.name);
      } else {
        absent.push_back({{"device", device.name}, {"reason", device.reason}});
      }
    }
  }
  return names;
}

const Figure* find(const std::vector<Figure>& figures, const Figure& like, const std::string& device) {
  for (const Figure& figure : figures) {
    const bool same = figure.network == like.network && figure.batch == like.batch;
    if (same && figure.device == device) return &figure;
  }
  return nullptr;
}

ordered_json ratios(const std::vector<Figure>& figures) {
  const std::int64_t empty_ns = empty_kernel_ns("opencl:0");
  std::printf("empty OpenCL kernel, enqueue to finish: %.1f us\n", 1e-3 * static_cast<double>(empty_ns));
  ordered_json list = ordered_json::array();
  for (const Figure& figure : figures) {
    const Figure* portable = find(figures, figure, "cpu:portable");
    if (figure.device != "opencl:0" || portable == nullptr) continue;
    const double floor_ns = static_cast<double>(empty_ns + portable->times.median_ns);
    const double ratio = static_cast<double>(figure.times.median_ns) / floor_ns;
    std::printf("%-14s %-10s batch %5zu: %8.2f of its floor\n", figure.network.c_str(), figure.device.c_str(),
                figure.batch, ratio);
    list.push_back(
        {{"network", figure.network}, {"device", figure.device}, {"batch", figure.batch}, {"ratio", ratio}});
  }
  return list;
}

void measure(const network::Network& network, const std::string& name, const std::string& device,
             std::vector<Figure>& figures, ordered_json& list) {
  DeviceSubject subject(network, device, largest_batch);
  for (const std::size_t batch : batch_sizes) {
    const BatchTimes times = subject.time(batch, budget_ns);
    figures.push_back({name, device, batch, times});
    list.push_back({{"network", name},
                    {"hash", network::content_hash(network)},
                    {"device", device},
                    {"batch", batch},
                    {"path", subject.path(batch)},
                    {"median_ns", times.median_ns},
                    {"p99_ns", times.p99_ns},
                    {"repeats", times.repeats}});
    std::printf("%-14s %-15s batch %5zu: median %10.1f us  p99 %10.1f us  %12.0f events/s  %s\n",
                name.c_str(), device.c_str(), batch, 1e-3 * static_cast<double>(times.median_ns),
                1e-3 * static_cast<double>(times.p99_ns),
                1e9 * static_cast<double>(batch) / static_cast<double>(times.median_ns),
                subject.path(batch).c_str());
  }
  const double rate = subject.events_per_second(largest_batch, budget_ns);
  list.push_back({{"network", name}, {"device", device}, {"slots_in_flight", 3}, {"events_per_s", rate}});
  std::printf("%-14s %-15s three batches of %zu in flight: %.0f events/s\n", name.c_str(), device.c_str(),
              largest_batch, rate);
}

struct Options {
  std::string models = "tests/data/models";
  std::string json;
  std::vector<std::string> sections;
  Arrivals arrivals;
};

/// Prints what a section found, and keeps it; its absence is listed with the others.
void keep(ordered_json& result, const char* name, ordered_json section) {
  if (section.contains("absent")) {
    result["absent"].push_back({{"measurement", name}, {"reason", section["absent"]}});
  } else {
    if (section.contains("cublaslt_absent"))
      result["absent"].push_back({{"measurement", "cuBLASLt"}, {"reason", section["cublaslt_absent"]}});
    std::printf("%s: %s\n", name, section.dump(2).c_str());
    result[name] = std::move(section);
  }
}

ordered_json batches(const std::string& folder, ordered_json& absent) {
  ordered_json list = ordered_json::array();
  std::vector<Figure> figures;
  const std::vector<std::string> devices = devices_to_measure(absent);
  for (const char* model : models) {
    const std::string name = std::filesystem::path(model).parent_path().string();
    try {
      const network::Network network = importers::load_network(std::filesystem::path(folder) / model);
      for (const std::string& device : devices) measure(network, name, device, figures, list);
    } catch (const Error& error) {
      if (error.fault() == Fault::failure) throw;
      absent.push_back({{"network", name}, {"reason", error.what()}});
    }
  }
  return {{"figures", list},
          {"opencl_empty_kernel_ns", empty_kernel_ns("opencl:0")},
          {"cuda_empty_kernel_ns", empty_kernel_ns("cuda:0")},
          {"opencl_ratios", ratios(figures)}};
}

int run(const Options& options) {
  const auto wanted = [&](const char* section) {
    return options.sections.empty() || std::ranges::find(options.sections, section) != options.sections.end();
  };
  ordered_json result{{"absent", ordered_json::array()}};
  if (wanted("batches")) result["batches"] = batches(options.models, result["absent"]);
  if (wanted("ping-pong")) keep(result, "ping_pong", ping_pong(options.models));
  if (wanted("gemm")) keep(result, "gemm", gemm_comparison());
  if (wanted("arrivals")) {
    Arrivals load = options.arrivals;
    if (load.device.empty()) load.device = first_gpu();
    const auto model = std::filesystem::path(options.models) / "anomaly/model.onnx";
    keep(result, "arrivals", arrivals(importers::load_network(model), load));
  }
  for (const auto& entry : result["absent"]) {
    std::printf("absent: %s: %s\n", entry.front().get<std::string>().c_str(),
                entry["reason"].get<std::string>().c_str());
  }
  if (!options.json.empty()) write_file(options.json, result.dump(2) + "\n");
  return 0;
}

}  // namespace
}  // namespace crible::bench

int main(int count, char** arguments) {
  CLI::App app{"Networks on every device, answers checked first: batches, and what a GPU is for"};
  crible::bench::Options options;
  app.add_option("--models", options.models, "Folder of the trained models");
  app.add_option("--json", options.json, "Write the figures to this file");
  app.add_option("--section", options.sections, "Only these: batches, ping-pong, gemm, arrivals")
      ->check(CLI::IsMember({"batches", "ping-pong", "gemm", "arrivals"}));
  app.add_option("--arrivals-device", options.arrivals.device,
                 "Instead of the first GPU: opencl:0, cpu:avx2, ...");
  app.add_option("--rate", options.arrivals.events_per_s, "Events per second that arrive")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, count, arguments);
  try {
    return crible::bench::run(options);
  } catch (const crible::Error& error) {
    std::fprintf(stderr, "bench_gpu: %s\n", error.what());
    return 1;
  }
}
