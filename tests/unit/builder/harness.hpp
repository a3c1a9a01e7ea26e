#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "engine/builder/builder.hpp"
#include "engine/wire/packet_writer.hpp"

namespace crible::builder::testing {

using Bytes = std::vector<std::byte>;

/// What a source sends of an event: different for each pair, of varying length.
Bytes payload_of(std::uint16_t source, std::uint64_t event);

/// A small builder: run 5, blocks of 100 events, a ring of 256, a timeout of 1000 ns.
BuilderConfig small_config(std::vector<std::uint16_t> sources);
/// The same for sources 0, 1, ...
BuilderConfig numbered_config(std::uint16_t source_count);

/// A source of that run, and all of the sources 0, 1, ...
wire::PacketWriter writer_of(std::uint16_t source, std::uint32_t epoch = 1, std::uint32_t run = 5);
std::vector<wire::PacketWriter> writers_of(std::uint16_t count, std::uint32_t epoch = 1);

/// A closed event, as a test remembers it.
struct SeenEvent {
  std::uint64_t number = 0;
  std::uint32_t luminosity_block = 0;
  CloseReason reason = CloseReason::complete;
  /// Numbers of the sources that are there.
  std::vector<std::uint16_t> sources;
  bool mixed = false;
  std::int64_t first_received_ns = 0;
  std::int64_t last_received_ns = 0;
  std::int64_t built_ns = 0;
  std::uint64_t sent_ns = 0;
};

/// A builder whose events are checked byte by byte and decided at once, none of them twice, whose messages
/// are counted, and whose ledger must balance after every step.
class Harness {
 public:
  explicit Harness(BuilderConfig config);
  ~Harness();

  /// Offers a frame at the present time until it is taken.
  void send(std::span<const std::byte> frame);
  /// Sends one packet of the source, with the payloads of payload_of().
  void send(wire::PacketWriter& writer, const std::vector<std::uint64_t>& events,
            std::uint32_t luminosity_block = 0);

  /// Lets the time pass, and the builder do what is due.
  void wait(std::int64_t duration_ns);
  /// Ends the run: everything closes, all books are finished; returns the ledger, which is checked.
  Ledger stop();

  /// Decides the events that are closed. Called by the functions above unless `hold_events` is set.
  void decide();

  EventBuilder& builder() { return builder_; }
  const std::vector<SeenEvent>& events() const { return events_; }
  /// Books taken so far, and those in use.
  Ledger ledger() const;
  /// Parts of books that the builder finished, in order.
  const std::vector<std::uint32_t>& finished_blocks() const { return finished_blocks_; }
  /// Messages that the builder has and has not given back.
  std::size_t messages_kept() const { return messages_kept_; }

  std::int64_t now_ns = 1000;
  bool hold_events = false;
  /// How an event is decided.
  std::function<Outcome(const SeenEvent&)> outcome = [](const SeenEvent&) { return Outcome::rejected; };

 private:
  struct Kept;
  void see(Event& event);
  void take_books();
  void check_balance() const;

  BuilderConfig config_;
  std::size_t messages_kept_ = 0;
  std::vector<SeenEvent> events_;
  std::set<std::uint64_t> numbers_seen_;
  std::vector<std::uint32_t> finished_blocks_;
  EventBuilder builder_;
  Ledger finished_;
};

}  // namespace crible::builder::testing
