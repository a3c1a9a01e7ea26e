#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "backends/backend.hpp"
#include "backends/paths.hpp"
#include "engine/batching/routing.hpp"
#include "engine/batching/time_model.hpp"

namespace crible::batching {

/// Whether a device takes part. Shared by the programs of one thread on one device: when it fails for one
/// network it is out for all of them.
struct DeviceHealth {
  bool out = false;
  std::array<char, 400> sentence{};  // why
};

/// A program on a device that may fail.
struct Route {
  std::unique_ptr<backends::Program> program;
  std::shared_ptr<DeviceHealth> health;
};

struct RoutingOptions {
  std::int64_t hang_ns = 2'000'000'000;  // a batch without an answer for so long: the device hangs
  std::uint32_t check_every = 1024;      // one batch in so many is run again on the CPU and compared; 0: none
  bool forced = true;                    // the first route takes everything while it lives
  Clock clock = monotonic_ns;
};

/// A program that spreads batches over several devices and always has the CPU to fall back to. All give the
/// same bits, so nobody sees which one answered. A device that reports an error, hangs or gives other bits
/// than the CPU is taken out; the batches that it had are run on the CPU, and none is lost.
///
/// Unless forced, a batch goes to the first route that is expected to answer before its deadline: devices
/// spare the processor. Where none is, or there is no deadline, it goes where the answer is expected first.
///
/// The batch's rows are written into memory of the first route. Once that is out, new batches are written
/// into the CPU's; what is on its way is copied.
class RoutedProgram final : public backends::Program {
 public:
  /// Every program runs the same network with the same max_batch and at least as many slots as the first of
  /// all. Measures the time models unless `forced`. Throws Error when the CPU's program fails.
  RoutedProgram(std::vector<Route> routes, std::unique_ptr<backends::Program> cpu, RoutingOptions options);

  const network::Network& network() const override { return cpu_->network(); }
  /// Of the first route that is not out.
  const std::string& device() const override;
  std::size_t max_batch() const override { return cpu_->max_batch(); }
  std::span<backends::Slot> slots() override { return slots_; }

  [[nodiscard]] backends::Status submit(std::size_t slot, std::size_t events) noexcept override;
  [[nodiscard]] backends::Status poll(std::size_t slot) noexcept override;
  [[nodiscard]] backends::Status run(std::size_t slot, std::size_t events) noexcept override;

  /// Of the batch that is submitted next, by the clock; the largest integer: none.
  void set_deadline(std::int64_t deadline_ns) noexcept { deadline_ns_ = deadline_ns; }

  Routing routing() const;

  /// After measurements: only what comes now counts.
  void forget_counts() noexcept;

 private:
  static constexpr std::size_t idle = static_cast<std::size_t>(-1);

  static constexpr std::int64_t no_deadline = std::numeric_limits<std::int64_t>::max();

  struct PathCount {
    const char* path = nullptr;
    std::uint64_t batches = 0;
  };

  struct Way {
    Route route;  // the CPU's program is null here
    TimeModel model;
    std::size_t in_flight = 0;
    RouteCounts counts;
    const backends::Paths* paths = nullptr;  // of the program, where it has them
    std::array<PathCount, 8> path_counts{};  // the first that are free have no path
  };

  struct Batch {
    std::size_t way = idle;
    std::size_t events = 0;
    std::int64_t started_ns = 0;
    backends::Status status = backends::Status::ok;  // of a batch that is done
    bool done = false;
  };

  std::size_t choose(std::size_t events, std::int64_t now_ns) const noexcept;
  void count(std::size_t way, std::size_t events) noexcept;
  bool is_cpu(std::size_t way) const noexcept { return way + 1 == ways_.size(); }
  backends::Program& program(std::size_t way) noexcept {
    return is_cpu(way) ? *cpu_ : *ways_[way].route.program;
  }
  void take_out(std::size_t way, const char* what, std::size_t events) noexcept;
  void copy_inputs(const backends::Slot& to, std::size_t slot, std::size_t events) noexcept;
  backends::Status run_on_cpu(std::size_t slot, std::size_t events) noexcept;
  backends::Status finish(std::size_t slot) noexcept;
  bool agrees(std::size_t slot, std::size_t events) noexcept;
  void measure_ways();

  std::vector<Way> ways_;  // the CPU is the last
  std::unique_ptr<backends::Program> cpu_;
  RoutingOptions options_;
  std::vector<backends::Slot> slots_;
  std::vector<Batch> batches_;
  std::vector<std::size_t> input_row_bytes_;
  std::vector<std::size_t> output_row_bytes_;
  std::minstd_rand random_;
  std::int64_t deadline_ns_ = no_deadline;
  std::uint64_t moved_ = 0;
  std::uint64_t checked_ = 0;
  std::uint64_t wrong_ = 0;
};

}  // namespace crible::batching
