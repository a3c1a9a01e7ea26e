#include "engine/pipeline/receiver.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::pipeline {

namespace {

constexpr std::size_t frames_per_chunk = 256;
constexpr std::uint64_t calls_between_all = 16;

std::string bind_problem(const std::string& address, int code) {
  if (code == EADDRINUSE) {
    return "input address " + address + " is in use; stop the other program or choose another run.input.bind";
  }
  if (code == EMFILE || code == ENFILE) {
    return "no more sockets for input address " + address +
           "; each source needs three open files in each shard: raise the limit (ulimit -n)";
  }
  return "cannot listen at input address " + address + ": " + zmq_strerror(code) + "; check run.input.bind";
}

}  // namespace

Receiver::Receiver(zmq::context_t& context, const InputConfig& config,
                   const std::vector<std::string>& addresses) {
  for (const std::string& address : addresses) {
    try {
      inputs_.push_back({address, zmq::socket_t(context, zmq::socket_type::pull)});
      zmq::socket_t& socket = inputs_.back().socket;
      socket.set(zmq::sockopt::rcvhwm, config.high_water_frames);
      socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(config.max_frame_bytes));
      socket.set(zmq::sockopt::linger, 0);
      socket.bind(address);
    } catch (const zmq::error_t& error) {
      throw Error(bind_problem(address, error.num()));
    }
  }
  poll_.reserve(inputs_.size());
}

Receiver::~Receiver() = default;

bool Receiver::receive(wire::Message& message, std::span<const std::uint8_t> on_hold) noexcept {
  if (++call_ % calls_between_all == 0) {
    for (Input& input : inputs_) input.dry = false;
  }
  // First those that had something; when they have nothing more, the others.
  for (const bool all : {false, true}) {
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const std::size_t source = next_;
      next_ = next_ + 1 == inputs_.size() ? 0 : next_ + 1;
      Input& input = inputs_[source];
      if (on_hold[source] != 0 || input.asked == call_ || (input.dry && !all)) continue;
      input.asked = call_;
      input.dry = !receive_from(source, message);
      if (!input.dry) return true;
    }
  }
  for (Input& input : inputs_) input.dry = false;
  return false;
}

bool Receiver::receive_from(std::size_t source, wire::Message& message) noexcept {
  Frame* frame = take();
  if (frame == nullptr) return false;
  zmq_msg_init(&frame->message);
  if (zmq_msg_recv(&frame->message, inputs_[source].socket.handle(), ZMQ_DONTWAIT) < 0) {
    zmq_msg_close(&frame->message);
    free_.push_back(frame);
    return false;
  }
  most_held_ = std::max(most_held_, ++held_);
  const auto* bytes = static_cast<const std::byte*>(zmq_msg_data(&frame->message));
  message = wire::Message({bytes, zmq_msg_size(&frame->message)}, frame, &Receiver::release);
  return true;
}

void Receiver::release(void* owner) noexcept {
  auto* frame = static_cast<Frame*>(owner);
  zmq_msg_close(&frame->message);
  frame->owner->free_.push_back(frame);
  --frame->owner->held_;
}

/// A free frame, or null when there is no memory for one.
Receiver::Frame* Receiver::take() noexcept {
  if (free_.empty()) {
    try {
      auto chunk = std::make_unique<Frame[]>(frames_per_chunk);
      free_.reserve(frame_count_ + frames_per_chunk);
      for (std::size_t i = 0; i < frames_per_chunk; ++i) {
        chunk[i].owner = this;
        free_.push_back(&chunk[i]);
      }
      frames_.push_back(std::move(chunk));
      frame_count_ += frames_per_chunk;
    } catch (const std::bad_alloc&) {
      free_.clear();
      return nullptr;
    }
  }
  Frame* frame = free_.back();
  free_.pop_back();
  return frame;
}

void Receiver::wait(std::int64_t timeout_ns, std::span<const std::uint8_t> on_hold) noexcept {
  poll_.clear();
  for (std::size_t source = 0; source < inputs_.size(); ++source) {
    if (on_hold[source] == 0) poll_.push_back({inputs_[source].socket.handle(), 0, ZMQ_POLLIN, 0});
  }
  const std::int64_t timeout_ms = std::clamp<std::int64_t>((timeout_ns + 999'999) / 1'000'000, 0, 1000);
  if (zmq_poll(poll_.data(), static_cast<int>(poll_.size()), static_cast<long>(timeout_ms)) <= 0) return;
  auto polled = poll_.begin();
  for (std::size_t source = 0; source < inputs_.size(); ++source) {
    if (on_hold[source] == 0) inputs_[source].dry = (polled++->revents & ZMQ_POLLIN) == 0;
  }
}

void Receiver::close_door() noexcept {
  for (Input& input : inputs_) zmq_unbind(input.socket.handle(), input.address.c_str());
}

}  // namespace crible::pipeline
