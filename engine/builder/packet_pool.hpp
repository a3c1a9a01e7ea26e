#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/wire/message.hpp"

namespace crible::builder {

/// A message that fragments refer to, and what an event needs to know of it.
struct KeptPacket {
  wire::Message message;
  /// Fragments in open and unreleased events, and one while the packet is held back.
  std::uint32_t references = 0;
  std::uint32_t luminosity_block = 0;
  std::uint64_t sent_ns = 0;
  std::int64_t received_ns = 0;
};

/// A fixed number of kept packets, by number.
class PacketPool {
 public:
  explicit PacketPool(std::size_t capacity) : packets_(capacity), free_(capacity) {
    for (std::size_t i = 0; i < capacity; ++i) free_[i] = static_cast<std::uint32_t>(capacity - 1 - i);
  }

  bool full() const noexcept { return free_.empty(); }
  std::size_t free_count() const noexcept { return free_.size(); }

  /// Takes the message. Precondition: !full(). The packet has no references yet.
  std::uint32_t keep(wire::Message&& message) noexcept {
    const std::uint32_t number = free_.back();
    free_.pop_back();
    packets_[number].message = std::move(message);
    packets_[number].references = 0;
    return number;
  }

  /// Takes `count` references away; the message goes back to its owner with the last one.
  void drop(std::uint32_t number, std::uint32_t count) noexcept {
    KeptPacket& packet = packets_[number];
    packet.references -= count;
    if (packet.references != 0) return;
    packet.message.reset();
    free_.push_back(number);
  }

  KeptPacket& operator[](std::uint32_t number) noexcept { return packets_[number]; }

 private:
  std::vector<KeptPacket> packets_;
  /// Numbers of unused packets; its capacity is that of the pool, so push_back never allocates.
  std::vector<std::uint32_t> free_;
};

}  // namespace crible::builder
