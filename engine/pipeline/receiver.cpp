#include "engine/pipeline/receiver.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::pipeline {

namespace {

constexpr std::size_t frames_per_chunk = 256;

std::string bind_problem(const std::string& address, int code) {
  if (code == EADDRINUSE) {
    return "input address " + address + " is in use; stop the other program or choose another run.input.bind";
  }
  return "cannot listen at input address " + address + ": " + zmq_strerror(code) + "; check run.input.bind";
}

}  // namespace

Receiver::Receiver(zmq::context_t& context, const InputConfig& config, const std::string& address)
    : address_(address), socket_(context, zmq::socket_type::pull) {
  socket_.set(zmq::sockopt::rcvhwm, config.high_water_frames);
  socket_.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(config.max_frame_bytes));
  socket_.set(zmq::sockopt::linger, 0);
  try {
    socket_.bind(address);
  } catch (const zmq::error_t& error) {
    throw Error(bind_problem(address, error.num()));
  }
}

Receiver::~Receiver() = default;

bool Receiver::receive(wire::Message& message) noexcept {
  Frame* frame = take();
  if (frame == nullptr) return false;
  zmq_msg_init(&frame->message);
  if (zmq_msg_recv(&frame->message, socket_.handle(), ZMQ_DONTWAIT) < 0) {
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

void Receiver::wait(std::int64_t timeout_ns) noexcept {
  zmq_pollitem_t item{socket_.handle(), 0, ZMQ_POLLIN, 0};
  const std::int64_t timeout_ms = std::clamp<std::int64_t>((timeout_ns + 999'999) / 1'000'000, 0, 1000);
  zmq_poll(&item, 1, static_cast<long>(timeout_ms));
}

void Receiver::close_door() noexcept {
  zmq_unbind(socket_.handle(), address_.c_str());
}

}  // namespace crible::pipeline
