#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace crible::builder {

/// Why the builder closed an event. Only a complete one is fit for the physics streams; the others belong
/// into the debug stream.
enum class CloseReason : std::uint8_t {
  /// The set of expected sources is there.
  complete,
  /// The event's time was over.
  incomplete_timeout,
  /// The run stopped.
  incomplete_stop,
  /// Its place in the ring was needed for a newer event.
  evicted,
};
inline constexpr std::size_t close_reason_count = 4;

/// What became of a closed event.
enum class Outcome : std::uint8_t {
  accepted,
  rejected,
  /// A chain fired, but its prescale dropped the event.
  prescaled_out,
  /// Kept though no chain said so: incomplete, bad payload, late, failed.
  forced,
};
inline constexpr std::size_t outcome_count = 4;

/// One source's part of an event, where it arrived: in a message that lives until the event is released.
struct Fragment {
  /// Null when the source's fragment is missing; not aligned.
  const std::byte* data = nullptr;
  std::uint32_t size_bytes = 0;
  /// The builder's number of the message; of no meaning to others.
  std::uint32_t packet = 0;

  bool present() const noexcept { return data != nullptr; }
  std::span<const std::byte> bytes() const noexcept { return {data, size_bytes}; }
};

static_assert(sizeof(Fragment) == 16);

/// A closed event. Owned by the EventBuilder; valid from its appearance in closed() until release().
struct Event {
  std::uint64_t number = 0;
  std::uint32_t luminosity_block = 0;
  /// Sources whose fragment is missing.
  std::uint32_t missing_count = 0;
  /// One for each source, in the order of BuilderConfig::sources.
  std::span<const Fragment> fragments;
  /// When the newest of its packets left its source: nanoseconds since 1970.
  std::uint64_t sent_ns = 0;
  /// When its first and its last packet were accepted, and when it was closed: the caller's monotonic clock.
  std::int64_t first_received_ns = 0;
  std::int64_t last_received_ns = 0;
  std::int64_t built_ns = 0;
  CloseReason close_reason = CloseReason::complete;
  /// Sources did not agree on the luminosity block; the first one's is taken.
  bool mixed_luminosity_blocks = false;

  bool complete() const noexcept { return close_reason == CloseReason::complete; }
};

}  // namespace crible::builder
