#include "engine/codegen/arena.hpp"

#include <algorithm>

namespace crible::codegen {

int Arena::define(std::size_t size_bytes) {
  if (assigned_) return next_block_++;
  constexpr std::size_t alignment = 16;
  blocks_.push_back({(size_bytes + alignment - 1) / alignment * alignment, step_, step_, 0});
  return static_cast<int>(blocks_.size()) - 1;
}

void Arena::use(int block) {
  if (!assigned_) blocks_[static_cast<std::size_t>(block)].last_step = step_;
}

void Arena::end_loop() {
  const Loop loop = loops_.back();
  loops_.pop_back();
  if (assigned_) return;
  for (std::size_t i = 0; i < loop.first_block; ++i) {
    if (blocks_[i].last_step >= loop.first_step) blocks_[i].last_step = step_;
  }
}

void Arena::assign() {
  assigned_ = true;
  std::vector<const Block*> placed;  // by offset
  for (Block& block : blocks_) {
    std::size_t offset = 0;
    for (const Block* other : placed) {
      const bool together = other->last_step >= block.first_step && block.last_step >= other->first_step;
      if (!together) continue;
      if (other->offset >= offset + block.size_bytes) break;
      offset = std::max(offset, other->offset + other->size_bytes);
    }
    block.offset = offset;
    total_bytes_ = std::max(total_bytes_, offset + block.size_bytes);
    const auto behind = std::ranges::upper_bound(placed, offset, {}, &Block::offset);
    placed.insert(behind, &block);
  }
}

std::size_t Arena::offset(int block) const {
  return blocks_[static_cast<std::size_t>(block)].offset;
}

std::size_t Arena::sum_bytes() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.size_bytes;
  return sum;
}

}  // namespace crible::codegen
