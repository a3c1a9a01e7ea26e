#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <vector>

#include "engine/menu/outputs.hpp"

namespace crible::menu {

inline constexpr std::size_t max_chains = 512;
inline constexpr std::size_t max_streams = 32;

/// Why an event could not be decided as the menu says. Bit numbers of Decision::flags.
enum class Cause : std::uint8_t {
  incomplete_timeout,       // fragments were missing when its time was over
  incomplete_stop,          // fragments were missing when the run stopped
  evicted,                  // its place in the builder was needed
  bad_payload,              // a payload is not as described
  late_building,            // the deadline passed while it was built
  late_queue,               // ... while it waited for its networks
  late_device,              // ... while a device worked on it
  network_failed,           // a network gave no answer
  mixed_luminosity_blocks,  // its sources disagree on the luminosity block
};
inline constexpr std::size_t cause_count = 9;

constexpr std::uint32_t flag(Cause cause) {
  return std::uint32_t{1} << static_cast<unsigned>(cause);
}

/// "incomplete_timeout", ...
const char* to_string(Cause cause);

/// What becomes of the event. Values are part of the encoded form.
enum class Outcome : std::uint8_t {
  accepted,
  rejected,
  prescaled_out,  // a condition held, but every such chain or stream was prescaled away
  forced,         // kept in the debug stream though the menu could not decide
};

const char* to_string(Outcome outcome);

/// Bit c of word c / 64: chain c of the menu.
using ChainBits = std::array<std::uint64_t, max_chains / 64>;

/// When things happened. sent_ns is CLOCK_REALTIME, the others CLOCK_MONOTONIC of the deciding machine;
/// 0 where it did not happen.
struct Times {
  std::int64_t sent_ns = 0;  // newest packet left its source
  std::int64_t first_received_ns = 0;
  std::int64_t last_received_ns = 0;
  std::int64_t built_ns = 0;
  std::int64_t inferred_ns = 0;  // last network answer
  std::int64_t decided_ns = 0;
};

struct Decision {
  std::uint64_t event = 0;
  std::uint32_t run = 0;
  std::uint32_t luminosity_block = 0;
  std::uint32_t flags = 0;    // of Cause
  std::uint32_t streams = 0;  // bit s: goes to stream s of the menu
  Outcome outcome = Outcome::rejected;
  std::uint16_t prescale_set = 0;  // index in the menu
  std::uint16_t chains = 0;        // of the menu
  std::uint64_t menu = 0;          // first 8 bytes of Menu::hash, as a big-endian number
  ChainBits before{};              // conditions that held
  ChainBits after{};               // and that the prescales kept
  Times times;
};

/// Network outputs beside a decision: `objects[n]` rows of network n are valid in `values`, which is laid
/// out as OutputLayout says.
struct Answers {
  std::span<const std::uint32_t> objects;
  const std::int64_t* values = nullptr;
};

/// The encoded form opens with this header, little-endian. Behind it:
///   u64 before[words], u64 after[words]         words = (chains + 63) / 64
///   NetworkRows rows[networks]                  padded with zeros to a multiple of 8
///   i64 value[...]                              for each network, object, element
/// The same bytes are published and recorded. docs/decision-format.md describes them for strangers.
struct DecisionHeader {
  std::uint32_t size_bytes;  // of the whole encoded decision, a multiple of 8
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint64_t event;
  std::uint32_t run;
  std::uint32_t luminosity_block;
  std::uint32_t flags;
  std::uint32_t streams;
  std::uint16_t chains;
  std::uint16_t networks;
  std::uint16_t prescale_set;
  Outcome outcome;
  std::uint8_t reserved;  // 0
  std::uint64_t menu;
  std::int64_t sent_ns;
  std::int64_t first_received_ns;
  std::int64_t last_received_ns;
  std::int64_t built_ns;
  std::int64_t inferred_ns;
  std::int64_t decided_ns;
};

/// How many values a network has in an encoded decision.
struct NetworkRows {
  std::uint16_t objects;
  std::uint16_t elements;  // values of each object
};

inline constexpr std::uint16_t decision_version = 1;

static_assert(std::is_trivially_copyable_v<DecisionHeader> && sizeof(DecisionHeader) == 96);
static_assert(offsetof(DecisionHeader, version) == 4 && offsetof(DecisionHeader, header_bytes) == 6);
static_assert(offsetof(DecisionHeader, event) == 8 && offsetof(DecisionHeader, run) == 16);
static_assert(offsetof(DecisionHeader, luminosity_block) == 20 && offsetof(DecisionHeader, flags) == 24);
static_assert(offsetof(DecisionHeader, streams) == 28 && offsetof(DecisionHeader, chains) == 32);
static_assert(offsetof(DecisionHeader, networks) == 34 && offsetof(DecisionHeader, prescale_set) == 36);
static_assert(offsetof(DecisionHeader, outcome) == 38 && offsetof(DecisionHeader, reserved) == 39);
static_assert(offsetof(DecisionHeader, menu) == 40 && offsetof(DecisionHeader, sent_ns) == 48);
static_assert(offsetof(DecisionHeader, first_received_ns) == 56);
static_assert(offsetof(DecisionHeader, last_received_ns) == 64 && offsetof(DecisionHeader, built_ns) == 72);
static_assert(offsetof(DecisionHeader, inferred_ns) == 80 && offsetof(DecisionHeader, decided_ns) == 88);
static_assert(sizeof(NetworkRows) == 4 && offsetof(NetworkRows, elements) == 2);

/// No decision is larger: a published frame holds at least one.
inline constexpr std::size_t max_decision_bytes = 120 << 10;

/// Bytes that encode() writes for these answers, a multiple of 8; and for any answers at most.
std::size_t encoded_bytes(const Decision& decision, const OutputLayout& layout,
                          const Answers& answers) noexcept;
std::size_t max_encoded_bytes(std::size_t chains, const OutputLayout& layout) noexcept;

/// Writes encoded_bytes() bytes to `place`, which need not be aligned.
void encode(const Decision& decision, const OutputLayout& layout, const Answers& answers,
            std::byte* place) noexcept;

/// What encode() wrote. values[n][object * elements + element] of network n.
struct DecodedDecision {
  Decision decision;
  std::vector<NetworkRows> rows;
  std::vector<std::vector<std::int64_t>> values;
};

/// Reads one encoded decision at the start of `bytes`, which may go on behind it; empty when they are no
/// decision of this version. `size_bytes` of the header says where the next begins.
std::optional<DecodedDecision> decode(std::span<const std::byte> bytes);

}  // namespace crible::menu
