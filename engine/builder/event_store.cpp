#include "engine/builder/event_store.hpp"

#include <algorithm>
#include <limits>

namespace crible::builder {

namespace {

/// Arrays of a power-of-two size would all begin in the same sets of the cache; this pulls them apart.
constexpr std::size_t stride_padding = 12;

}  // namespace

EventStore::EventStore(const BuilderConfig& config, Books& books)
    : source_count_(config.sources.size()),
      block_events_(config.block_events),
      shards_(config.shards),
      mask_(config.ring_events - 1),
      books_(books),
      places_(config.ring_events),
      wide_present_((source_count_ - 1) / 64 * config.ring_events),
      fragment_stride_(config.ring_events + stride_padding),
      events_(config.closed_events),
      event_fragments_(config.closed_events * source_count_),
      free_events_(config.closed_events),
      closed_(config.closed_events),
      packets_(config.max_packets),
      past_(config.block_events * config.shards) {
  fragments_.resize(source_count_ * fragment_stride_);
  for (std::size_t i = 0; i < events_.size(); ++i) {
    events_[i].fragments = {event_fragments_.data() + i * source_count_, source_count_};
    free_events_[i] = static_cast<std::uint32_t>(events_.size() - 1 - i);
  }
}

Placement EventStore::place(const wire::PacketView& packet, std::uint32_t kept, std::size_t source,
                            std::uint64_t newest_position, std::int64_t now_ns) noexcept {
  const wire::PacketHeader& header = packet.header();
  const std::uint32_t count = header.fragment_count;
  const Incoming incoming{header.luminosity_block, newest_position, now_ns};
  // An entry's offset is at most block_events - 1 from the block's begin, as the packet spans no two blocks;
  // first_event itself may lie before it, so the positions count from the first entry.
  const std::uint64_t first_event = packet.event(0);
  const std::uint64_t first_position = position(first_event);
  const std::byte* const frame = packet.frame().data();
  const std::byte* const table = frame + sizeof(wire::PacketHeader);
  Fragment* const fragments = fragments_.data() + source * fragment_stride_;
  std::uint64_t* const wide = source < 64 ? nullptr : &wide_present_[(source / 64 - 1) * places_.size()];
  const std::uint64_t bit = std::uint64_t{1} << (source % 64);

  Placement placement;
  wire::TableEntry entry = packet.entry(0);
  const std::uint32_t first_offset = entry.event_offset;
  for (std::uint32_t i = 0; i < count; ++i) {
    wire::TableEntry next{0, header.frame_bytes};
    if (i + 1 < count) std::memcpy(&next, table + (i + 1) * sizeof next, sizeof next);
    const std::uint32_t offset = entry.event_offset - first_offset;
    const std::uint64_t number = first_event + offset;
    const std::size_t index = (first_position + offset) & mask_;
    Place& place = places_[index];
    std::uint64_t& present = wide == nullptr ? place.present : wide[index];
    Claim claimed = Claim::open;
    if (place.number != number || place.state != State::open) claimed = claim(index, number, incoming);
    if (claimed != Claim::late && (present & bit) != 0) {
      ++placement.duplicate;
    } else if (claimed != Claim::open) {
      ++placement.late;
    } else {
      present |= bit;
      fragments[index] = {frame + entry.payload_offset, next.payload_offset - entry.payload_offset, kept};
      ++placement.fresh;
      place.mixed_luminosity_blocks |= place.luminosity_block != incoming.luminosity_block;
      if (--place.missing_count == 0) close(index, CloseReason::complete, now_ns);
    }
    entry = next;
  }
  return placement;
}

EventStore::Claim EventStore::claim(std::size_t index, std::uint64_t number,
                                    const Incoming& incoming) noexcept {
  const Place& place = places_[index];
  if (place.state != State::empty) {
    if (place.number == number) return Claim::known;
    if (past_.contains(number)) return Claim::late;
    if (place.number > number) {
      const std::uint64_t held_position = position(place.number);
      const bool believable = held_position <= incoming.newest_position ||
                              held_position - incoming.newest_position <= places_.size();
      if (believable) return Claim::late;
    }
    if (place.state == State::open) close(index, CloseReason::evicted, incoming.now_ns);
    past_.add(place.number, number);
  }
  open(index, number, incoming);
  return Claim::open;
}

void EventStore::open(std::size_t index, std::uint64_t number, const Incoming& incoming) noexcept {
  Place& place = places_[index];
  place.number = number;
  place.present = 0;
  place.opened_ns = incoming.now_ns;
  place.missing_count = static_cast<std::uint32_t>(source_count_);
  place.luminosity_block = incoming.luminosity_block;
  place.state = State::open;
  place.mixed_luminosity_blocks = false;
  for (std::size_t i = index; i < wide_present_.size(); i += places_.size()) wide_present_[i] = 0;
  append(static_cast<std::uint32_t>(index));
  ++open_count_;
  EventCounts& counts = books_.use(incoming.luminosity_block, incoming.now_ns).book.events;
  ++counts.opened;
  ++counts.open;
}

void EventStore::append(std::uint32_t index) noexcept {
  places_[index].older = youngest_;
  places_[index].younger = none;
  (youngest_ == none ? oldest_ : places_[youngest_].younger) = index;
  youngest_ = index;
}

void EventStore::unlink(const Place& place) noexcept {
  (place.older == none ? oldest_ : places_[place.older].younger) = place.younger;
  (place.younger == none ? youngest_ : places_[place.younger].older) = place.older;
}

bool EventStore::has(std::size_t index, std::size_t source) const noexcept {
  const std::uint64_t word =
      source < 64 ? places_[index].present : wide_present_[(source / 64 - 1) * places_.size() + index];
  return (word >> (source % 64) & 1) != 0;
}

void EventStore::collect(std::size_t index, Event& event) noexcept {
  const auto number = static_cast<std::size_t>(&event - events_.data());
  Fragment* const out = event_fragments_.data() + number * source_count_;
  std::uint64_t sent_ns = 0;
  std::int64_t received_ns = 0;
  for (std::size_t source = 0; source < source_count_; ++source) {
    if (event.missing_count != 0 && !has(index, source)) {
      out[source] = {};
      continue;
    }
    out[source] = fragments_[source * fragment_stride_ + index];
    const KeptPacket& packet = packets_[out[source].packet];
    sent_ns = std::max(sent_ns, packet.sent_ns);
    received_ns = std::max(received_ns, packet.received_ns);
  }
  event.sent_ns = sent_ns;
  event.last_received_ns = received_ns;
}

void EventStore::close(std::size_t index, CloseReason reason, std::int64_t now_ns) noexcept {
  Place& place = places_[index];
  const std::uint32_t number = free_events_.back();
  free_events_.pop_back();
  Event& event = events_[number];
  event.number = place.number;
  event.luminosity_block = place.luminosity_block;
  event.missing_count = place.missing_count;
  event.first_received_ns = place.opened_ns;
  event.built_ns = now_ns;
  event.close_reason = reason;
  event.mixed_luminosity_blocks = place.mixed_luminosity_blocks;
  collect(index, event);
  place.state = State::closed;
  unlink(place);
  --open_count_;
  const std::size_t end = closed_begin_ + closed_count_;
  closed_[end < closed_.size() ? end : end - closed_.size()] = number;
  ++closed_count_;
  book_closed(event, now_ns);
}

namespace {

std::int64_t& counter_of(EventCounts& counts, CloseReason reason) noexcept {
  switch (reason) {
    case CloseReason::complete:
      return counts.complete;
    case CloseReason::incomplete_timeout:
      return counts.incomplete_timeout;
    case CloseReason::incomplete_stop:
      return counts.incomplete_stop;
    case CloseReason::evicted:
      break;
  }
  return counts.evicted;
}

std::int64_t& counter_of(EventCounts& counts, Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::accepted:
      return counts.accepted;
    case Outcome::rejected:
      return counts.rejected;
    case Outcome::prescaled_out:
      return counts.prescaled_out;
    case Outcome::forced:
      break;
  }
  return counts.forced;
}

}  // namespace

void EventStore::book_closed(const Event& event, std::int64_t now_ns) noexcept {
  OpenBook& open = books_.use(event.luminosity_block, now_ns);
  EventCounts& counts = open.book.events;
  --counts.open;
  ++counter_of(counts, event.close_reason);
  ++counts.in_flight;
  if (event.complete() && !event.mixed_luminosity_blocks) {
    ++open.complete_events;
    return;
  }
  counts.mixed_luminosity_blocks += event.mixed_luminosity_blocks ? 1 : 0;
  for (std::size_t source = 0; source < source_count_; ++source) {
    const Fragment& fragment = event.fragments[source];
    if (!fragment.present()) continue;
    // Fragments are booked where their packet was.
    OpenBook& packet_book = books_.use(packets_[fragment.packet].luminosity_block, now_ns);
    FragmentCounts& fragments = packet_book.book.sources[source].fragments;
    --fragments.pending;
    ++(event.close_reason == CloseReason::evicted ? fragments.evicted : fragments.used);
  }
}

bool EventStore::close_opened_until(std::int64_t opened_ns, CloseReason reason,
                                    std::int64_t now_ns) noexcept {
  while (oldest_ != none && places_[oldest_].opened_ns <= opened_ns) {
    if (free_events_.empty()) return false;
    close(oldest_, reason, now_ns);
  }
  return true;
}

void EventStore::evict_oldest(std::size_t count, std::int64_t now_ns) noexcept {
  for (; count > 0 && oldest_ != none && !free_events_.empty(); --count) {
    close(oldest_, CloseReason::evicted, now_ns);
  }
}

Event* EventStore::next_closed() noexcept {
  if (closed_count_ == 0) return nullptr;
  Event* event = &events_[closed_[closed_begin_]];
  closed_begin_ = closed_begin_ + 1 == closed_.size() ? 0 : closed_begin_ + 1;
  --closed_count_;
  return event;
}

void EventStore::release(Event& event, Outcome outcome) noexcept {
  for (const Fragment& fragment : event.fragments) {
    if (fragment.present()) packets_.drop(fragment.packet, 1);
  }
  OpenBook& open = books_.use(event.luminosity_block, event.built_ns);
  --open.book.events.in_flight;
  ++counter_of(open.book.events, outcome);
  free_events_.push_back(static_cast<std::uint32_t>(&event - events_.data()));
  if (open.book.events.in_flight == 0) books_.finish_if_settled(open);
}

std::int64_t EventStore::oldest_opened_ns() const noexcept {
  return oldest_ == none ? std::numeric_limits<std::int64_t>::max() : places_[oldest_].opened_ns;
}

}  // namespace crible::builder
