#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "bench/instrument/schedule.hpp"
#include "bench/suites/load.hpp"
#include "engine/wire/packet_writer.hpp"

namespace crible::bench {

/// All sources of a load in one thread: packs and sends the events of a shot at once, without ever waiting
/// for the receiver. Addresses by source and shard.
class Sender {
 public:
  Sender(zmq::context_t& context, const Load& load, const pipeline::RunConfig& config,
         const std::vector<std::vector<std::string>>& addresses);

  /// Sends events [first, first + count), which follow those before, and appends to `sent_ns` for each of
  /// them when its last packet was about to be given to ZeroMQ (CLOCK_MONOTONIC).
  void send(std::uint64_t first, std::size_t count, std::vector<std::int64_t>& sent_ns);

  /// Sends the end of the run to every shard.
  void end();

 private:
  struct Lane {
    std::size_t source;
    wire::PacketWriter writer;
    zmq::socket_t socket;
  };

  std::int64_t send_block(Lane& lane, std::uint64_t begin, std::uint64_t end);

  const Load& load_;
  std::uint64_t block_events_;
  std::vector<std::vector<std::unique_ptr<Lane>>> lanes_;  // by source and shard
};

}  // namespace crible::bench
