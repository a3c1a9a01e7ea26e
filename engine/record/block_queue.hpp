#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <vector>

#include "engine/record/block_file.hpp"

namespace crible::record {

/// A block that one shard fills and the writer thread empties.
struct PendingBlock {
  std::unique_ptr<std::byte[]> bytes;
  std::size_t capacity = 0;
  std::size_t used = 0;
  BlockContents contents;
  std::int64_t opened_ns = 0;  // when its first event came
};

/// The bounded ring between a shard and the writer thread: its elements are the blocks themselves, so an
/// event is copied once. Single producer, single consumer, no lock.
class BlockQueue {
 public:
  BlockQueue(std::size_t blocks, std::size_t block_bytes) : blocks_(blocks) {
    for (PendingBlock& block : blocks_) {
      block.bytes = std::make_unique<std::byte[]>(block_bytes);  // zeroed: no page fault in the first events
      block.capacity = block_bytes;
    }
  }

  /// The producer's block, or null while the consumer has not emptied the oldest one.
  PendingBlock* filling() noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (head - tail_.load(std::memory_order_acquire) == blocks_.size()) return nullptr;
    return &blocks_[head % blocks_.size()];
  }

  /// Gives the producer's block to the consumer.
  void hand_over() noexcept { head_.fetch_add(1, std::memory_order_release); }

  /// The consumer's oldest block, or null.
  PendingBlock* oldest() noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail == head_.load(std::memory_order_acquire)) return nullptr;
    return &blocks_[tail % blocks_.size()];
  }

  /// Gives the consumer's oldest block back, empty.
  void give_back() noexcept {
    PendingBlock& block = blocks_[tail_.load(std::memory_order_relaxed) % blocks_.size()];
    block.used = 0;
    block.contents.event_count = 0;
    tail_.fetch_add(1, std::memory_order_release);
  }

 private:
  std::vector<PendingBlock> blocks_;
  alignas(64) std::atomic<std::uint64_t> head_ = 0;  // blocks handed over
  alignas(64) std::atomic<std::uint64_t> tail_ = 0;  // blocks given back
};

}  // namespace crible::record
