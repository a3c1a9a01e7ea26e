#include "engine/builder/builder.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <set>

#include "engine/base/error.hpp"
#include "engine/builder/books.hpp"
#include "engine/builder/event_store.hpp"
#include "engine/builder/jump_guard.hpp"
#include "engine/builder/pacer.hpp"
#include "engine/builder/sequence.hpp"

namespace crible::builder {

using wire::PacketHeader;
using wire::PacketKind;
using wire::PacketStatus;
using wire::PacketView;

namespace {

constexpr std::uint32_t not_a_source = 0xffffffff;

void require(bool holds, const std::string& sentence) {
  if (!holds) throw Error("builder: " + sentence);
}

BuilderConfig checked(BuilderConfig config) {
  require(!config.sources.empty(), "sources is empty; name at least one source");
  const std::set<std::uint16_t> distinct(config.sources.begin(), config.sources.end());
  require(distinct.size() == config.sources.size(), "sources names a source twice; give each its own number");
  require(config.block_events > 0, "block_events is 0; a block has at least one event");
  require(config.shards > 0, "shards is 0; there is at least one");
  require(config.shard < config.shards, "shard is " + std::to_string(config.shard) + " of " +
                                            std::to_string(config.shards) + "; shards are counted from 0");
  require(config.timeout_ns > 0, "timeout_ns is not positive");
  require(std::has_single_bit(config.ring_events),
          "ring_events is " + std::to_string(config.ring_events) + "; choose a power of two");
  require(config.ring_events / 2 >= config.block_events,
          "ring_events is " + std::to_string(config.ring_events) +
              "; two blocks of block_events = " + std::to_string(config.block_events) + " must fit");
  const std::size_t least_closed = 2 * config.block_events;
  if (config.closed_events == 0) config.closed_events = least_closed;
  require(config.closed_events >= least_closed,
          "closed_events is " + std::to_string(config.closed_events) +
              "; at least 2 * block_events = " + std::to_string(least_closed) + " are needed");
  require(config.max_held_packets > 0 && config.max_held_packets < config.max_packets,
          "max_held_packets is " + std::to_string(config.max_held_packets) +
              "; it lies between 1 and max_packets - 1 = " + std::to_string(config.max_packets - 1));
  return config;
}

/// A packet that waits until its event numbers are believed and the other sources are near.
struct HeldPacket {
  PacketView packet;
  std::uint32_t kept = 0;
  std::uint32_t source = 0;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::int64_t since_ns = 0;
  /// Its event numbers are not believed; otherwise it waits for the other sources.
  bool doubted = false;
};

/// What may still keep a held packet back.
enum class Patience : std::uint8_t {
  /// Its numbers and the other sources.
  full,
  /// The other sources; its numbers were doubted for a timeout.
  for_sources,
  none,
};

}  // namespace

class EventBuilder::State {
 public:
  explicit State(const BuilderConfig& given)
      : config(checked(given)),
        books(config.sources.size()),
        store(config, books),
        guard(config.sources.size(), config.ring_events, config.timeout_ns),
        pacer(guard, config.timeout_ns),
        trackers(config.sources.size()),
        source_index(std::size_t{1} << 16, not_a_source) {
    for (std::size_t i = 0; i < config.sources.size(); ++i) {
      source_index[config.sources[i]] = static_cast<std::uint32_t>(i);
    }
    held.reserve(config.max_held_packets);
    doubts.resize(config.sources.size());
    on_hold.resize(config.sources.size());
  }

  Accepted accept(wire::Message& message, std::int64_t now_ns) noexcept;
  void settle_held(std::int64_t now_ns) noexcept;

  const BuilderConfig config;
  Books books;
  EventStore store;
  JumpGuard guard;
  Pacer pacer;
  /// Sources wait for each other.
  bool paced = true;
  std::vector<SequenceTracker> trackers;
  /// Place of a source number in config.sources.
  std::vector<std::uint32_t> source_index;
  std::vector<HeldPacket> held;
  /// Of each source: packets up to the last one that were doubted when they came, without one between that
  /// was not; and whether it is on hold.
  std::vector<std::uint32_t> doubts;
  std::vector<std::uint8_t> on_hold;
  std::int64_t settled_ns = 0;
  std::int64_t next_idle_check_ns = std::numeric_limits<std::int64_t>::min();

 private:
  PacketStatus check_shard(const PacketView& packet) const noexcept;
  bool make_room(std::uint32_t fragment_count, std::int64_t now_ns) noexcept;
  void book_unknown(const PacketHeader& header, Book& book) noexcept;
  void book_wrong_run(const PacketHeader& header, SourceBook& counts) noexcept;
  void book_sequence(const PacketView& packet, std::uint32_t source, SourceBook& book) noexcept;
  void take_data(const PacketView& packet, std::uint32_t source, wire::Message& message,
                 std::int64_t now_ns) noexcept;
  void place(const HeldPacket& held_packet, bool was_pending, std::int64_t now_ns) noexcept;
  void refuse(const HeldPacket& held_packet, std::int64_t now_ns) noexcept;
  void hold(const HeldPacket& arrived, std::int64_t now_ns) noexcept;
  void find_on_hold() noexcept;
  bool must_wait(const HeldPacket& arrived, std::int64_t now_ns) noexcept;
  bool settle(HeldPacket& held_packet, Patience patience, std::int64_t now_ns) noexcept;
};

PacketStatus EventBuilder::State::check_shard(const PacketView& packet) const noexcept {
  const bool right = packet.event(0) / config.block_events % config.shards == config.shard;
  return right ? PacketStatus::ok : PacketStatus::wrong_shard;
}

bool EventBuilder::State::make_room(std::uint32_t fragment_count, std::int64_t now_ns) noexcept {
  // When no more packets can be held back, the oldest held one may have to be placed instead of this one.
  if (held.size() == config.max_held_packets) {
    fragment_count = std::max(fragment_count, held.front().packet.fragment_count());
  }
  if (!store.has_room(fragment_count)) return false;
  if (!store.packets().full()) return true;
  // All packets belong to open events, and nobody will release those: make the oldest ones go.
  if (store.unreleased_count() == 0) store.evict_oldest(store.open_count() / 16 + 1, now_ns);
  return false;
}

Accepted EventBuilder::State::accept(wire::Message& message, std::int64_t now_ns) noexcept {
  PacketView packet;
  PacketStatus status = wire::parse(message.bytes(), config.block_events, packet);
  if (!wire::header_is_sound(status)) {
    ++books.last_used(now_ns).book.frames[static_cast<std::size_t>(status)];
    message.reset();
    return Accepted::taken;
  }
  const PacketHeader& header = packet.header();
  const std::uint32_t source = source_index[header.source];
  const bool known = source != not_a_source && header.run == config.run;
  const bool data = header.kind == PacketKind::data && header.fragment_count > 0;
  if (status == PacketStatus::ok && data && known) {
    status = check_shard(packet);
    if (status == PacketStatus::ok && !make_room(header.fragment_count, now_ns)) return Accepted::busy;
  }
  // The luminosity block of a stranger's packet says nothing; its fragments go into the book in use.
  OpenBook& open = known ? books.use(header.luminosity_block, now_ns) : books.last_used(now_ns);
  ++open.book.frames[static_cast<std::size_t>(status)];
  if (known) pacer.set_ended(source, header.kind == PacketKind::end_of_run);
  if (source == not_a_source) {
    book_unknown(header, open.book);
  } else if (!known) {
    book_wrong_run(header, open.book.sources[source]);
  } else {
    SourceBook& book = open.book.sources[source];
    book_sequence(packet, source, book);
    if (status != PacketStatus::ok) {
      book.fragments.corrupt += header.fragment_count;
    } else if (data) {
      take_data(packet, source, message, now_ns);
    } else if (header.kind == PacketKind::end_of_luminosity_block) {
      ++book.packets.closings;
      books.close(open, source);
    }
  }
  message.reset();
  if (!held.empty()) settle_held(now_ns);
  return Accepted::taken;
}

void EventBuilder::State::book_unknown(const PacketHeader& header, Book& book) noexcept {
  book.unknown.fragments.received += header.fragment_count;
  book.unknown.fragments.outside += header.fragment_count;
  book.unknown.fragments.unknown_source += header.fragment_count;
  ++book.unknown.packets.received;
  ++book.unknown.packets.outside;
}

void EventBuilder::State::book_wrong_run(const PacketHeader& header, SourceBook& counts) noexcept {
  counts.fragments.received += header.fragment_count;
  counts.fragments.outside += header.fragment_count;
  counts.fragments.wrong_run += header.fragment_count;
  ++counts.packets.received;
  ++counts.packets.outside;
}

void EventBuilder::State::book_sequence(const PacketView& packet, std::uint32_t source,
                                        SourceBook& book) noexcept {
  const SequenceStep step = trackers[source].take(packet);
  const std::int64_t count = packet.fragment_count();
  book.fragments.sent += step.fragments_sent;
  book.fragments.transport_gap += step.fragments_gap;
  book.fragments.outside += step.outside ? count : 0;
  book.fragments.received += count;
  book.packets.sent += step.packets_sent;
  book.packets.transport_gap += step.packets_gap;
  book.packets.outside += step.outside ? 1 : 0;
  ++book.packets.received;
  book.packets.restarts += step.restarted ? 1 : 0;
  book.packets.contradictions += step.contradiction ? 1 : 0;
}

void EventBuilder::State::take_data(const PacketView& packet, std::uint32_t source, wire::Message& message,
                                    std::int64_t now_ns) noexcept {
  const PacketHeader& header = packet.header();
  HeldPacket arrived;
  arrived.packet = packet;
  arrived.source = source;
  arrived.since_ns = now_ns;
  arrived.first = store.position(packet.event(0));
  arrived.last =
      arrived.first + packet.entry(header.fragment_count - 1).event_offset - packet.entry(0).event_offset;
  arrived.kept = store.packets().keep(std::move(message));
  KeptPacket& kept = store.packets()[arrived.kept];
  kept.references = 1;
  kept.luminosity_block = header.luminosity_block;
  kept.sent_ns = header.time_ns;
  kept.received_ns = now_ns;
  pacer.start(arrived.first, now_ns);
  arrived.doubted = !guard.judge(source, arrived.first, arrived.last, now_ns);
  doubts[source] = arrived.doubted ? doubts[source] + 1 : 0;
  if (!arrived.doubted && !must_wait(arrived, now_ns)) {
    place(arrived, false, now_ns);
  } else {
    hold(arrived, now_ns);
  }
}

void EventBuilder::State::hold(const HeldPacket& arrived, std::int64_t now_ns) noexcept {
  const PacketHeader& header = arrived.packet.header();
  books.use(header.luminosity_block, now_ns).book.sources[arrived.source].fragments.pending +=
      header.fragment_count;
  if (held.size() == config.max_held_packets) {
    settle(held.front(), Patience::none, now_ns);
    held.erase(held.begin());
  }
  held.push_back(arrived);
  find_on_hold();
}

void EventBuilder::State::find_on_hold() noexcept {
  std::fill(on_hold.begin(), on_hold.end(), std::uint8_t{0});
  for (const HeldPacket& one : held) {
    if (!one.doubted || doubts[one.source] >= packets_until_hold) on_hold[one.source] = 1;
  }
}

bool EventBuilder::State::must_wait(const HeldPacket& arrived, std::int64_t now_ns) noexcept {
  if (!paced) return false;
  // Packets that run short are as bad as places that do: the lead of a source shrinks with what is left.
  const std::uint64_t lead = config.ring_events / 2 * store.packets().free_count() / config.max_packets;
  return pacer.must_wait(arrived.source, arrived.last, lead, now_ns);
}

void EventBuilder::State::place(const HeldPacket& arrived, bool was_pending, std::int64_t now_ns) noexcept {
  const PacketHeader& header = arrived.packet.header();
  const Placement placement =
      store.place(arrived.packet, arrived.kept, arrived.source, guard.newest(), now_ns);
  FragmentCounts& counts = books.use(header.luminosity_block, now_ns).book.sources[arrived.source].fragments;
  counts.duplicate += placement.duplicate;
  counts.late += placement.late;
  counts.pending += placement.fresh;
  counts.pending -= was_pending ? header.fragment_count : 0;
  store.packets()[arrived.kept].references += placement.fresh;
  store.packets().drop(arrived.kept, 1);
}

void EventBuilder::State::refuse(const HeldPacket& held_packet, std::int64_t now_ns) noexcept {
  const PacketHeader& header = held_packet.packet.header();
  FragmentCounts& counts =
      books.use(header.luminosity_block, now_ns).book.sources[held_packet.source].fragments;
  counts.pending -= header.fragment_count;
  counts.far_ahead += header.fragment_count;
  store.packets().drop(held_packet.kept, 1);
}

/// Returns false when the packet stays where it is.
bool EventBuilder::State::settle(HeldPacket& held_packet, Patience patience, std::int64_t now_ns) noexcept {
  const bool believed = patience == Patience::full
                            ? guard.in_reach(held_packet.first)
                            : guard.judge_finally(held_packet.first, held_packet.last, now_ns);
  if (!believed && patience == Patience::full) return false;
  if (!believed) {
    refuse(held_packet, now_ns);
    return true;
  }
  held_packet.doubted = false;
  if (patience != Patience::none && must_wait(held_packet, now_ns)) return false;
  if (!store.has_room(held_packet.packet.fragment_count())) return false;
  place(held_packet, true, now_ns);
  return true;
}

void EventBuilder::State::settle_held(std::int64_t now_ns) noexcept {
  settled_ns = now_ns;
  std::size_t kept = 0;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const bool doubted = now_ns - held[i].since_ns < config.timeout_ns;
    const Patience patience = !paced ? Patience::none : doubted ? Patience::full : Patience::for_sources;
    if (!settle(held[i], patience, now_ns)) held[kept++] = held[i];
  }
  held.resize(kept);
  find_on_hold();
}

EventBuilder::EventBuilder(const BuilderConfig& config) : state_(std::make_unique<State>(config)) {}

EventBuilder::~EventBuilder() = default;

Accepted EventBuilder::accept(wire::Message& message, std::int64_t now_ns) noexcept {
  return state_->accept(message, now_ns);
}

void EventBuilder::advance(std::int64_t now_ns) noexcept {
  const std::int64_t timeout_ns = state_->config.timeout_ns;
  // When room runs out, the rest is closed by the next call, after some events were released.
  static_cast<void>(
      state_->store.close_opened_until(now_ns - timeout_ns, CloseReason::incomplete_timeout, now_ns));
  if (!state_->held.empty()) state_->settle_held(now_ns);
  if (now_ns < state_->next_idle_check_ns) return;
  state_->next_idle_check_ns = now_ns + timeout_ns / 4;
  state_->books.finish_idle(now_ns - 2 * timeout_ns);
}

std::span<const std::uint8_t> EventBuilder::on_hold() const noexcept {
  return state_->on_hold;
}

void EventBuilder::wait_for_nobody(std::int64_t now_ns) noexcept {
  state_->paced = false;
  state_->settle_held(now_ns);
}

bool EventBuilder::stop(std::int64_t now_ns) noexcept {
  constexpr std::int64_t all = std::numeric_limits<std::int64_t>::max();
  wait_for_nobody(now_ns);
  const bool all_closed = state_->store.close_opened_until(all, CloseReason::incomplete_stop, now_ns);
  return all_closed && state_->held.empty();
}

Event* EventBuilder::next_closed() noexcept {
  return state_->store.next_closed();
}

std::size_t EventBuilder::closed_count() const noexcept {
  return state_->store.closed_count();
}

void EventBuilder::release(Event& event, Outcome outcome) noexcept {
  state_->store.release(event, outcome);
}

const Book* EventBuilder::next_finished_book() noexcept {
  return state_->books.next_finished();
}

void EventBuilder::finish_books() noexcept {
  state_->books.finish_all();
}

void EventBuilder::add_current_books(Ledger& ledger) const {
  state_->books.add_in_use(ledger);
}

bool EventBuilder::all_sources_ended() const noexcept {
  return std::all_of(state_->trackers.begin(), state_->trackers.end(),
                     [](const SequenceTracker& tracker) { return tracker.ended(); });
}

std::size_t EventBuilder::open_count() const noexcept {
  return state_->store.open_count();
}

std::int64_t EventBuilder::next_deadline_ns() const noexcept {
  constexpr std::int64_t never = std::numeric_limits<std::int64_t>::max();
  const std::int64_t timeout_ns = state_->config.timeout_ns;
  const std::int64_t oldest_ns = state_->store.oldest_opened_ns();
  const std::int64_t close_ns = oldest_ns == never ? never : oldest_ns + timeout_ns;
  // What held packets wait for can also be over because nothing comes; looking eight times is often enough.
  return state_->held.empty() ? close_ns : std::min(close_ns, state_->settled_ns + timeout_ns / 8 + 1);
}

Ledger EventBuilder::make_ledger() const {
  return Ledger(state_->config.run, state_->config.sources);
}

}  // namespace crible::builder
