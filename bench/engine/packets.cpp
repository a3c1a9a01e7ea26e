#include "bench/engine/packets.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/error.hpp"
#include "engine/wire/crc32c.hpp"
#include "engine/wire/packet_writer.hpp"

namespace crible::bench {

using builder::Event;
using builder::EventBuilder;

std::byte payload_byte(std::uint16_t source, std::uint64_t event, std::size_t index) {
  return static_cast<std::byte>(source * 41 + event * 7 + (event >> 8) + index);
}

Packets make_packets(std::uint16_t source_count, std::size_t fragment_bytes, std::uint64_t events,
                     std::size_t packet_events) {
  Packets packets;
  packets.source_count = source_count;
  packets.fragment_bytes = fragment_bytes;
  packets.events = events;
  std::vector<wire::PacketWriter> writers;
  for (std::uint16_t source = 0; source < source_count; ++source) {
    writers.emplace_back(wire::Sender{source, 1, 1, packets.block_events});
  }
  std::vector<std::byte> payload(fragment_bytes);
  for (std::uint64_t begin = 0; begin < events;) {
    const std::uint64_t block_end = (begin / packets.block_events + 1) * packets.block_events;
    const std::uint64_t end = std::min({begin + packet_events, block_end, events});
    for (std::uint16_t source = 0; source < source_count; ++source) {
      for (std::uint64_t event = begin; event < end; ++event) {
        for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = payload_byte(source, event, i);
        writers[source].add(event, 0, payload);
      }
      const auto frame = writers[source].finish(0);
      packets.frames.emplace_back(frame.begin(), frame.end());
      packets.bytes += frame.size();
    }
    begin = end;
  }
  return packets;
}

builder::BuilderConfig config_for(const Packets& packets) {
  builder::BuilderConfig config;
  config.run = 1;
  for (std::uint16_t source = 0; source < packets.source_count; ++source) config.sources.push_back(source);
  config.block_events = packets.block_events;
  return config;
}

namespace {

void require(bool holds, const char* sentence) {
  if (!holds) throw Error(std::string("bench_engine: the answers are wrong: ") + sentence, Fault::failure);
}

void check_event(const Packets& packets, const Event& event) {
  require(event.complete(), "an event is not complete");
  for (std::uint16_t source = 0; source < packets.source_count; ++source) {
    const auto bytes = event.fragments[source].bytes();
    require(bytes.size() == packets.fragment_bytes, "a fragment has another length");
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      require(bytes[i] == payload_byte(source, event.number, i), "a fragment has another byte");
    }
  }
}

}  // namespace

void check_answers(const Packets& packets) {
  EventBuilder builder(config_for(packets));
  std::uint64_t events = 0;
  for (const auto& frame : packets.frames) {
    wire::Message message(frame, nullptr, nullptr);
    require(builder.accept(message, 0) == builder::Accepted::taken, "the builder is busy");
    while (Event* event = builder.next_closed()) {
      check_event(packets, *event);
      builder.release(*event, builder::Outcome::rejected);
      ++events;
    }
  }
  require(events == packets.events, "events are missing");
  builder.finish_books();
  builder::Ledger ledger = builder.make_ledger();
  while (const builder::Book* book = builder.next_finished_book()) ledger.add(*book);
  require(ledger.check_final().empty(), "the ledger does not balance");
  const auto used = static_cast<std::uint64_t>(ledger.total().total().fragments.used);
  require(used == packets.fragments(), "the ledger has another number of fragments");
}

void move_on(Packets& packets, std::uint64_t rounds) {
  const std::uint64_t packets_per_source = packets.frames.size() / packets.source_count;
  for (auto& frame : packets.frames) {
    wire::PacketHeader header;
    std::memcpy(&header, frame.data(), sizeof header);
    header.first_event += rounds * packets.events;
    header.sequence += rounds * packets_per_source;
    header.fragments_before += static_cast<std::uint32_t>(rounds * packets.events);
    std::memcpy(frame.data(), &header, sizeof header);
    header.crc32c = wire::frame_checksum(frame);
    std::memcpy(frame.data(), &header, sizeof header);
  }
}

}  // namespace crible::bench
