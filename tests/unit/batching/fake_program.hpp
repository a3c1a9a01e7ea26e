#pragma once

#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "backends/backend.hpp"

namespace crible::batching {

/// A program that adds one to an int32 and finishes batches when the test says so.
class FakeProgram : public backends::Program {
 public:
  FakeProgram(std::string device, std::size_t max_batch, std::size_t slots, bool synchronous = true)
      : device_(std::move(device)), max_batch_(max_batch), synchronous_(synchronous) {
    network_.name = "plus_one";
    memory_.resize(2 * slots);
    for (std::size_t s = 0; s < slots; ++s) {
      backends::Slot slot;
      memory_[2 * s].resize(max_batch * sizeof(std::int32_t));
      memory_[2 * s + 1].resize(max_batch * sizeof(std::int32_t));
      slot.inputs.emplace_back(memory_[2 * s]);
      slot.outputs.emplace_back(memory_[2 * s + 1]);
      slots_.push_back(slot);
    }
    rows_.assign(slots, 0);
    ready_.assign(slots, false);
  }

  const network::Network& network() const override { return network_; }
  const std::string& device() const override { return device_; }
  std::size_t max_batch() const override { return max_batch_; }
  std::span<backends::Slot> slots() override { return slots_; }

  backends::Status submit(std::size_t slot, std::size_t events) noexcept override {
    if (broken) return backends::Status::device_failed;
    if (rows_[slot] != 0) return backends::Status::busy;
    rows_[slot] = events;
    ready_[slot] = synchronous_;
    submitted.push_back(events);
    return backends::Status::ok;
  }

  backends::Status poll(std::size_t slot) noexcept override {
    if (!ready_[slot]) return backends::Status::pending;
    for (std::size_t i = 0; i < rows_[slot]; ++i) {
      std::int32_t value;
      std::memcpy(&value, slots_[slot].inputs[0].data() + 4 * i, 4);
      ++value;
      std::memcpy(slots_[slot].outputs[0].data() + 4 * i, &value, 4);
    }
    rows_[slot] = 0;
    ready_[slot] = false;
    return backends::Status::ok;
  }

  backends::Status run(std::size_t slot, std::size_t events) noexcept override {
    const backends::Status status = submit(slot, events);
    if (status != backends::Status::ok) return status;
    ready_[slot] = true;
    submitted.pop_back();
    return poll(slot);
  }

  void finish(std::size_t slot) { ready_[slot] = true; }

  std::vector<std::size_t> submitted;  // rows of each batch, without those of run()
  bool broken = false;

 private:
  network::Network network_;
  std::string device_;
  std::size_t max_batch_;
  bool synchronous_;
  std::vector<std::vector<std::byte>> memory_;
  std::vector<backends::Slot> slots_;
  std::vector<std::size_t> rows_;
  std::vector<bool> ready_;
};

}  // namespace crible::batching
