#pragma once

#include <cstddef>

namespace crible::bench {

/// Processor time of this process so far, all threads, in seconds; and of this thread.
double process_cpu_s() noexcept;
double thread_cpu_s() noexcept;

/// Resident memory of this process.
std::size_t resident_bytes();

}  // namespace crible::bench
