#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/backend.hpp"

namespace crible::bench {

/// Times of batches from submit to answer.
struct BatchTimes {
  std::int64_t median_ns = 0;
  std::int64_t p99_ns = 0;
  std::size_t repeats = 0;
};

/// A network on a device, its answers compared with the reference before anything is timed.
class DeviceSubject {
 public:
  /// At most; a smaller batch is checked as a whole.
  static constexpr std::size_t checked_events = 32;

  /// Throws Error when an answer is wrong, or another device than the wanted one runs.
  DeviceSubject(const network::Network& network, const std::string& device, std::size_t max_batch);

  /// In which way a batch goes through the device; empty where there is one way.
  std::string path(std::size_t events) const;

  /// Fills slot 0 and runs batches for about `budget_ns`.
  BatchTimes time(std::size_t events, std::int64_t budget_ns);

  /// Mean time of a batch in the median of many short series, so that reading the clock does not count.
  double mean_ns(std::size_t events, std::int64_t budget_ns);

  /// Events per second with every slot in flight.
  double events_per_second(std::size_t events, std::int64_t budget_ns);

 private:
  void fill();
  void check(std::size_t events);

  std::unique_ptr<backends::Program> program_;
  std::vector<std::vector<std::int64_t>> inputs_;  // [input][event * elements]
};

/// Median time of enqueue and finish of a kernel that does nothing ("opencl:0", "cuda:0"); 0 where there is
/// no such device, or it has no kernels.
std::int64_t empty_kernel_ns(const std::string& device);

}  // namespace crible::bench
