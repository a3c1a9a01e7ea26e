#include "bench/suites/sender.hpp"

#include <algorithm>

#include "bench/instrument/clock.hpp"
#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"

namespace crible::bench {

Sender::Sender(zmq::context_t& context, const Load& load, const pipeline::RunConfig& config,
               const std::vector<std::vector<std::string>>& addresses)
    : load_(load), block_events_(config.build.block_events) {
  for (std::size_t source = 0; source < load.sources(); ++source) {
    auto& lanes = lanes_.emplace_back();
    const auto id = static_cast<std::uint16_t>(load.trigger().description.sources[source].id);
    for (const std::string& address : addresses[source]) {
      const wire::Sender sender{
          .source = id, .run = config.number, .epoch = 1, .block_events = block_events_};
      lanes.push_back(std::make_unique<Lane>(
          Lane{source, wire::PacketWriter(sender), zmq::socket_t(context, zmq::socket_type::push)}));
      lanes.back()->socket.set(zmq::sockopt::sndhwm, 0);
      lanes.back()->socket.set(zmq::sockopt::linger, 0);
      lanes.back()->socket.connect(address);
    }
  }
}

void Sender::send(std::uint64_t first, std::size_t count, std::vector<std::int64_t>& sent_ns) {
  const std::uint64_t end = first + count;
  for (std::uint64_t begin = first; begin < end;) {
    const std::uint64_t block = begin / block_events_;
    const std::uint64_t stop = std::min(end, (block + 1) * block_events_);
    std::int64_t last_ns = 0;
    for (auto& lanes : lanes_) last_ns = send_block(*lanes[block % lanes.size()], begin, stop);
    sent_ns.resize(stop, last_ns);
    begin = stop;
  }
}

/// The events of one block go to one shard.
std::int64_t Sender::send_block(Lane& lane, std::uint64_t begin, std::uint64_t end) {
  for (std::uint64_t event = begin; event < end; ++event)
    lane.writer.add(event, Load::luminosity_block, load_.payloads(event)[lane.source]);
  zmq::message_t frame(lane.writer.frame_bytes());
  lane.writer.finish(static_cast<std::uint64_t>(realtime_ns()), {frame.data<std::byte>(), frame.size()});
  const std::int64_t now_ns = Clock::system_ns();
  if (!lane.socket.send(frame, zmq::send_flags::dontwait))
    throw Error("ZeroMQ refused a packet of the sender", Fault::failure);
  return now_ns;
}

void Sender::end() {
  for (const auto& lanes : lanes_) {
    for (const auto& lane : lanes) {
      const auto frame =
          lane->writer.end_of_run(Load::luminosity_block, static_cast<std::uint64_t>(realtime_ns()));
      lane->socket.set(zmq::sockopt::linger, 5000);
      lane->socket.send(zmq::buffer(frame.data(), frame.size()), zmq::send_flags::none);
    }
  }
}

}  // namespace crible::bench
