#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/backend.hpp"

namespace crible::bench {

/// A compiled network with its events, filled with random inputs whose answers are checked.
class Subject {
 public:
  static constexpr std::size_t events_held = 1024;

  /// Throws when an answer differs from the reference.
  Subject(const network::Network& network, const std::string& device);

  /// Nanoseconds of the thread's own time for an event, each time on other events.
  double one_by_one_ns(std::size_t calls);  // calls of one event, independent of each other
  double chained_ns(std::size_t calls);     // each input waits for the output before
  double batch_ns(std::size_t calls);       // calls of events_held events

  /// The first events to a slot, and run: with nothing in memory between the caller and the program.
  struct Call {
    backends::Program* program;
    std::byte* to;
    const std::byte* from;
    std::size_t bytes;
    std::size_t events;

    void operator()() const noexcept;
  };
  Call call(std::size_t events);  // networks with one input

  void run_one() noexcept;  // one event, the next one

 private:
  void fill();
  void check(const network::Network& network);

  std::unique_ptr<backends::Program> program_;
  std::vector<std::vector<std::byte>> inputs_;  // events_held rows of each input
  std::vector<std::size_t> row_bytes_;
  std::size_t next_ = 0;
};

}  // namespace crible::bench
