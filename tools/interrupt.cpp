#include "tools/interrupt.hpp"

#include <atomic>
#include <csignal>

namespace crible::tools {
namespace {

// Any thread may run the handler; a lock-free atomic is safe in one.
std::atomic<bool> requested_flag = false;
static_assert(std::atomic<bool>::is_always_lock_free);

void handle(int signal) {
  requested_flag = true;
  std::signal(signal, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  requested_flag = false;
  std::signal(SIGINT, handle);
  std::signal(SIGTERM, handle);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool Interrupt::requested() const {
  return requested_flag;
}

}  // namespace crible::tools
