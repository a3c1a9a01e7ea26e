#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/builder/books.hpp"
#include "engine/builder/builder.hpp"
#include "engine/builder/event.hpp"
#include "engine/builder/packet_pool.hpp"
#include "engine/builder/past_events.hpp"
#include "engine/wire/packet.hpp"

namespace crible::builder {

/// What became of the fragments of one packet.
struct Placement {
  std::uint32_t fresh = 0;
  std::uint32_t duplicate = 0;
  std::uint32_t late = 0;
};

/// Open events in a ring, closed events in a pool, and the packets that both refer to. Books what happens to
/// events, and the move of their fragments from pending to used or evicted.
class EventStore {
 public:
  EventStore(const BuilderConfig& config, Books& books);

  /// Whether a packet of so many fragments can be placed: each of them can close two events.
  bool has_room(std::uint32_t fragment_count) const noexcept {
    return free_events_.size() >= 2 * static_cast<std::size_t>(fragment_count);
  }

  /// The position of an event among this shard's events: consecutive inside a block and from one block of the
  /// shard to the next.
  std::uint64_t position(std::uint64_t event) const noexcept {
    return shards_ == 1 ? event : event / block_events_ / shards_ * block_events_ + event % block_events_;
  }

  /// Puts the fragments of a kept packet into their events. `newest_position`: of the events believed in;
  /// what is a ring farther ahead of it is in nobody's way. Precondition: has_room().
  Placement place(const wire::PacketView& packet, std::uint32_t kept, std::size_t source,
                  std::uint64_t newest_position, std::int64_t now_ns) noexcept;

  /// Closes open events, the oldest first, while there is room: those opened at or before the given time.
  /// Returns false when room ran out.
  bool close_opened_until(std::int64_t opened_ns, CloseReason reason, std::int64_t now_ns) noexcept;

  /// Closes at most `count` of the oldest open events as evicted.
  void evict_oldest(std::size_t count, std::int64_t now_ns) noexcept;

  Event* next_closed() noexcept;
  std::size_t closed_count() const noexcept { return closed_count_; }
  /// Closed events that were not released, handed out or not.
  std::size_t unreleased_count() const noexcept { return events_.size() - free_events_.size(); }
  void release(Event& event, Outcome outcome) noexcept;

  std::size_t open_count() const noexcept { return open_count_; }
  /// When the oldest open event was opened; INT64_MAX when none is open.
  std::int64_t oldest_opened_ns() const noexcept;

  PacketPool& packets() noexcept { return packets_; }

 private:
  static constexpr std::uint32_t none = 0xffffffff;

  enum class State : std::uint8_t { empty, open, closed };

  /// A place of the ring. One cache line.
  struct alignas(64) Place {
    std::uint64_t number = 0;
    /// Which of the first 64 sources are there; the others are in wide_present_.
    std::uint64_t present = 0;
    std::int64_t opened_ns = 0;
    std::uint32_t missing_count = 0;
    std::uint32_t luminosity_block = 0;
    /// Neighbours among the open events, by age.
    std::uint32_t older = none;
    std::uint32_t younger = none;
    State state = State::empty;
    bool mixed_luminosity_blocks = false;
  };

  /// What the fragments of the packet that is being placed have in common.
  struct Incoming {
    std::uint32_t luminosity_block = 0;
    std::uint64_t newest_position = 0;
    std::int64_t now_ns = 0;
  };

  enum class Claim : std::uint8_t { open, known, late };

  Claim claim(std::size_t index, std::uint64_t number, const Incoming& incoming) noexcept;
  void open(std::size_t index, std::uint64_t number, const Incoming& incoming) noexcept;
  void close(std::size_t index, CloseReason reason, std::int64_t now_ns) noexcept;
  void book_closed(const Event& event, std::int64_t now_ns) noexcept;
  void unlink(const Place& place) noexcept;
  void append(std::uint32_t index) noexcept;
  bool has(std::size_t index, std::size_t source) const noexcept;
  void collect(std::size_t index, Event& event) noexcept;

  const std::size_t source_count_;
  const std::uint64_t block_events_;
  const std::uint32_t shards_;
  const std::size_t mask_;
  Books& books_;

  std::vector<Place> places_;
  /// Words 1, 2, ... of the source sets: word w of place i is at (w - 1) * places + i.
  std::vector<std::uint64_t> wide_present_;
  /// The fragment of source s in place i is at s * fragment_stride_ + i: a packet's fragments lie side by
  /// side.
  std::vector<Fragment> fragments_;
  const std::size_t fragment_stride_;
  std::uint32_t oldest_ = none;
  std::uint32_t youngest_ = none;
  std::size_t open_count_ = 0;

  std::vector<Event> events_;
  std::vector<Fragment> event_fragments_;
  /// Numbers of unused events; its capacity is their number.
  std::vector<std::uint32_t> free_events_;
  /// Closed events to be handed out, a ring of numbers.
  std::vector<std::uint32_t> closed_;
  std::size_t closed_begin_ = 0;
  std::size_t closed_count_ = 0;

  PacketPool packets_;
  PastEvents past_;
};

}  // namespace crible::builder
