#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <tuple>
#include <vector>

#include "engine/builder/ledger.hpp"
#include "engine/wire/faults.hpp"

namespace crible::builder::testing {

/// A packet as its sender knows it.
struct SentPacket {
  std::size_t source = 0;
  std::uint32_t epoch = 0;
  std::uint64_t sequence = 0;
  std::uint32_t luminosity_block = 0;
  std::vector<std::uint64_t> events;
};

/// What the ledger must show, told in sets and maps from what was sent and what was done to it; it shares no
/// code with the builder and knows nothing of rings, sequence windows or places.
class Model {
 public:
  explicit Model(std::size_t source_count) : source_count_(source_count) {}

  void send(const SentPacket& packet);
  /// The packet arrives as it was sent.
  void arrive(const SentPacket& packet);
  void arrive_damaged() { ++damaged_frames_; }
  void arrive_of_wrong_run(const SentPacket& packet);
  void arrive_of_unknown_source(const SentPacket& packet) { unknown_ += size(packet); }
  /// All open events are closed.
  void close_all(CloseReason reason);

  /// Compares a run's final ledger: a sentence for each difference.
  std::vector<std::string> differences(const Ledger& ledger) const;

 private:
  struct OpenEvent {
    std::uint32_t luminosity_block = 0;
    std::set<std::size_t> sources;
    bool closed = false;
  };

  static std::int64_t size(const SentPacket& packet) {
    return static_cast<std::int64_t>(packet.events.size());
  }
  void close(OpenEvent& event, CloseReason reason);
  FragmentCounts& counts(const SentPacket& packet) {
    return fragments_[{packet.luminosity_block, packet.source}];
  }

  std::size_t source_count_;
  std::map<std::uint64_t, OpenEvent> events_;
  std::map<std::pair<std::uint32_t, std::size_t>, FragmentCounts> fragments_;
  std::map<std::uint32_t, EventCounts> event_counts_;
  std::set<std::tuple<std::size_t, std::uint32_t, std::uint64_t>> arrived_;
  std::int64_t unknown_ = 0;
  std::map<std::size_t, std::int64_t> wrong_run_;
  std::int64_t damaged_frames_ = 0;
};

}  // namespace crible::builder::testing
