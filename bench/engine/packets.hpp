#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/builder/builder.hpp"

namespace crible::bench {

/// The packets of a run, in memory, in the order in which they would arrive.
struct Packets {
  std::uint16_t source_count = 8;
  std::size_t fragment_bytes = 200;
  std::uint64_t events = 0;
  std::uint64_t block_events = 4096;
  std::vector<std::vector<std::byte>> frames;
  std::uint64_t bytes = 0;

  std::uint64_t fragments() const { return events * source_count; }
};

/// Every source's fragments of events 0 ... events-1, `packet_events` in a packet, the sources in turn.
Packets make_packets(std::uint16_t source_count, std::size_t fragment_bytes, std::uint64_t events,
                     std::size_t packet_events);

/// The byte `index` of a fragment.
std::byte payload_byte(std::uint16_t source, std::uint64_t event, std::size_t index);

/// A builder for these packets.
builder::BuilderConfig config_for(const Packets& packets);

/// Builds all packets and compares every byte and the ledger. Throws Error saying what is wrong.
void check_answers(const Packets& packets);

/// Moves the packets on by so many events, as a source that goes on would, and seals them again.
void move_on(Packets& packets, std::uint64_t rounds);

}  // namespace crible::bench
