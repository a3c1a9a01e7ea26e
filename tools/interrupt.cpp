#include "tools/interrupt.hpp"

#include <csignal>

namespace crible::tools {
namespace {

volatile std::sig_atomic_t requested_flag = 0;

void handle(int signal) {
  requested_flag = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

Interrupt::Interrupt() {
  requested_flag = 0;
  std::signal(SIGINT, handle);
  std::signal(SIGTERM, handle);
}

Interrupt::~Interrupt() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool Interrupt::requested() const {
  return requested_flag != 0;
}

}  // namespace crible::tools
