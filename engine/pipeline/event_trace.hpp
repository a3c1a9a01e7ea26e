#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace crible::pipeline {

/// When one event passed each point of a shard: CLOCK_MONOTONIC, each not before the one above it.
struct EventStamps {
  std::uint64_t event = 0;
  std::int64_t received_ns = 0;   // its last packet was taken from the socket
  std::int64_t built_ns = 0;      // it was closed
  std::int64_t queued_ns = 0;     // its turn came, in a group of at most eight: decoding begins
  std::int64_t submitted_ns = 0;  // the last of its batches was started
  std::int64_t computed_ns = 0;   // that batch was finished
  std::int64_t decided_ns = 0;    // the menu had decided
  std::int64_t published_ns = 0;  // its frame was given to ZeroMQ; 0: not yet
};

/// The stamps of every published event of a run, for a benchmark. Each shard writes its own list, whose room
/// is taken beforehand; what does not fit is counted. Read it when the run has finished.
class EventTrace {
 public:
  EventTrace(std::size_t shards, std::size_t events_per_shard) : shards_(shards) {
    for (Shard& shard : shards_) {
      shard.stamps.resize(events_per_shard);
    }
  }

  void append(std::size_t shard, const EventStamps& stamps) noexcept {
    Shard& list = shards_[shard];
    if (list.used == list.stamps.size()) {
      ++list.lost;
      return;
    }
    list.stamps[list.used++] = stamps;
  }

  /// Everything that the shard has appended so far and that was not published yet was published now.
  void published(std::size_t shard, std::int64_t published_ns) noexcept {
    Shard& list = shards_[shard];
    for (; list.published < list.used; ++list.published)
      list.stamps[list.published].published_ns = published_ns;
  }

  std::size_t shards() const { return shards_.size(); }
  std::size_t size(std::size_t shard) const { return shards_[shard].used; }
  const EventStamps& at(std::size_t shard, std::size_t index) const { return shards_[shard].stamps[index]; }

  /// Events without room, of all shards.
  std::uint64_t lost() const {
    std::uint64_t sum = 0;
    for (const Shard& shard : shards_) sum += shard.lost;
    return sum;
  }

 private:
  struct alignas(64) Shard {
    std::vector<EventStamps> stamps;
    std::size_t used = 0;
    std::size_t published = 0;
    std::uint64_t lost = 0;
  };

  std::vector<Shard> shards_;
};

}  // namespace crible::pipeline
