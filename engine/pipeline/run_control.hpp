#pragma once

#include <atomic>
#include <cstdint>

namespace crible::pipeline {

/// A run goes through these in order, once.
enum class State : std::uint8_t {
  initial,     // nothing is loaded
  configured,  // networks compiled, sockets bound, recording open
  running,     // the shards take data
  draining,    // no new events are opened; the open ones are decided, the books closed
  stopped,     // everything is written
};

const char* to_string(State state);

/// The state of a run, and the wish to end it. All calls from any thread; request_stop() also from a
/// signal handler.
class RunControl {
 public:
  State state() const noexcept { return state_.load(std::memory_order_acquire); }

  /// Moves on to the next state. Any other order is a bug of the caller: returns false, changes nothing.
  bool advance(State next) noexcept;

  void request_stop() noexcept { stop_.store(true, std::memory_order_release); }
  bool stop_requested() const noexcept { return stop_.load(std::memory_order_acquire); }

 private:
  std::atomic<State> state_{State::initial};
  std::atomic<bool> stop_{false};
};

}  // namespace crible::pipeline
