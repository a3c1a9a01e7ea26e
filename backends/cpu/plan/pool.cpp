#include "backends/cpu/plan/pool.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#endif

#include <array>
#include <cstring>
#include <mutex>
#include <new>

namespace crible::backends::cpu {
namespace {

constexpr std::size_t alignment_bytes = 64;
constexpr std::size_t block_bytes = std::size_t{2} << 20;  // a huge page

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t largest_shared_bytes = 0;  // every buffer apart, so that its ends are guarded
#else
constexpr std::size_t largest_shared_bytes = block_bytes / 8;
#endif

std::shared_ptr<std::byte> allocate(std::size_t bytes, std::size_t alignment) {
  auto* start = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{alignment}));
  return {start, [alignment](std::byte* p) { ::operator delete (p, std::align_val_t{alignment}); }};
}

/// The block of a use that is being filled. A block lives as long as any buffer in it.
struct Filling {
  std::shared_ptr<std::byte> block;
  std::size_t used = block_bytes;
};

std::shared_ptr<std::byte> take(std::size_t bytes, Use use, std::byte*& start) {
  static std::mutex mutex;
  static std::array<Filling, 3> all;
  const std::lock_guard lock(mutex);
  Filling& filling = all[static_cast<std::size_t>(use)];
  if (filling.used + bytes > block_bytes) {
    filling.block = allocate(block_bytes, block_bytes);
    filling.used = 0;
#if defined(__linux__)
    (void)madvise(filling.block.get(), block_bytes, MADV_HUGEPAGE);  // merely faster
#endif
  }
  start = filling.block.get() + filling.used;
  filling.used += (bytes + alignment_bytes - 1) / alignment_bytes * alignment_bytes;
  return filling.block;
}

}  // namespace

Buffer::Buffer(std::size_t bytes, Use use) : bytes_(bytes) {
  if (bytes > largest_shared_bytes) {
    block_ = allocate(bytes, alignment_bytes);
    data_ = block_.get();
  } else {
    block_ = take(bytes, use, data_);
  }
  std::memset(data_, 0, bytes);
}

}  // namespace crible::backends::cpu
