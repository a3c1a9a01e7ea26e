#pragma once

#include <ctime>

namespace crible::bench {

/// Time of this thread on a core since construction: other processes on a busy machine do not count.
class ThreadClock {
 public:
  double elapsed_ns() const { return now_ns() - start_ns_; }

 private:
  static double now_ns() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  }

  double start_ns_ = now_ns();
};

}  // namespace crible::bench
