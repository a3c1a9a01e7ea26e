#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/pipeline/histogram.hpp"

namespace crible::pipeline {

/// Where the time of an event goes, from its newest packet leaving its source to the decision leaving the
/// shard. The stages follow each other without a gap, so for each event they sum to the total.
enum class Stage : std::uint8_t {
  transport,  // the newest packet left its source -> was taken from the socket (two clocks of one machine)
  build,    // -> the event was closed: its packet checked, its fragment placed, and all others of the packet
  gather,   // -> its turn came, in a group of at most eight
  infer,    // -> the last answer of its networks: decoding, gathering, waiting for the batch, and the batch
  decide,   // -> the menu has decided
  publish,  // -> the frame with the decision was given to ZeroMQ
  total,
};
constexpr std::size_t stage_count = 7;

const char* to_string(Stage stage);

/// The percentiles of one stage, in nanoseconds.
struct StageTimes {
  std::uint64_t count = 0;
  std::int64_t p50_ns = 0;
  std::int64_t p99_ns = 0;
  std::int64_t p999_ns = 0;
  std::int64_t max_ns = 0;
};

/// One histogram for each stage: of a shard, or summed.
struct StageHistograms {
  std::array<Histogram, stage_count> stages;

  Histogram& operator[](Stage stage) { return stages[static_cast<std::size_t>(stage)]; }
  const Histogram& operator[](Stage stage) const { return stages[static_cast<std::size_t>(stage)]; }

  void add(const StageHistograms& other) noexcept;
  StageTimes times(Stage stage) const noexcept;
};

}  // namespace crible::pipeline
