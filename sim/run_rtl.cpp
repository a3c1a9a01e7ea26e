#include "sim/run_rtl.hpp"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <thread>

#include "engine/base/error.hpp"
#include "sim/model.hpp"

namespace crible::sim {

namespace {

namespace fs = std::filesystem;

/// Generated sources that go when we do.
class MadeFirmware {
 public:
  explicit MadeFirmware(const network::Network& network)
      : folder_(fs::temp_directory_path() / ("crible_rtl_" + std::to_string(getpid()))) {
    fs::remove_all(folder_);
    const hls::Firmware firmware = hls::generate(network);
    hls::write_project(firmware, folder_.string());
    binding_ = bind_firmware(network, firmware, folder_);
  }
  ~MadeFirmware() {
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  MadeFirmware(const MadeFirmware&) = delete;
  MadeFirmware& operator=(const MadeFirmware&) = delete;
  const Binding& binding() const { return binding_; }

 private:
  fs::path folder_;
  Binding binding_;
};

}  // namespace

std::vector<Event> run_rtl(const network::Network& network, const std::vector<Event>& events) {
  const MadeFirmware made(network);
  const Binding& binding = made.binding();
  const Model model(binding, {});
  const Words nothing_expected(output_mask(binding).size(), 0);
  const std::size_t parts =
      std::clamp<std::size_t>(events.size() / 500, 1, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<Event> outputs(events.size());
  std::vector<std::exception_ptr> problems(parts);
  const auto run_part = [&](std::size_t first, std::size_t last) {
    std::vector<Driven> driven;
    for (std::size_t i = first; i < last; ++i) {
      driven.push_back({pack_inputs(network, binding, events[i]), nothing_expected,
                        static_cast<std::uint32_t>(binding.initiation_interval - 1), false});
    }
    const Simulated result = model.run(driven, true);
    if (result.outputs.size() != driven.size()) {
      throw Error("The firmware of '" + network.name + "' gave " + std::to_string(result.outputs.size()) +
                      " results for " + std::to_string(driven.size()) + " events; `crible verify` shows why.",
                  Fault::failure);
    }
    for (std::size_t i = first; i < last; ++i)
      outputs[i] = unpack_outputs(network, binding, result.outputs[i - first]);
  };
  std::vector<std::thread> threads;
  for (std::size_t part = 0; part < parts; ++part) {
    threads.emplace_back([&, part] {
      try {
        run_part(part * events.size() / parts, (part + 1) * events.size() / parts);
      } catch (...) {
        problems[part] = std::current_exception();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const std::exception_ptr& problem : problems) {
    if (problem) std::rethrow_exception(problem);
  }
  return outputs;
}

}  // namespace crible::sim
