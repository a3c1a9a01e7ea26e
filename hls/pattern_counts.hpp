#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace crible::hls {

/// Counts by key, in one flat table: a matrix has millions of pairs of digits, and looking one up is most of
/// the work of sharing. The key ~0 is not allowed.
class PatternCounts {
 public:
  /// The count of a key, 0 at first; valid until the next call.
  int& operator[](std::uint64_t key) {
    if (used_ * 3 >= slots_.size() * 2) grow();
    Slot& slot = find(key);
    if (slot.key == none) {
      slot.key = key;
      ++used_;
    }
    return slot.count;
  }

 private:
  struct Slot {
    std::uint64_t key = none;
    int count = 0;
  };
  static constexpr std::uint64_t none = ~std::uint64_t{0};

  Slot& find(std::uint64_t key) {
    const std::size_t mask = slots_.size() - 1;
    const std::uint64_t mixed = key * 0x9e3779b97f4a7c15u;
    std::size_t at = (mixed ^ (mixed >> 32)) & mask;
    while (slots_[at].key != key && slots_[at].key != none) at = (at + 1) & mask;
    return slots_[at];
  }

  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old)
      if (slot.key != none) find(slot.key) = slot;
  }

  std::vector<Slot> slots_ = std::vector<Slot>(1024);
  std::size_t used_ = 0;
};

}  // namespace crible::hls
