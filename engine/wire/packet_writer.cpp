#include "engine/wire/packet_writer.hpp"

#include <limits>

#include "engine/wire/crc32c.hpp"

namespace crible::wire {

PacketWriter::PacketWriter(Sender sender, std::size_t reserve_bytes) : sender_(sender) {
  entries_.reserve(reserve_bytes / 64);
  payloads_.reserve(reserve_bytes);
  frame_.reserve(reserve_bytes + reserve_bytes / 8 + sizeof(PacketHeader));
}

bool PacketWriter::fits(std::uint64_t event, std::uint32_t luminosity_block,
                        std::size_t payload_bytes) const noexcept {
  const std::size_t bytes = frame_bytes() + sizeof(TableEntry) + payload_bytes;
  if (bytes > max_frame_bytes) return false;
  if (empty()) return true;
  if (luminosity_block != luminosity_block_ || event <= last_event_) return false;
  if (event - first_event_ > std::numeric_limits<std::uint32_t>::max()) return false;
  return sender_.block_events == 0 || event / sender_.block_events == first_event_ / sender_.block_events;
}

void PacketWriter::add(std::uint64_t event, std::uint32_t luminosity_block,
                       std::span<const std::byte> payload) {
  if (empty()) {
    first_event_ = event;
    luminosity_block_ = luminosity_block;
  }
  last_event_ = event;
  entries_.push_back(
      {static_cast<std::uint32_t>(event - first_event_), static_cast<std::uint32_t>(payloads_.size())});
  payloads_.insert(payloads_.end(), payload.begin(), payload.end());
}

std::size_t PacketWriter::frame_bytes() const noexcept {
  return sizeof(PacketHeader) + entries_.size() * sizeof(TableEntry) + payloads_.size();
}

PacketHeader PacketWriter::next_header(PacketKind kind, std::uint64_t time_ns,
                                       std::size_t bytes) const noexcept {
  PacketHeader header;
  header.kind = kind;
  header.source = sender_.source;
  header.run = sender_.run;
  header.sequence = sent_.packets;
  header.time_ns = time_ns;
  header.frame_bytes = static_cast<std::uint32_t>(bytes);
  header.epoch = sender_.epoch;
  header.fragments_before = static_cast<std::uint32_t>(sent_.fragments);
  return header;
}

void PacketWriter::count(std::uint32_t luminosity_block, std::uint32_t fragments) noexcept {
  if (counted_block_ != luminosity_block) block_sent_ = {};
  counted_block_ = luminosity_block;
  for (SentCounts* counts : {&sent_, &block_sent_}) {
    ++counts->packets;
    counts->fragments += fragments;
  }
}

namespace {

void seal(PacketHeader& header, std::span<std::byte> frame) noexcept {
  std::memcpy(frame.data(), &header, sizeof header);
  header.crc32c = frame_checksum(frame);
  std::memcpy(frame.data(), &header, sizeof header);
}

}  // namespace

void PacketWriter::finish(std::uint64_t time_ns, std::span<std::byte> frame) noexcept {
  PacketHeader header = next_header(PacketKind::data, time_ns, frame.size());
  header.first_event = empty() ? 0 : first_event_;
  header.luminosity_block = luminosity_block_;
  header.fragment_count = fragment_count();
  const std::size_t table_bytes = entries_.size() * sizeof(TableEntry);
  const auto payloads_begin = static_cast<std::uint32_t>(sizeof header + table_bytes);
  for (TableEntry& entry : entries_) entry.payload_offset += payloads_begin;
  if (!empty()) std::memcpy(frame.data() + sizeof header, entries_.data(), table_bytes);
  if (!payloads_.empty()) std::memcpy(frame.data() + payloads_begin, payloads_.data(), payloads_.size());
  seal(header, frame);
  count(luminosity_block_, fragment_count());
  entries_.clear();
  payloads_.clear();
}

std::span<const std::byte> PacketWriter::finish(std::uint64_t time_ns) {
  frame_.resize(frame_bytes());
  finish(time_ns, frame_);
  return frame_;
}

std::span<const std::byte> PacketWriter::control(PacketKind kind, std::uint32_t luminosity_block,
                                                 std::uint64_t time_ns, SentCounts counts) {
  frame_.resize(sizeof(PacketHeader) + sizeof counts);
  PacketHeader header = next_header(kind, time_ns, frame_.size());
  header.luminosity_block = luminosity_block;
  std::memcpy(frame_.data() + sizeof header, &counts, sizeof counts);
  seal(header, frame_);
  count(luminosity_block, 0);
  return frame_;
}

std::span<const std::byte> PacketWriter::end_of_luminosity_block(std::uint32_t luminosity_block,
                                                                 std::uint64_t time_ns) {
  const SentCounts counts = counted_block_ == luminosity_block ? block_sent_ : SentCounts{};
  return control(PacketKind::end_of_luminosity_block, luminosity_block, time_ns, counts);
}

std::span<const std::byte> PacketWriter::end_of_run(std::uint32_t luminosity_block, std::uint64_t time_ns) {
  return control(PacketKind::end_of_run, luminosity_block, time_ns, sent_);
}

}  // namespace crible::wire
