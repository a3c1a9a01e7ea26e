#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "bench/suites/load.hpp"

namespace crible::bench {

/// Takes the decisions of a run in a thread of its own and keeps one of so many to be checked when the run is
/// over, so that checking does not disturb it.
class Collector {
 public:
  /// Listens on an address of its own choice. A decision is kept when its event's number, hashed, is 0 modulo
  /// `keep_one_in`.
  explicit Collector(std::uint64_t keep_one_in);
  ~Collector();
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;

  const std::string& address() const { return address_; }

  /// So far; any thread.
  std::uint64_t decisions() const { return decisions_.load(std::memory_order_relaxed); }

  /// Takes what has arrived, then ends.
  void stop();

  /// After stop(): encoded decisions that were kept.
  std::vector<std::span<const std::byte>> kept() const;
  std::uint64_t bad_frames() const { return bad_frames_; }

 private:
  void receive();
  void take(std::span<const std::byte> frame);

  std::uint64_t keep_one_in_;
  zmq::context_t context_;
  zmq::socket_t socket_;
  std::string address_;
  std::vector<std::byte> kept_;
  std::vector<std::size_t> starts_;
  std::uint64_t bad_frames_ = 0;
  std::atomic<std::uint64_t> decisions_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace crible::bench
