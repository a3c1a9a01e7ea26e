#include "engine/pipeline/publisher.hpp"

#include <algorithm>
#include <cstring>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/wire/crc32c.hpp"

namespace crible::pipeline {

namespace {

constexpr std::size_t buffer_count = 64;
constexpr std::size_t most_ledgers = 1024;  // that wait for the collector

std::string problem(const DecisionsConfig& config, const std::string& address, int code) {
  const std::string what =
      config.bind ? "cannot bind the decisions' address " : "cannot connect decisions to ";
  return what + address + ": " + zmq_strerror(code) + "; check run.decisions";
}

}  // namespace

Publisher::Publisher(zmq::context_t& context, const DecisionsConfig& config, const std::string& address,
                     Identity identity)
    : socket_(context, config.publish ? zmq::socket_type::pub : zmq::socket_type::push),
      identity_(identity),
      when_full_(config.when_full),
      flush_events_(std::max<std::size_t>(config.flush_events, 1)),
      flush_ns_(config.flush_ns) {
  socket_.set(zmq::sockopt::sndhwm, config.high_water_frames);
  socket_.set(zmq::sockopt::linger, static_cast<int>(config.linger_ns / 1'000'000));
  socket_.set(zmq::sockopt::immediate, 1);  // no frames for a collector that is not there yet
  try {
    config.bind ? socket_.bind(address) : socket_.connect(address);
  } catch (const zmq::error_t& error) {
    throw Error(problem(config, address, error.num()));
  }
  for (std::size_t i = 0; i < buffer_count; ++i) {
    buffers_.push_back(new Buffer{std::make_unique<std::byte[]>(frame_limit)});
  }
}

Publisher::~Publisher() {
  for (Buffer* buffer : buffers_) let_go(nullptr, buffer);
}

void Publisher::let_go(void*, void* hint) noexcept {
  auto* buffer = static_cast<Buffer*>(hint);
  if (buffer->holders.fetch_sub(1, std::memory_order_acq_rel) == 1) delete buffer;
}

bool Publisher::open_buffer() noexcept {
  const auto free = std::ranges::find_if(
      buffers_, [](const Buffer* b) { return b->holders.load(std::memory_order_acquire) == 1; });
  if (free == buffers_.end()) return false;
  open_ = *free;
  used_bytes_ = sizeof(DecisionFrameHeader);
  count_ = 0;
  return true;
}

std::span<std::byte> Publisher::reserve(std::size_t bytes, std::int64_t now_ns) noexcept {
  if (open_ == nullptr && !open_buffer()) return {};
  if (used_bytes_ + bytes > frame_limit) return {};
  if (count_ == 0) opened_ns_ = now_ns;
  const std::span<std::byte> room(open_->bytes.get() + used_bytes_, bytes);
  used_bytes_ += bytes;
  ++count_;
  return room;
}

void Publisher::write_header(std::span<std::byte> frame, FrameKind kind, std::uint32_t count) noexcept {
  DecisionFrameHeader header{};
  header.magic = decision_magic;
  header.version = decision_version;
  header.header_bytes = sizeof header;
  header.run = identity_.run;
  header.shard = identity_.shard;
  header.sequence = sequence_;
  header.count = count;
  header.frame_bytes = static_cast<std::uint32_t>(frame.size());
  header.time_ns = realtime_ns();
  std::ranges::copy(identity_.hash, header.hash);
  header.kind = kind;
  std::memcpy(frame.data(), &header, sizeof header);
  const std::uint32_t crc = wire::frame_checksum(frame);
  std::memcpy(frame.data() + offsetof(DecisionFrameHeader, crc), &crc, sizeof crc);
}

bool Publisher::try_flush() noexcept {
  if (!send_open()) return false;
  while (!ledgers_.empty()) {
    write_header(ledgers_.front(), FrameKind::ledger, 0);
    if (!socket_.send(zmq::buffer(ledgers_.front()), zmq::send_flags::dontwait)) {
      return when_full_ == WhenFull::drop;
    }
    ++sequence_;
    ++counters_.frames;
    counters_.bytes += ledgers_.front().size();
    ledgers_.pop_front();
  }
  return true;
}

bool Publisher::send_open() noexcept {
  if (open_ == nullptr || count_ == 0) return true;
  write_header({open_->bytes.get(), used_bytes_}, FrameKind::decisions, count_);
  zmq_msg_t message;
  open_->holders.fetch_add(1, std::memory_order_relaxed);
  if (zmq_msg_init_data(&message, open_->bytes.get(), used_bytes_, &Publisher::let_go, open_) != 0) {
    open_->holders.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  if (zmq_msg_send(&message, socket_.handle(), ZMQ_DONTWAIT) < 0) {
    zmq_msg_close(&message);  // lets the buffer go; it stays open
    if (when_full_ == WhenFull::drop) {
      drop_open();
      return true;
    }
    ++counters_.waits;
    return false;
  }
  ++sequence_;
  ++counters_.frames;
  counters_.bytes += used_bytes_;
  counters_.published += count_;
  open_ = nullptr;
  count_ = 0;
  return true;
}

void Publisher::add_ledger(std::string_view json) {
  if (ledgers_.size() == most_ledgers) {
    ledgers_.pop_front();
    ++counters_.ledgers_dropped;
  }
  std::vector<std::byte>& frame = ledgers_.emplace_back(sizeof(DecisionFrameHeader));
  const auto* text = reinterpret_cast<const std::byte*>(json.data());
  frame.insert(frame.end(), text, text + json.size());
}

void Publisher::give_up() noexcept {
  counters_.ledgers_dropped += ledgers_.size();
  ledgers_.clear();
  if (count_ != 0) drop_open();
}

void Publisher::drop_open() noexcept {
  counters_.dropped += count_;
  ++sequence_;  // the receiver sees the gap
  open_ = nullptr;
  count_ = 0;
}

void Publisher::Counters::add(const Counters& other) noexcept {
  frames += other.frames;
  bytes += other.bytes;
  published += other.published;
  dropped += other.dropped;
  ledgers_dropped += other.ledgers_dropped;
  waits += other.waits;
}

}  // namespace crible::pipeline
