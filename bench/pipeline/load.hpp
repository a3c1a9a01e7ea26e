#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

namespace crible::bench {

/// What the load looks like: every source has one fragment of each event.
struct LoadShape {
  std::uint32_t run = 7;
  std::size_t sources = 8;
  std::size_t fragment_bytes = 200;
  std::size_t events_per_packet = 256;
  std::size_t buffers = 24;  // packets of each source that ZeroMQ may hold
};

/// One source that costs as little as possible, so that a benchmark measures the receiver: its packets are
/// built once, and each time one is sent only its header and its checksum change (the checksum by adding
/// the header's part to that of the rest, which CRCs allow). Sent without copying.
class LoadSource {
 public:
  LoadSource(zmq::context_t& context, const LoadShape& shape, std::uint16_t source,
             const std::string& address, int high_water_frames);
  ~LoadSource();

  /// Sends the packet of events [first_event, first_event + events_per_packet), waiting for room.
  /// Returns its length.
  std::size_t send(std::uint64_t first_event, std::uint32_t luminosity_block, std::uint64_t time_ns);

  /// Sends the end of the run.
  void end(std::uint32_t luminosity_block, std::uint64_t time_ns);

 private:
  struct Buffer {
    std::vector<std::byte> frame;
    std::array<std::uint32_t, 32> shift{};  // what each bit of the header's checksum adds to the frame's
    std::uint32_t rest_crc = 0;
    std::atomic<bool> free{true};
  };

  static void give_back(void* bytes, void* buffer) noexcept;
  Buffer& take();

  LoadShape shape_;
  std::uint16_t source_;
  std::uint32_t epoch_;
  std::uint64_t sequence_ = 0;
  std::uint64_t fragments_ = 0;
  zmq::socket_t socket_;
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::size_t next_ = 0;
};

}  // namespace crible::bench
