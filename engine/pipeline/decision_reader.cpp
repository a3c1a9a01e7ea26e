#include "engine/pipeline/decision_reader.hpp"

#include <cstring>

#include "engine/wire/crc32c.hpp"

namespace crible::pipeline {

namespace {

bool size_can_be(const menu::DecisionHeader& decision, std::size_t room_bytes) {
  return decision.version == menu::decision_version && decision.header_bytes == sizeof decision &&
         decision.size_bytes >= sizeof decision && decision.size_bytes % 8 == 0 &&
         decision.size_bytes <= menu::max_decision_bytes && decision.size_bytes <= room_bytes;
}

}  // namespace

std::span<const PublishedDecision> DecisionReader::read(std::span<const std::byte> frame) {
  decisions_.clear();
  DecisionFrameHeader header{};
  if (frame.size() >= sizeof header) std::memcpy(&header, frame.data(), sizeof header);
  if (!good(frame, header)) {
    decisions_.clear();
    ++counters_.bad_frames;
    return {};
  }
  std::uint64_t& next = next_[header.shard];
  counters_.missing_frames += header.sequence - next;
  next = header.sequence + 1;
  ++counters_.frames;
  counters_.decisions += decisions_.size();
  return decisions_;
}

bool DecisionReader::good(std::span<const std::byte> frame, const DecisionFrameHeader& header) {
  if (header.magic != decision_magic || header.version != decision_version ||
      header.header_bytes != sizeof header || header.frame_bytes != frame.size() ||
      wire::frame_checksum(frame) != header.crc)
    return false;
  const auto next = next_.find(header.shard);
  if (next != next_.end() && header.sequence < next->second) return false;
  const bool is_ledger = header.kind == FrameKind::ledger;
  if (!is_ledger && header.kind != FrameKind::decisions) return false;
  return is_ledger ? header.count == 0 : split(frame.subspan(sizeof header), header.count);
}

bool DecisionReader::split(std::span<const std::byte> rest, std::uint32_t count) {
  for (std::uint32_t i = 0; i < count; ++i) {
    PublishedDecision decision{};
    if (rest.size() < sizeof decision.header) return false;
    std::memcpy(&decision.header, rest.data(), sizeof decision.header);
    if (!size_can_be(decision.header, rest.size())) return false;
    decision.bytes = rest.first(decision.header.size_bytes);
    rest = rest.subspan(decision.header.size_bytes);
    decisions_.push_back(decision);
  }
  return rest.empty();
}

}  // namespace crible::pipeline
