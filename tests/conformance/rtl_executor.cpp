#include "tests/conformance/rtl_executor.hpp"

#include <cstdlib>

#include "engine/base/error.hpp"
#include "hls/firmware.hpp"
#include "sim/process.hpp"
#include "sim/run_rtl.hpp"

namespace crible::conformance {

namespace {

constexpr const char* name = "rtl";

class OnRtl : public Prepared {
 public:
  explicit OnRtl(const network::Network& network) : network_(network) {
    setenv("CRIBLE_CACHE", CRIBLE_RTL_CACHE_DIR, 0);  // models are built once for equal text
  }
  Events run(std::span<const Event> events) override {
    return sim::run_rtl(network_, {events.begin(), events.end()});
  }
  std::string proof() const override { return name; }

 private:
  network::Network network_;
};

std::string refusal(const network::Network& network) {
  if (sim::find_program("verilator").empty()) return "Verilator is not installed";
  try {
    hls::generate(network);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace

Executor rtl_executor() {
  Executor executor;
  executor.name = name;
  executor.refuses = refusal;
  executor.prepare = [](const network::Network& network, std::size_t) {
    return std::make_unique<OnRtl>(network);
  };
  executor.slow_to_prepare = true;
  return executor;
}

}  // namespace crible::conformance
