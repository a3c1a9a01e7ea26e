#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "engine/builder/event.hpp"
#include "engine/builder/ledger.hpp"
#include "engine/wire/message.hpp"

namespace crible::builder {

/// What a builder is told once, for a run.
struct BuilderConfig {
  std::uint32_t run = 0;
  /// The sources that every event must have, in the order of Event::fragments; any number, no number twice.
  std::vector<std::uint16_t> sources;
  /// Event n belongs to block n / block_events, and block b to shard b mod shards.
  std::uint64_t block_events = 4096;
  std::uint32_t shards = 1;
  std::uint32_t shard = 0;
  /// How long an event waits for its last source, from its first fragment.
  std::int64_t timeout_ns = 1'000'000'000;
  /// Events of this shard that the builder can keep open and remember: a power of two, at least two blocks.
  std::size_t ring_events = 16384;
  /// Closed events that may be unreleased: at least 2 * block_events + 1, as one packet can close so many. 0:
  /// the smallest.
  std::size_t closed_events = 0;
  /// Messages that may be referred to by open and unreleased events.
  std::size_t max_packets = 4096;
  /// Packets held back because their event numbers jump or their source is ahead (see EventBuilder). A caller
  /// that heeds on_hold() needs packets_until_hold for each source, and a few more.
  std::size_t max_held_packets = 64;
};

/// So many packets of one source that nobody believes, one after the other, are no mistake but a jump: the
/// source is on hold until the others have jumped or a timeout is over.
inline constexpr std::uint32_t packets_until_hold = 4;

/// What accept() did with a message.
enum class Accepted : std::uint8_t {
  /// Taken, whatever became of its fragments.
  taken,
  /// Nothing was done, the message is still the caller's: release some events, then offer it again.
  busy,
};

/// Builds the events of one shard from packets. One thread; no clock, lock or allocation after construction.
///
/// An event is open from its first fragment until the set of sources is there, its time is over, the run
/// stops, or its ring place is needed. It is then in closed() until the pipeline calls release(). Fragments
/// stay in the messages they came in; a message is dropped with the last event that refers to it.
///
/// Memory of what was: each place of the ring keeps the number and the source set of the last event that it
/// held. So for the last ring_events events "the event has this fragment" (duplicate) and "the event was
/// closed without it" (late) are told apart exactly; an event that is older than its place's is late, and so
/// is one whose place was taken by another, for the rest of the run: no event is opened twice.
///
/// Sources out of step: a packet that is more than half of the ring (less when packets run short) ahead of a
/// source that is on its way is held back until that one comes nearer, or is given up (pacer.hpp). Whoever
/// receives from several sources leaves those that are on_hold(); then a source can be ahead by any amount
/// and nothing is evicted. Otherwise, when max_held_packets are held back, the oldest is placed at the cost
/// of older events.
///
/// Event numbers that jump: a packet more than ring_events ahead of all that is believed so far is held back.
/// It is believed when more sources were seen there last than here, or when a timeout later it is not
/// outvoted; otherwise its fragments are counted as far_ahead. So one source's broken numbers cost its own
/// packets only, and a true jump of all sources costs nothing.
class EventBuilder {
 public:
  /// Throws Error naming the key when the configuration makes no sense.
  explicit EventBuilder(const BuilderConfig& config);
  ~EventBuilder();
  EventBuilder(const EventBuilder&) = delete;
  EventBuilder& operator=(const EventBuilder&) = delete;

  /// Checks a frame, books it, and puts its fragments into their events. The message is moved from when it is
  /// taken. `now_ns`: the caller's monotonic clock, never going back.
  [[nodiscard]] Accepted accept(wire::Message& message, std::int64_t now_ns) noexcept;

  /// Closes the events whose time is over, and settles held packets. Call it every millisecond or so.
  void advance(std::int64_t now_ns) noexcept;

  /// For each source, in the order of BuilderConfig::sources, whether nothing should be received from it now.
  std::span<const std::uint8_t> on_hold() const noexcept;

  /// From now on no source waits for others: what has been received is all that will be, as at a stop.
  void wait_for_nobody(std::int64_t now_ns) noexcept;

  /// Closes all open events as incomplete_stop and settles held packets. False: not all, as too many are
  /// unreleased; release some and call it again.
  [[nodiscard]] bool stop(std::int64_t now_ns) noexcept;

  /// The next closed event, oldest closing first, or null. Each is handed out once.
  Event* next_closed() noexcept;

  /// Closed events that wait to be handed out.
  std::size_t closed_count() const noexcept;

  /// The event was decided: books the outcome and drops its messages. In any order.
  void release(Event& event, Outcome outcome) noexcept;

  /// The next book that is finished, or null: valid until the next call of any function. Hand it to
  /// Ledger::add() or write it down at once. A luminosity block's book is finished when every source has
  /// closed the block and all its events are decided, when it has been idle for two timeouts while a newer
  /// one is in use, or by finish_books(). What comes for the block later makes another part of its book.
  const Book* next_finished_book() noexcept;

  /// Ends all books, as at the end of a run, whatever they hold.
  void finish_books() noexcept;

  /// Adds the books in use, as they stand, to `ledger`; for monitoring.
  void add_current_books(Ledger& ledger) const;

  /// True when every source has sent end_of_run since its last start.
  bool all_sources_ended() const noexcept;

  /// Events open now.
  std::size_t open_count() const noexcept;

  /// When the next open event's or held packet's time is over; INT64_MAX when there is none.
  std::int64_t next_deadline_ns() const noexcept;

  /// An empty ledger of this run and these sources.
  Ledger make_ledger() const;

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace crible::builder
