#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace crible::bench {

/// CLOCK_REALTIME and CLOCK_MONOTONIC in nanoseconds.
std::int64_t realtime_ns();
std::int64_t monotonic_ns();

/// CPU time of this process so far, all threads, in seconds.
double cpu_seconds();

/// Resident memory of this process in bytes.
std::size_t resident_bytes();

/// Writes the benchmark's configuration: eight sources of 100 i16 each, the anomaly network of the demo fed
/// from all of them, a menu that keeps 1 % of the events. Returns its path.
std::filesystem::path write_config(const std::filesystem::path& folder);

}  // namespace crible::bench
