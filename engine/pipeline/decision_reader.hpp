#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "engine/menu/decision.hpp"
#include "engine/pipeline/decision_frame.hpp"

namespace crible::pipeline {

/// One decision of a frame: its header, and all of its bytes as encode() wrote them, in the frame.
struct PublishedDecision {
  menu::DecisionHeader header;
  std::span<const std::byte> bytes;
};

/// Reads what the shards of a run publish, and believes nothing: a frame is taken as a whole or not at all.
/// One thread.
class DecisionReader {
 public:
  struct Counters {
    std::uint64_t frames = 0;          // that were good, of decisions and of ledgers
    std::uint64_t decisions = 0;       // in them
    std::uint64_t bad_frames = 0;      // damaged, of another form, or seen before
    std::uint64_t missing_frames = 0;  // that the numbers of the good ones left out
  };

  /// The decisions of a frame of any shard, until the next call; none when it is bad, or holds a ledger. A
  /// frame is good when its header, its length and its checksum are right, its number is not below the
  /// shard's next one, and its decisions, each of a size that can be, fill it exactly.
  std::span<const PublishedDecision> read(std::span<const std::byte> frame);

  const Counters& counters() const noexcept { return counters_; }

 private:
  bool good(std::span<const std::byte> frame, const DecisionFrameHeader& header);
  bool split(std::span<const std::byte> rest, std::uint32_t count);

  std::map<std::uint32_t, std::uint64_t> next_;  // number of the next frame, by shard
  std::vector<PublishedDecision> decisions_;
  Counters counters_;
};

}  // namespace crible::pipeline
