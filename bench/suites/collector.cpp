#include "bench/suites/collector.hpp"

#include <algorithm>
#include <cstring>

#include "engine/menu/decision.hpp"
#include "engine/pipeline/decision_frame.hpp"

namespace crible::bench {

namespace {

std::uint64_t hash(std::uint64_t event) {
  return (event * 0x9E3779B97F4A7C15u) >> 32;
}

}  // namespace

Collector::Collector(std::uint64_t keep_one_in)
    : keep_one_in_(keep_one_in), socket_(context_, zmq::socket_type::pull) {
  socket_.set(zmq::sockopt::rcvtimeo, 50);
  socket_.bind("tcp://127.0.0.1:*");
  address_ = socket_.get(zmq::sockopt::last_endpoint);
  thread_ = std::thread([this] { receive(); });
}

Collector::~Collector() {
  stop();
}

void Collector::stop() {
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
}

void Collector::receive() {
  zmq::message_t message;
  for (;;) {
    const bool got = socket_.recv(message).has_value();
    if (got) take({message.data<const std::byte>(), message.size()});
    if (!got && stop_.load()) return;
  }
}

void Collector::take(std::span<const std::byte> frame) {
  pipeline::DecisionFrameHeader header;
  if (frame.size() < sizeof header) {
    ++bad_frames_;
    return;
  }
  std::memcpy(&header, frame.data(), sizeof header);
  if (header.magic != pipeline::decision_magic || header.frame_bytes != frame.size()) {
    ++bad_frames_;
    return;
  }
  if (header.kind != pipeline::FrameKind::decisions) return;
  frame = frame.subspan(sizeof header);
  for (std::uint32_t i = 0; i < header.count; ++i) {
    menu::DecisionHeader decision;
    if (frame.size() < sizeof decision) break;
    std::memcpy(&decision, frame.data(), sizeof decision);
    const std::size_t bytes = std::min<std::size_t>(decision.size_bytes, frame.size());
    if (hash(decision.event) % keep_one_in_ == 0) {
      starts_.push_back(kept_.size());
      kept_.insert(kept_.end(), frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(bytes));
    }
    frame = frame.subspan(bytes);
  }
  decisions_.fetch_add(header.count, std::memory_order_relaxed);
}

std::vector<std::span<const std::byte>> Collector::kept() const {
  std::vector<std::span<const std::byte>> result;
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const std::size_t end = i + 1 < starts_.size() ? starts_[i + 1] : kept_.size();
    result.push_back(std::span(kept_).subspan(starts_[i], end - starts_[i]));
  }
  return result;
}

}  // namespace crible::bench
