// A byte stream is a list of frames (2 bytes of length, then the frame) for an event builder. Whatever they
// are: no crash, each event handed out once and its fragments readable, every message given back, and a
// ledger that balances after every frame.
//
// A frame whose first byte is 0xff gets a right checksum and frame length first, as no fuzzer guesses those.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include "engine/builder/builder.hpp"
#include "engine/wire/crc32c.hpp"

namespace {

using namespace crible;
using builder::Event;
using builder::EventBuilder;

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "packet_fuzz: %s\n", what);
  std::abort();
}

struct Kept {
  std::vector<std::byte> bytes;
  std::size_t* count;

  static void release(void* owner) noexcept {
    auto* kept = static_cast<Kept*>(owner);
    --*kept->count;
    delete kept;
  }
};

/// The frame, made whole when it asks for it by its first byte.
std::vector<std::byte> frame_of(const std::uint8_t* data, std::size_t size) {
  const auto* bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> frame(bytes, bytes + size);
  if (size < sizeof(wire::PacketHeader) || data[0] != 0xff) return frame;
  wire::PacketHeader header;
  std::memcpy(&header, frame.data(), sizeof header);
  header.magic = wire::packet_magic;
  header.frame_bytes = static_cast<std::uint32_t>(size);
  std::memcpy(frame.data(), &header, sizeof header);
  header.crc32c = wire::frame_checksum(frame);
  std::memcpy(frame.data(), &header, sizeof header);
  return frame;
}

class Run {
 public:
  Run() : builder_(config()), finished_(builder_.make_ledger()) {}

  void take(const std::uint8_t* data, std::size_t size) {
    auto* kept = new Kept{frame_of(data, size), &kept_};
    ++kept_;
    now_ns_ += size;
    wire::Message message(kept->bytes, kept, Kept::release);
    for (int round = 0; builder_.accept(message, now_ns_) == builder::Accepted::busy; ++round) {
      require(round < 1000, "the builder stays busy");
      decide();
    }
    builder_.advance(now_ns_);
    decide();
    builder::Ledger sum = finished_;
    builder_.add_current_books(sum);
    require(sum.balance().empty(), "the ledger does not balance");
  }

  void stop() {
    for (int round = 0; !builder_.stop(now_ns_); ++round) {
      require(round < 1000, "the builder does not stop");
      decide();
    }
    decide();
    builder_.finish_books();
    take_books();
    require(kept_ == 0, "a message was not given back");
    require(builder_.open_count() == 0, "an event stayed open");
    const builder::Book total = finished_.total();
    require(finished_.balance().empty(), "the final ledger does not balance");
    require(total.events.closed() == events_, "an event was not handed out once");
    require(total.total().fragments.pending == 0, "a fragment is pending after the stop");
  }

 private:
  static builder::BuilderConfig config() {
    builder::BuilderConfig config;
    config.run = 5;
    config.sources = {0, 1, 2};
    config.block_events = 16;
    config.shards = 2;
    config.timeout_ns = 1000;
    config.ring_events = 64;
    config.max_packets = 16;
    config.max_held_packets = 4;
    return config;
  }

  void decide() {
    while (Event* event = builder_.next_closed()) {
      std::size_t present = 0;
      for (const builder::Fragment& fragment : event->fragments) {
        if (!fragment.present()) continue;
        ++present;
        for (const std::byte byte : fragment.bytes()) sum_ = sum_ + static_cast<std::uint8_t>(byte);
      }
      require(present + event->missing_count == event->fragments.size(), "missing fragments are miscounted");
      require(present > 0, "an event without fragments");
      require(numbers_.insert(event->number).second, "an event is decided twice");
      require(event->complete() == (event->missing_count == 0), "a wrong reason for closing");
      builder_.release(*event, static_cast<builder::Outcome>(event->number % 4));
      ++events_;
    }
    take_books();
  }

  void take_books() {
    while (const builder::Book* book = builder_.next_finished_book()) finished_.add(*book);
  }

  std::size_t kept_ = 0;
  EventBuilder builder_;
  builder::Ledger finished_;
  std::int64_t now_ns_ = 0;
  std::int64_t events_ = 0;
  std::set<std::uint64_t> numbers_;
  volatile std::uint64_t sum_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Run run;
  while (size >= 2) {
    const std::size_t length = std::min<std::size_t>(data[0] | data[1] << 8, size - 2);
    run.take(data + 2, length);
    data += 2 + length;
    size -= 2 + length;
  }
  run.stop();
  return 0;
}
