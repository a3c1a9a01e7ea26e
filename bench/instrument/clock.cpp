#include "bench/instrument/clock.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#if defined(__x86_64__)
#include <cpuid.h>
#include <x86intrin.h>
#endif

#include "engine/base/clock.hpp"

namespace crible::bench {

namespace {

constexpr std::int64_t compare_ns = 10'000'000;
constexpr std::int64_t anchor_every_ns = 50'000'000;

std::uint64_t ticks() noexcept {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return 0;
#endif
}

void relax() noexcept {
#if defined(__x86_64__)
  _mm_pause();
#endif
}

}  // namespace

bool has_invariant_counter() noexcept {
#if defined(__x86_64__)
  constexpr unsigned power_leaf = 0x80000007, invariant_bit = 1u << 8;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid(power_leaf, &a, &b, &c, &d) != 0 && (d & invariant_bit) != 0;
#else
  return false;
#endif
}

Clock::Clock(bool counter_allowed) : uses_counter_(counter_allowed && has_invariant_counter()) {
  if (!uses_counter_) return;
  anchor();
  const std::int64_t first_ns = anchor_ns_;
  const std::uint64_t first_ticks = anchor_ticks_;
  while (system_ns() - first_ns < compare_ns) relax();
  anchor();
  ns_per_tick_ =
      static_cast<double>(anchor_ns_ - first_ns) / static_cast<double>(anchor_ticks_ - first_ticks);
}

std::int64_t Clock::system_ns() noexcept {
  return monotonic_ns();
}

/// Takes the closest of a few pairs of readings, as this thread may be put aside between two.
void Clock::anchor() noexcept {
  std::uint64_t closest = ~std::uint64_t{0};
  for (int attempt = 0; attempt < 5; ++attempt) {
    const std::uint64_t before = ticks();
    const std::int64_t ns = system_ns();
    const std::uint64_t after = ticks();
    if (after - before >= closest) continue;
    closest = after - before;
    anchor_ticks_ = before + (after - before) / 2;
    anchor_ns_ = ns;
  }
}

std::int64_t Clock::now_ns() const noexcept {
  if (!uses_counter_) return system_ns();
  return anchor_ns_ + static_cast<std::int64_t>(static_cast<double>(ticks() - anchor_ticks_) * ns_per_tick_);
}

std::int64_t Clock::wait_until(std::int64_t due_ns) noexcept {
  std::int64_t now = now_ns();
  while (now < due_ns) {
    if (uses_counter_ && now - anchor_ns_ > anchor_every_ns) {
      const Clock before = *this;
      anchor();
      max_drift_ns_ = std::max(max_drift_ns_, std::abs(before.now_ns() - now_ns()));
    }
    relax();
    now = now_ns();
  }
  return system_ns();
}

std::string Clock::describe() const {
  if (!uses_counter_)
    return "CLOCK_MONOTONIC, as this processor has no time-stamp counter of one rate in all states";
  char text[64];
  std::snprintf(text, sizeof text, "tsc, %.3f GHz, invariant", 1 / ns_per_tick_);
  return text;
}

}  // namespace crible::bench
