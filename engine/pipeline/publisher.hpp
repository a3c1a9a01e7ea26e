#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "engine/pipeline/decision_frame.hpp"
#include "engine/pipeline/run_config.hpp"

namespace crible::pipeline {

/// Sends the decisions of one shard, many in a frame. Frames are written in place into buffers that ZeroMQ
/// gives back when it has sent them; when none is free or the peer does not take more, the shard waits or
/// the frame is dropped and its decisions counted, as the configuration says. One thread.
class Publisher {
 public:
  struct Identity {
    std::uint32_t run = 0;
    std::uint32_t shard = 0;
    std::array<std::uint8_t, 16> hash{};  // of menu and networks
  };

  struct Counters {
    std::uint64_t frames = 0;
    std::uint64_t bytes = 0;
    std::uint64_t published = 0;  // decisions that were given to ZeroMQ
    std::uint64_t dropped = 0;    // decisions that nobody took
    std::uint64_t ledgers_dropped = 0;
    std::uint64_t waits = 0;  // times the shard had to wait for the collector

    void add(const Counters& other) noexcept;
  };

  /// Connects or binds. Throws Error when the address cannot be used.
  Publisher(zmq::context_t& context, const DecisionsConfig& config, const std::string& address,
            Identity identity);
  ~Publisher();

  Publisher(const Publisher&) = delete;
  Publisher& operator=(const Publisher&) = delete;

  /// The open frame has room for an encoded decision of so many bytes; otherwise try_flush() first.
  bool fits(std::size_t bytes) const noexcept {
    return open_ == nullptr || used_bytes_ + bytes <= frame_limit;
  }

  /// Room for one encoded decision of `bytes` (a multiple of 8), to be filled at once. Empty when it does
  /// not fit, or ZeroMQ holds all buffers: try_flush() later, or count_dropped().
  std::span<std::byte> reserve(std::size_t bytes, std::int64_t now_ns) noexcept;

  /// A decision found no room and was given up.
  void count_dropped() noexcept { ++counters_.dropped; }

  /// The open frame holds flush_events, or has been open for flush_ns.
  bool due(std::int64_t now_ns) const noexcept {
    return count_ >= flush_events_ || (count_ != 0 && now_ns - opened_ns_ >= flush_ns_);
  }
  /// Decisions or ledgers wait to be sent.
  bool pending() const noexcept { return count_ != 0 || !ledgers_.empty(); }

  /// Sends the open frame and the ledgers. Returns false when the peer takes no more and the configuration
  /// says wait.
  bool try_flush() noexcept;

  /// reserve() may give room later: the collector is slow, or not there yet.
  bool waits_for_room() const noexcept { return when_full_ == WhenFull::wait; }

  /// Takes a luminosity block's book, to be sent behind the decisions so far. Too many that wait are dropped
  /// and counted (the recording has them too).
  void add_ledger(std::string_view json);

  /// Gives up what was not sent: counted as dropped.
  void give_up() noexcept;

  const Counters& counters() const noexcept { return counters_; }

 private:
  static constexpr std::size_t frame_limit = 128 << 10;
  static_assert(frame_limit >= sizeof(DecisionFrameHeader) + menu::max_decision_bytes);

  /// Lives until neither the publisher nor ZeroMQ holds it.
  struct Buffer {
    std::unique_ptr<std::byte[]> bytes;
    std::atomic<int> holders{1};
  };

  static void let_go(void* bytes, void* buffer) noexcept;
  bool open_buffer() noexcept;
  bool send_open() noexcept;
  void drop_open() noexcept;
  void write_header(std::span<std::byte> frame, FrameKind kind, std::uint32_t count) noexcept;

  zmq::socket_t socket_;
  Identity identity_;
  WhenFull when_full_;
  std::size_t flush_events_;
  std::int64_t flush_ns_;
  std::vector<Buffer*> buffers_;
  Buffer* open_ = nullptr;  // being filled
  std::size_t used_bytes_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t sequence_ = 0;
  std::int64_t opened_ns_ = 0;
  std::deque<std::vector<std::byte>> ledgers_;  // frames without headers
  Counters counters_;
};

}  // namespace crible::pipeline
