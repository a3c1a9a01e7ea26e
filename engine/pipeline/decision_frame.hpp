#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

/// What leaves a shard: one ZeroMQ frame with the decisions of many events. docs/decision-format.md
/// describes frame and decision for those who write a receiver. Little-endian.
namespace crible::pipeline {

constexpr std::uint32_t decision_magic = 0x46445243;  // "CRDF"
constexpr std::uint16_t decision_version = 1;

enum class FrameKind : std::uint32_t {
  decisions = 1,  // `count` encoded decisions, one after the other, each a multiple of 8 bytes
  ledger = 2,     // the shard's book of one luminosity block (a part of it): a JSON text
};

struct DecisionFrameHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  std::uint32_t run;
  std::uint32_t shard;
  std::uint64_t sequence;  // of the frame in its shard, from 0: a receiver sees what it missed
  std::uint32_t count;     // decisions in the frame; 0 for a ledger
  std::uint32_t frame_bytes;
  std::int64_t time_ns;   // CLOCK_REALTIME when the frame was sent
  std::uint8_t hash[16];  // first half of the hash of menu and networks (the recording has all of it)
  FrameKind kind;
  std::uint32_t crc;  // CRC-32C of the frame but these four bytes
};

static_assert(std::is_trivially_copyable_v<DecisionFrameHeader> && sizeof(DecisionFrameHeader) == 64);
static_assert(offsetof(DecisionFrameHeader, version) == 4 &&
              offsetof(DecisionFrameHeader, header_bytes) == 6);
static_assert(offsetof(DecisionFrameHeader, run) == 8 && offsetof(DecisionFrameHeader, shard) == 12);
static_assert(offsetof(DecisionFrameHeader, sequence) == 16 && offsetof(DecisionFrameHeader, count) == 24);
static_assert(offsetof(DecisionFrameHeader, frame_bytes) == 28 &&
              offsetof(DecisionFrameHeader, time_ns) == 32);
static_assert(offsetof(DecisionFrameHeader, hash) == 40 && offsetof(DecisionFrameHeader, kind) == 56);
static_assert(offsetof(DecisionFrameHeader, crc) == 60);

}  // namespace crible::pipeline
