#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/conformance/events.hpp"

namespace crible::conformance {

/// One network made ready by an executor; `run` takes any number of events and splits them into batches of at
/// most `max_batch` as it likes.
class Prepared {
 public:
  virtual ~Prepared() = default;
  virtual Events run(std::span<const Event> events) = 0;

  /// What really ran, in the executor's own words: equal to Executor::name.
  virtual std::string proof() const = 0;
};

/// Anything that computes networks. A new one is an entry in executors().
struct Executor {
  std::string name;

  /// Empty, or why this executor does not take the network.
  std::function<std::string(const network::Network&)> refuses;
  std::function<std::unique_ptr<Prepared>(const network::Network&, std::size_t max_batch)> prepare;

  /// Refusing a network is a failure: the CPU backend must run everything.
  bool must_run = false;

  /// Preparing a network takes a compiler: such executors meet fewer random networks.
  bool slow_to_prepare = false;
};

/// The reference, the forms of generated host C, and every usable device of every backend of this build.
const std::vector<Executor>& executors();

}  // namespace crible::conformance
