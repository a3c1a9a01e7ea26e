#pragma once

#include <chrono>
#include <memory>
#include <thread>
#include <utility>

#include "backends/backend.hpp"

namespace crible::support {

/// How a device fails.
enum class Failure {
  none,
  submit_error,  // the device refuses a batch
  poll_error,    // it reports an error instead of answers
  hang,          // it never answers
  late,          // its own deadline passes
  wrong_status,  // it calls a good batch a bad one
  wrong_bits,    // it answers with one bit flipped
  slow,          // each batch takes 30 ms longer
};

/// A program whose device fails after some batches, and from then on always. For tests only.
class FaultyProgram : public backends::Program {
 public:
  FaultyProgram(std::unique_ptr<backends::Program> program, std::string device, Failure failure,
                std::size_t good_batches)
      : program_(std::move(program)),
        device_(std::move(device)),
        failure_(failure),
        good_batches_(good_batches) {
    slots_.assign(program_->slots().begin(), program_->slots().end());
  }

  const network::Network& network() const override { return program_->network(); }
  const std::string& device() const override { return device_; }
  std::size_t max_batch() const override { return program_->max_batch(); }
  std::span<backends::Slot> slots() override { return slots_; }

  backends::Status submit(std::size_t slot, std::size_t events) noexcept override {
    const bool fails = started && batches_++ >= good_batches_;
    failing_ = failing_ || fails;
    if (failing_ && failure_ == Failure::submit_error) return backends::Status::device_failed;
    return program_->submit(slot, events);
  }

  backends::Status poll(std::size_t slot) noexcept override {
    if (!failing_) return program_->poll(slot);
    switch (failure_) {
      case Failure::none:
      case Failure::submit_error:
        break;
      case Failure::poll_error:
        return backends::Status::device_failed;
      case Failure::hang:
        return backends::Status::pending;
      case Failure::late:
        return backends::Status::deadline_passed;
      case Failure::wrong_status:
        return backends::Status::bad_batch;
      case Failure::wrong_bits:
        slots_[slot].outputs[0][0] ^= std::byte{1};
        break;
      case Failure::slow:
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        break;
    }
    return program_->poll(slot);
  }

  backends::Status run(std::size_t slot, std::size_t events) noexcept override {
    const backends::Status status = submit(slot, events);
    return status == backends::Status::ok ? poll(slot) : status;
  }

  bool started = false;  // batches before that, as of measurements, are good and do not count

 private:
  std::unique_ptr<backends::Program> program_;
  std::string device_;
  Failure failure_;
  std::size_t good_batches_;
  std::size_t batches_ = 0;
  bool failing_ = false;
  std::vector<backends::Slot> slots_;
};

}  // namespace crible::support
