#include "engine/builder/sequence.hpp"

#include <algorithm>

namespace crible::builder {

using wire::PacketHeader;
using wire::PacketKind;
using wire::PacketView;

bool SequenceTracker::Epoch::has_arrived(std::uint64_t sequence) const noexcept {
  return (arrived[sequence % window / 64] >> (sequence % 64) & 1) != 0;
}

void SequenceTracker::Epoch::set_arrived(std::uint64_t sequence, bool value) noexcept {
  std::uint64_t& word = arrived[sequence % window / 64];
  const std::uint64_t bit = std::uint64_t{1} << (sequence % 64);
  word = value ? word | bit : word & ~bit;
}

void SequenceTracker::Epoch::follow_block(const PacketView& packet, SequenceStep& step) noexcept {
  const PacketHeader& header = packet.header();
  const bool whole = step.packets_gap == 0 && step.fragments_gap == 0;
  if (next == 0 || header.luminosity_block != luminosity_block) {
    luminosity_block = header.luminosity_block;
    block_exact = whole;
    block_sent = {};
  } else {
    block_sent.packets += static_cast<std::uint64_t>(step.packets_gap);
    block_sent.fragments += static_cast<std::uint64_t>(step.fragments_gap);
  }
  if (header.kind == PacketKind::end_of_luminosity_block && block_exact) {
    const wire::SentCounts declared = packet.sent_counts();
    step.contradiction = declared.packets != block_sent.packets || declared.fragments != block_sent.fragments;
  }
  if (header.kind == PacketKind::end_of_run) {
    const wire::SentCounts declared = packet.sent_counts();
    step.contradiction |= declared.packets != header.sequence ||
                          static_cast<std::uint32_t>(declared.fragments) != header.fragments_before;
  }
  ++block_sent.packets;
  block_sent.fragments += header.fragment_count;
}

SequenceStep SequenceTracker::Epoch::go_forward(const PacketView& packet) noexcept {
  const PacketHeader& header = packet.header();
  const std::uint64_t lost = header.sequence - next;
  SequenceStep step;
  step.packets_gap = static_cast<std::int64_t>(lost);
  step.packets_sent = step.packets_gap + 1;
  step.fragments_gap = static_cast<std::int32_t>(header.fragments_before - next_fragments);
  step.fragments_sent = step.fragments_gap + header.fragment_count;
  // Packets that are not there hold no fragments, and no packet holds fewer than none.
  step.contradiction = step.fragments_gap < 0 || (lost == 0 && step.fragments_gap != 0);
  for (std::uint64_t back = std::min(lost, window); back > 0; --back) {
    set_arrived(header.sequence - back, false);
  }
  set_arrived(header.sequence, true);
  follow_block(packet, step);
  next = header.sequence + 1;
  next_fragments = header.fragments_before + header.fragment_count;
  return step;
}

SequenceStep SequenceTracker::Epoch::take(const PacketView& packet) noexcept {
  const PacketHeader& header = packet.header();
  SequenceStep step;
  if (header.sequence >= next) {
    if (header.sequence - next < max_jump) return go_forward(packet);
    step.outside = true;
    return step;
  }
  if (next - header.sequence > window || has_arrived(header.sequence)) {
    step.outside = true;
    return step;
  }
  set_arrived(header.sequence, true);
  step.packets_gap = -1;
  step.fragments_gap = -static_cast<std::int64_t>(header.fragment_count);
  return step;
}

SequenceStep SequenceTracker::take(const PacketView& packet) noexcept {
  const PacketHeader& header = packet.header();
  const bool restarted = started_ && header.epoch > current_.number;
  restarted_ |= restarted;
  if (!started_ || restarted) {
    previous_ = current_;
    current_ = {};
    current_.number = header.epoch;
    started_ = true;
    ended_ = false;
  }
  SequenceStep step;
  if (header.epoch == current_.number) {
    step = current_.take(packet);
    ended_ |= header.kind == PacketKind::end_of_run;
  } else if (restarted_ && header.epoch == previous_.number) {
    step = previous_.take(packet);
  } else {
    step.outside = true;
  }
  step.restarted = restarted;
  return step;
}

}  // namespace crible::builder
