#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "engine/pipeline/run_config.hpp"
#include "engine/wire/message.hpp"

namespace crible::pipeline {

/// One shard's input: a PULL socket for each source, so that a source that is ahead can be left waiting, up
/// to its own send buffer, while the others catch up. Frames stay in ZeroMQ's own buffers until the last
/// wire::Message of them is dropped, which must happen before the Receiver goes. One thread.
class Receiver {
 public:
  /// Binds the addresses, one for each source. Throws Error when one cannot be used, for instance because it
  /// is in use.
  Receiver(zmq::context_t& context, const InputConfig& config, const std::vector<std::string>& addresses);
  ~Receiver();

  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;

  /// Takes a frame that has arrived, from the sources in turn, but from none that is `on_hold` (an entry for
  /// each, not 0). Returns false, at once, when there is none.
  bool receive(wire::Message& message, std::span<const std::uint8_t> on_hold) noexcept;

  /// Sleeps until such a frame has arrived or the time is over, in steps of a millisecond.
  void wait(std::int64_t timeout_ns, std::span<const std::uint8_t> on_hold) noexcept;

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

  bool receive_from(std::size_t source, wire::Message& message) noexcept;

  /// Of one source.
  struct Input {
    std::string address;
    zmq::socket_t socket;
    /// Nothing was there when it was last asked. Asking costs a system call, so the others come first.
    bool dry = false;
    std::uint64_t asked = 0;  // in which call of receive()
  };

  std::vector<Input> inputs_;
  std::size_t next_ = 0;  // whose turn it is
  std::uint64_t call_ = 0;
  std::vector<zmq_pollitem_t> poll_;
  std::vector<std::unique_ptr<Frame[]>> frames_;  // grows to the most frames ever held
  std::vector<Frame*> free_;
  std::size_t frame_count_ = 0;
  std::size_t held_ = 0;
  std::size_t most_held_ = 0;
};

}  // namespace crible::pipeline
