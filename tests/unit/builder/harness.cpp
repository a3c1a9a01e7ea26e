#include "tests/unit/builder/harness.hpp"

#include <gtest/gtest.h>

#include <numeric>

namespace crible::builder::testing {

Bytes payload_of(std::uint16_t source, std::uint64_t event) {
  Bytes bytes((source + event) % 7);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(31 * source + 7 * event + 3 * i + (event >> 24));
  }
  return bytes;
}

BuilderConfig small_config(std::vector<std::uint16_t> sources) {
  BuilderConfig config;
  config.run = 5;
  config.sources = std::move(sources);
  config.block_events = 100;
  config.timeout_ns = 1000;
  config.ring_events = 256;
  return config;
}

BuilderConfig numbered_config(std::uint16_t source_count) {
  std::vector<std::uint16_t> sources(source_count);
  std::iota(sources.begin(), sources.end(), std::uint16_t{0});
  return small_config(sources);
}

wire::PacketWriter writer_of(std::uint16_t source, std::uint32_t epoch, std::uint32_t run) {
  return wire::PacketWriter({source, run, epoch, 100});
}

std::vector<wire::PacketWriter> writers_of(std::uint16_t count, std::uint32_t epoch) {
  std::vector<wire::PacketWriter> writers;
  for (std::uint16_t i = 0; i < count; ++i) writers.push_back(writer_of(i, epoch));
  return writers;
}

/// A copy of a frame on the heap, exactly as long, so that AddressSanitizer sees what is read when.
struct Harness::Kept {
  Bytes bytes;
  std::size_t* count;

  static void release(void* owner) noexcept {
    auto* kept = static_cast<Kept*>(owner);
    --*kept->count;
    delete kept;
  }
};

Harness::Harness(BuilderConfig config)
    : config_(config), builder_(config), finished_(config.run, config.sources) {}

Harness::~Harness() = default;

void Harness::send(std::span<const std::byte> frame) {
  auto* kept = new Kept{{frame.begin(), frame.end()}, &messages_kept_};
  ++messages_kept_;
  wire::Message message(kept->bytes, kept, Kept::release);
  for (int round = 0; builder_.accept(message, now_ns) == Accepted::busy; ++round) {
    ASSERT_LT(round, 1000) << "the builder stays busy";
    ASSERT_FALSE(hold_events) << "the builder is busy and nobody decides";
    decide();
  }
  if (!hold_events) decide();
  check_balance();
}

void Harness::send(wire::PacketWriter& writer, const std::vector<std::uint64_t>& events,
                   std::uint32_t luminosity_block) {
  for (const std::uint64_t event : events) {
    ASSERT_TRUE(writer.fits(event, luminosity_block, 8));
    writer.add(event, luminosity_block, payload_of(writer.sender().source, event));
  }
  send(writer.finish(static_cast<std::uint64_t>(now_ns) + 1'000'000));
}

void Harness::wait(std::int64_t duration_ns) {
  now_ns += duration_ns;
  builder_.advance(now_ns);
  if (!hold_events) decide();
  // A small builder closes no more at once than it has room for.
  for (int round = 0; round < 1000 && !hold_events && builder_.next_deadline_ns() <= now_ns; ++round) {
    builder_.advance(now_ns);
    decide();
  }
  check_balance();
}

void Harness::decide() {
  while (Event* event = builder_.next_closed()) see(*event);
  take_books();
}

void Harness::see(Event& event) {
  SeenEvent seen{event.number,
                 event.luminosity_block,
                 event.close_reason,
                 {},
                 event.mixed_luminosity_blocks,
                 event.first_received_ns,
                 event.last_received_ns,
                 event.built_ns,
                 event.sent_ns};
  ASSERT_EQ(event.fragments.size(), config_.sources.size());
  for (std::size_t i = 0; i < event.fragments.size(); ++i) {
    if (!event.fragments[i].present()) continue;
    const std::uint16_t source = config_.sources[i];
    const auto bytes = event.fragments[i].bytes();
    EXPECT_EQ(Bytes(bytes.begin(), bytes.end()), payload_of(source, event.number))
        << "source " << source << ", event " << event.number;
    seen.sources.push_back(source);
  }
  EXPECT_EQ(event.missing_count, config_.sources.size() - seen.sources.size());
  EXPECT_EQ(event.complete(), event.missing_count == 0);
  EXPECT_TRUE(numbers_seen_.insert(event.number).second) << "event " << event.number << " is decided twice";
  events_.push_back(seen);
  builder_.release(event, outcome(seen));
}

void Harness::take_books() {
  while (const Book* book = builder_.next_finished_book()) {
    EXPECT_EQ(balance(*book, config_.sources), std::vector<std::string>{});
    finished_blocks_.push_back(book->luminosity_block);
    finished_.add(*book);
  }
}

void Harness::check_balance() const {
  EXPECT_EQ(ledger().balance(), std::vector<std::string>{});
}

Ledger Harness::ledger() const {
  Ledger sum = finished_;
  builder_.add_current_books(sum);
  return sum;
}

Ledger Harness::stop() {
  bool stopped = false;
  for (int round = 0; !stopped; ++round) {
    EXPECT_LT(round, 1000) << "the builder does not stop";
    if (round == 1000) break;
    stopped = builder_.stop(now_ns);
    decide();
  }
  builder_.finish_books();
  take_books();
  EXPECT_EQ(builder_.open_count(), 0u);
  EXPECT_EQ(messages_kept_, 0u) << "a message was not given back";
  EXPECT_EQ(finished_.check_final(), std::vector<std::string>{});
  return finished_;
}

}  // namespace crible::builder::testing
