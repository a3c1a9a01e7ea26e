#pragma once

#include <chrono>
#include <cstdint>

namespace crible {

/// CLOCK_MONOTONIC in nanoseconds: what times on one machine are measured by.
inline std::int64_t monotonic_ns() noexcept {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// CLOCK_REALTIME in nanoseconds since 1970: what machines agree on.
inline std::int64_t realtime_ns() noexcept {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace crible
