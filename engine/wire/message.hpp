#pragma once

#include <cstddef>
#include <span>
#include <utility>

namespace crible::wire {

/// A received frame and whoever keeps its bytes: a zmq_msg_t in a pool, a buffer of a test, a mapped file.
/// Move-only; gives the bytes back when it is destroyed. Allocates nothing.
class Message {
 public:
  /// Gives the owner its bytes back; called once, by the thread that drops the message.
  using Release = void (*)(void* owner) noexcept;

  Message() = default;
  /// `release` may be null for bytes that outlive the message.
  Message(std::span<const std::byte> bytes, void* owner, Release release) noexcept
      : bytes_(bytes), owner_(owner), release_(release) {}
  Message(Message&& other) noexcept
      : bytes_(std::exchange(other.bytes_, {})),
        owner_(std::exchange(other.owner_, nullptr)),
        release_(std::exchange(other.release_, nullptr)) {}
  Message& operator=(Message&& other) noexcept {
    if (this != &other) {
      reset();
      bytes_ = std::exchange(other.bytes_, {});
      owner_ = std::exchange(other.owner_, nullptr);
      release_ = std::exchange(other.release_, nullptr);
    }
    return *this;
  }
  ~Message() { reset(); }

  std::span<const std::byte> bytes() const noexcept { return bytes_; }

  /// Gives the bytes back now.
  void reset() noexcept {
    if (release_ != nullptr) release_(owner_);
    bytes_ = {};
    owner_ = nullptr;
    release_ = nullptr;
  }

 private:
  std::span<const std::byte> bytes_;
  void* owner_ = nullptr;
  Release release_ = nullptr;
};

}  // namespace crible::wire
