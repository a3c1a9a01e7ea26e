#pragma once

#include <array>
#include <cstdint>
#include <string>

/// Prescales that replay exactly under any number of workers: whether an event is kept depends on a name,
/// the run and the event number alone.
///
/// h = SipHash-2-4 of the 16 bytes (run as u64, event as u64, little-endian), with the key made of the
/// first 16 bytes of SHA-256("crible <purpose> <name>"). An event is kept by prescale N when
/// floor(h * N / 2^64) = 0, that is with probability 1/N up to 2^-64; N = 0 keeps nothing.
namespace crible::menu {

/// The key of SipHash as two little-endian words.
struct PrescaleKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

/// `purpose` is "prescale" (of chains), "random" (chains), "stream" or "late".
PrescaleKey prescale_key(const std::string& purpose, const std::string& name);

/// SipHash-2-4 (Aumasson and Bernstein, 2012) of run and event.
std::uint64_t event_hash(PrescaleKey key, std::uint64_t run, std::uint64_t event) noexcept;

/// Largest hash that prescale `n` keeps (n >= 1): floor(h * n / 2^64) = 0 exactly when h <= limit.
constexpr std::uint64_t prescale_limit(std::uint32_t n) {
  return ~std::uint64_t{0} / n;
}

inline bool keeps(PrescaleKey key, std::uint32_t n, std::uint64_t run, std::uint64_t event) noexcept {
  if (n <= 1) return n == 1;
  return event_hash(key, run, event) <= prescale_limit(n);
}

}  // namespace crible::menu
