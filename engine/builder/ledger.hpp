#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/builder/event.hpp"
#include "engine/wire/packet.hpp"

// The ledger: what became of every fragment and every event, for each luminosity block, source and in total.
//
//   sent + outside = received + transport_gap
//   received       = used + duplicate + late + corrupt + unknown_source + wrong_run + far_ahead + evicted +
//   pending opened         = complete + incomplete_timeout + incomplete_stop + evicted + open closed =
//   accepted + rejected + prescaled_out + forced + in_flight,
//                    closed = complete + incomplete_timeout + incomplete_stop + evicted
//
// A book is a sum of entries each of which keeps the four equations, so books add up in any order: over
// shards, over machines, and over the parts of one luminosity block. A part that is written after the first
// one of its block can hold negative numbers (a fragment that was pending there and is used here); their sum
// cannot, and check() says so.

namespace crible::builder {

/// Fragments of one source.
struct FragmentCounts {
  /// What the source says that it sent in this run, by the numbers in its packets.
  std::int64_t sent = 0;
  /// Arrived, but not part of `sent`: packets that came twice, of another run, of an unknown source.
  std::int64_t outside = 0;
  /// Sent, but not arrived in a readable packet: lost, or in a damaged frame.
  std::int64_t transport_gap = 0;
  std::int64_t received = 0;
  /// In events that were closed as complete, by timeout or by the stop of the run.
  std::int64_t used = 0;
  /// The event had this source's fragment already.
  std::int64_t duplicate = 0;
  /// The event was closed without this source, or is older than the builder remembers.
  std::int64_t late = 0;
  /// In a packet that broke a rule: table, block, shard.
  std::int64_t corrupt = 0;
  std::int64_t unknown_source = 0;
  std::int64_t wrong_run = 0;
  /// Event number so far ahead of all other sources that it was not believed.
  std::int64_t far_ahead = 0;
  /// In events that were closed because their place was needed.
  std::int64_t evicted = 0;
  /// In open events, or held until a jump of event numbers is confirmed.
  std::int64_t pending = 0;
};

/// Packets of one source.
struct PacketCounts {
  std::int64_t sent = 0;
  std::int64_t outside = 0;
  std::int64_t transport_gap = 0;
  std::int64_t received = 0;
  /// The source started again (its epoch grew).
  std::int64_t restarts = 0;
  /// Control packets that closed this luminosity block.
  std::int64_t closings = 0;
  /// Packets whose counts of what was sent before do not agree with the source's other packets.
  std::int64_t contradictions = 0;
};

struct SourceBook {
  FragmentCounts fragments;
  PacketCounts packets;
};

/// Events of one luminosity block.
struct EventCounts {
  std::int64_t opened = 0;
  std::int64_t complete = 0;
  std::int64_t incomplete_timeout = 0;
  std::int64_t incomplete_stop = 0;
  std::int64_t evicted = 0;
  std::int64_t open = 0;
  std::int64_t accepted = 0;
  std::int64_t rejected = 0;
  std::int64_t prescaled_out = 0;
  std::int64_t forced = 0;
  /// Closed and not yet decided.
  std::int64_t in_flight = 0;
  /// Events whose sources did not agree on the luminosity block; they are among the others.
  std::int64_t mixed_luminosity_blocks = 0;

  std::int64_t closed() const noexcept { return complete + incomplete_timeout + incomplete_stop + evicted; }
};

/// All that is counted for one luminosity block.
struct Book {
  /// 4294967295: what belongs to none, as damaged frames before the first packet.
  std::uint32_t luminosity_block = 0;
  /// In the order of Ledger::sources().
  std::vector<SourceBook> sources;
  /// Packets whose source is not in the list.
  SourceBook unknown;
  EventCounts events;
  /// Frames by what parsing found, all sources; the statuses that name nobody are counted here only.
  std::array<std::int64_t, wire::packet_status_count> frames{};

  /// The sum over the sources and `unknown`.
  SourceBook total() const;
};

/// A counter's name and place, so that merging, printing and publishing are loops.
template <class Counts>
struct Counter {
  std::string_view name;
  std::int64_t Counts::*value;
};

extern const std::array<Counter<FragmentCounts>, 13> fragment_counters;
extern const std::array<Counter<PacketCounts>, 7> packet_counters;
extern const std::array<Counter<EventCounts>, 12> event_counters;

/// Adds `part`, of the same sources.
void add(Book& sum, const Book& part);

/// The equations that the book breaks, a sentence each; empty when it balances. True for parts too.
/// `sources`: the numbers of the sources, for the sentences.
std::vector<std::string> balance(const Book& book, const std::vector<std::uint16_t>& sources);

/// The books of a run, one for each luminosity block. Not for the hot path; one thread.
class Ledger {
 public:
  Ledger() = default;
  Ledger(std::uint32_t run, std::vector<std::uint16_t> sources);

  std::uint32_t run() const noexcept { return run_; }
  /// Source numbers; a book's sources are in this order.
  const std::vector<std::uint16_t>& sources() const noexcept { return sources_; }
  const std::map<std::uint32_t, Book>& books() const noexcept { return books_; }

  /// Adds a part of a luminosity block's book.
  void add(const Book& part);

  /// Adds another shard's or machine's ledger. Throws Error when the run or the sources differ.
  void merge(const Ledger& other);

  /// The sum over all luminosity blocks (its luminosity_block is 0).
  Book total() const;

  /// The equations that do not hold, a sentence each, for every luminosity block and in total; empty: the
  /// ledger balances.
  std::vector<std::string> balance() const;

  /// balance(), and what must hold besides when a run is over: nothing open, pending or in flight, no
  /// negative count, no source that contradicts itself.
  std::vector<std::string> check_final() const;

 private:
  std::uint32_t run_ = 0;
  std::vector<std::uint16_t> sources_;
  std::map<std::uint32_t, Book> books_;
};

/// The ledger as JSON text: run, sources, balanced, violations, total, and one object for each luminosity
/// block; zeros are written too, so that every key is always there.
std::string to_json(const Ledger& ledger);

/// One book as JSON text on one line, as it is written into a recording at a luminosity-block boundary.
std::string to_json(const Book& book, const std::vector<std::uint16_t>& sources);

/// The inverses. Throw Error naming what is wrong with the text.
Ledger ledger_from_json(std::string_view text);
Book book_from_json(std::string_view text);

}  // namespace crible::builder
