#include "engine/wire/faults.hpp"

#include <algorithm>

#include "engine/wire/crc32c.hpp"

namespace crible::wire {

namespace {

/// Added to the number of the run or the source of a packet that is made foreign.
constexpr std::uint32_t foreign = 0x4000;

/// The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
std::uint64_t mix(std::uint64_t x) noexcept {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

std::uint64_t hash(std::uint64_t seed, const PacketHeader& header) noexcept {
  return mix(mix(mix(seed) ^ (std::uint64_t{header.source} << 32 | header.epoch)) ^ header.sequence);
}

PacketHeader header_of(std::span<const std::byte> frame) noexcept {
  PacketHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  return header;
}

}  // namespace

FaultInjector::FaultInjector(const FaultRates& rates, std::uint64_t seed, std::size_t delay_packets)
    : rates_(rates), seed_(seed), delay_packets_(delay_packets) {}

PacketFault FaultInjector::fault_of(const PacketHeader& header) const noexcept {
  if (header.kind != PacketKind::data) return PacketFault::none;
  double left = static_cast<double>(hash(seed_, header) >> 11) * 0x1p-53;
  for (std::size_t fault = 1; fault < packet_fault_count; ++fault) {
    if (left < rates_[fault]) return static_cast<PacketFault>(fault);
    left -= rates_[fault];
  }
  return PacketFault::none;
}

std::vector<std::byte> FaultInjector::damaged(std::span<const std::byte> frame, const PacketHeader& header,
                                              PacketFault fault) const {
  std::vector<std::byte> bytes(frame.begin(), frame.end());
  const std::uint64_t random = mix(hash(seed_, header));
  if (fault == PacketFault::flip_bit) {
    bytes[random / 8 % bytes.size()] ^= std::byte{1} << static_cast<int>(random % 8);
  } else if (fault == PacketFault::truncate) {
    bytes.resize(random % bytes.size());
  } else {
    PacketHeader changed = header;
    if (fault == PacketFault::wrong_run) changed.run += foreign;
    if (fault == PacketFault::unknown_source)
      changed.source = static_cast<std::uint16_t>(changed.source + foreign);
    std::memcpy(bytes.data(), &changed, sizeof changed);
    changed.crc32c = frame_checksum(bytes);
    std::memcpy(bytes.data(), &changed, sizeof changed);
  }
  return bytes;
}

void FaultInjector::pass(std::span<const std::byte> frame, std::vector<std::vector<std::byte>>& out) {
  const PacketHeader header = header_of(frame);
  const PacketFault fault = fault_of(header);
  FaultCounts& counts = counts_[static_cast<std::size_t>(fault)];
  ++counts.packets;
  counts.fragments += header.fragment_count;
  std::vector<std::byte> copy(frame.begin(), frame.end());
  for (Delayed& delayed : delayed_) --delayed.packets_left;
  switch (fault) {
    case PacketFault::none:
      out.push_back(std::move(copy));
      break;
    case PacketFault::drop:
      break;
    case PacketFault::duplicate:
      out.push_back(copy);
      out.push_back(std::move(copy));
      break;
    case PacketFault::reorder:
      delayed_.push_back({1, std::move(copy)});
      break;
    case PacketFault::delay:
      delayed_.push_back({delay_packets_, std::move(copy)});
      break;
    case PacketFault::flip_bit:
    case PacketFault::truncate:
    case PacketFault::wrong_run:
    case PacketFault::unknown_source:
      out.push_back(damaged(frame, header, fault));
      break;
  }
  const auto due = [](const Delayed& delayed) { return delayed.packets_left == 0; };
  for (Delayed& delayed : delayed_) {
    if (due(delayed)) out.push_back(std::move(delayed.frame));
  }
  std::erase_if(delayed_, due);
}

void FaultInjector::flush(std::vector<std::vector<std::byte>>& out) {
  for (Delayed& delayed : delayed_) out.push_back(std::move(delayed.frame));
  delayed_.clear();
}

}  // namespace crible::wire
