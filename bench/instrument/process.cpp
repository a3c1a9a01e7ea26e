#include "bench/instrument/process.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>

namespace crible::bench {

namespace {

double used_cpu_s(int who) noexcept {
  rusage usage{};
  getrusage(who, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

}  // namespace

double process_cpu_s() noexcept {
  return used_cpu_s(RUSAGE_SELF);
}

double thread_cpu_s() noexcept {
  return used_cpu_s(RUSAGE_THREAD);
}

std::size_t resident_bytes() {
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace crible::bench
