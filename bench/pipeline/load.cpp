#include "bench/pipeline/load.hpp"

#include <chrono>
#include <cstring>
#include <random>
#include <thread>

#include "engine/wire/crc32c.hpp"
#include "engine/wire/packet_writer.hpp"

namespace crible::bench {

namespace {

constexpr std::uint32_t epoch = 1;
constexpr std::size_t crc_offset = offsetof(wire::PacketHeader, crc32c);

/// The checksum of `bytes` zeros after a state is an affine function of that state; these are the columns
/// of its linear part.
std::array<std::uint32_t, 32> shift_by(std::size_t bytes) {
  const std::vector<std::byte> zeros(bytes);
  const std::uint32_t origin = wire::crc32c(zeros, 0);
  std::array<std::uint32_t, 32> columns{};
  for (std::size_t bit = 0; bit < 32; ++bit) {
    columns[bit] = wire::crc32c(zeros, std::uint32_t{1} << bit) ^ origin;
  }
  return columns;
}

}  // namespace

LoadSource::LoadSource(zmq::context_t& context, const LoadShape& shape, std::uint16_t source,
                       const std::string& address, int high_water_frames)
    : shape_(shape), source_(source), epoch_(epoch), socket_(context, zmq::socket_type::push) {
  socket_.set(zmq::sockopt::sndhwm, high_water_frames);
  socket_.connect(address);
  std::mt19937 random(source + 1);
  wire::PacketWriter writer({.source = source, .run = shape.run, .epoch = epoch_});
  std::vector<std::byte> payload(shape.fragment_bytes);
  for (std::size_t b = 0; b < shape.buffers; ++b) {
    for (std::size_t e = 0; e < shape.events_per_packet; ++e) {
      for (std::byte& byte : payload) byte = static_cast<std::byte>(random() & 0x7f);
      writer.add(e, 0, payload);
    }
    const auto frame = writer.finish(0);
    auto buffer = std::make_unique<Buffer>();
    buffer->frame.assign(frame.begin(), frame.end());
    const std::span<const std::byte> rest(buffer->frame.data() + sizeof(wire::PacketHeader),
                                          frame.size() - sizeof(wire::PacketHeader));
    buffer->rest_crc = wire::crc32c(rest, 0);
    buffer->shift = buffers_.empty() ? shift_by(rest.size()) : buffers_.front()->shift;
    buffers_.push_back(std::move(buffer));
  }
}

LoadSource::~LoadSource() {
  socket_.close();
  for (const auto& buffer : buffers_) {
    while (!buffer->free.load(std::memory_order_acquire)) std::this_thread::yield();
  }
}

void LoadSource::give_back(void*, void* hint) noexcept {
  static_cast<Buffer*>(hint)->free.store(true, std::memory_order_release);
}

LoadSource::Buffer& LoadSource::take() {
  for (;; next_ = (next_ + 1) % buffers_.size()) {
    Buffer& buffer = *buffers_[next_];
    if (buffer.free.exchange(false, std::memory_order_acquire)) {
      next_ = (next_ + 1) % buffers_.size();
      return buffer;
    }
    if (next_ + 1 == buffers_.size()) std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
}

std::size_t LoadSource::send(std::uint64_t first_event, std::uint32_t luminosity_block,
                             std::uint64_t time_ns) {
  Buffer& buffer = take();
  wire::PacketHeader header;
  std::memcpy(&header, buffer.frame.data(), sizeof header);
  header.sequence = sequence_++;
  header.first_event = first_event;
  header.luminosity_block = luminosity_block;
  header.time_ns = time_ns;
  header.fragments_before = static_cast<std::uint32_t>(fragments_);
  fragments_ += shape_.events_per_packet;
  const std::uint32_t head_crc = wire::crc32c({reinterpret_cast<const std::byte*>(&header), crc_offset}, 0);
  header.crc32c = buffer.rest_crc;
  for (std::size_t bit = 0; bit < 32; ++bit) {
    if ((head_crc >> bit & 1) != 0) header.crc32c ^= buffer.shift[bit];
  }
  std::memcpy(buffer.frame.data(), &header, sizeof header);
  zmq::message_t message(buffer.frame.data(), buffer.frame.size(), &LoadSource::give_back, &buffer);
  socket_.send(message, zmq::send_flags::none);
  return buffer.frame.size();
}

void LoadSource::end(std::uint32_t luminosity_block, std::uint64_t time_ns) {
  wire::PacketHeader header;
  header.kind = wire::PacketKind::end_of_run;
  header.source = source_;
  header.run = shape_.run;
  header.sequence = sequence_;
  header.luminosity_block = luminosity_block;
  header.time_ns = time_ns;
  header.epoch = epoch_;
  header.fragments_before = static_cast<std::uint32_t>(fragments_);
  const wire::SentCounts counts{sequence_, fragments_};
  header.frame_bytes = sizeof header + sizeof counts;
  std::vector<std::byte> frame(header.frame_bytes);
  std::memcpy(frame.data(), &header, sizeof header);
  std::memcpy(frame.data() + sizeof header, &counts, sizeof counts);
  const std::uint32_t crc = wire::frame_checksum(frame);
  std::memcpy(frame.data() + crc_offset, &crc, sizeof crc);
  ++sequence_;
  zmq::message_t message(frame.data(), frame.size());
  socket_.send(message, zmq::send_flags::none);
}

}  // namespace crible::bench
