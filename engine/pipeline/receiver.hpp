#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "engine/pipeline/run_config.hpp"
#include "engine/wire/message.hpp"

namespace crible::pipeline {

/// One shard's input: a PULL socket that every source connects to. Frames stay in ZeroMQ's own buffers
/// until the last wire::Message of them is dropped, which must happen before the Receiver goes. One thread.
class Receiver {
 public:
  /// Binds `address`. Throws Error when the address cannot be used, for instance because it is in use.
  Receiver(zmq::context_t& context, const InputConfig& config, const std::string& address);
  ~Receiver();

  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Takes a frame that has arrived. Returns false, at once, when there is none.
  bool receive(wire::Message& message) noexcept;

  /// Sleeps until a frame has arrived or the time is over, in steps of a millisecond.
  void wait(std::int64_t timeout_ns) noexcept;

  /// No frame is accepted any more; those that have arrived can still be received.
  void close_door() noexcept;

  /// Frames whose bytes are in use now, and at most so far.
  std::size_t frames_held() const noexcept { return held_; }
  std::size_t most_frames_held() const noexcept { return most_held_; }

 private:
  struct Frame {
    zmq_msg_t message;
    Receiver* owner;
  };

  static void release(void* frame) noexcept;
  Frame* take() noexcept;

  std::string address_;
  zmq::socket_t socket_;
  std::vector<std::unique_ptr<Frame[]>> frames_;  // grows to the most frames ever held
  std::vector<Frame*> free_;
  std::size_t frame_count_ = 0;
  std::size_t held_ = 0;
  std::size_t most_held_ = 0;
};

}  // namespace crible::pipeline
