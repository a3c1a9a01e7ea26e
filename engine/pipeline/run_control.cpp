#include "engine/pipeline/run_control.hpp"

namespace crible::pipeline {

const char* to_string(State state) {
  switch (state) {
    case State::initial:
      return "initial";
    case State::configured:
      return "configured";
    case State::running:
      return "running";
    case State::draining:
      return "draining";
    case State::stopped:
      return "stopped";
  }
  return "unknown";
}

bool RunControl::advance(State next) noexcept {
  auto expected = static_cast<State>(static_cast<std::uint8_t>(next) - 1);
  if (next == State::initial) return false;
  return state_.compare_exchange_strong(expected, next, std::memory_order_acq_rel);
}

}  // namespace crible::pipeline
