#include "backends/cpu/plan/store.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>

namespace crible::backends::cpu {
namespace {

constexpr std::size_t alignment_bytes = 64;
constexpr std::size_t least_chunk_bytes = 1024;

std::size_t rounded_up(std::size_t bytes, std::size_t to) {
  return (bytes + to - 1) / to * to;
}

}  // namespace

std::byte* Store::allocate(std::size_t bytes) {
  // Vectors are loaded aligned to their size, and what is smaller than a cache line lies in one.
  const std::size_t alignment = std::clamp<std::size_t>(std::bit_floor(bytes), 16, alignment_bytes);
  used_ = rounded_up(used_, alignment);
  if (chunks_.empty() || used_ + bytes > chunks_.back().size()) {
    // Small steps: what small networks do not fill would spread them over more of the cache.
    total_ += chunks_.empty() ? 0 : chunks_.back().size();
    const std::size_t next = rounded_up(std::max(least_chunk_bytes, total_ / 4), alignment_bytes);
    chunks_.emplace_back(std::max(next, rounded_up(bytes, alignment_bytes)), use_);
    used_ = 0;
  }
  std::byte* start = chunks_.back().data() + used_;
  used_ += std::max<std::size_t>(bytes, 1);
  return start;
}

std::byte* Store::copy(const void* data, std::size_t bytes) {
  std::byte* kept = allocate(bytes);
  if (bytes > 0) std::memcpy(kept, data, bytes);
  return kept;
}

const void* Store::keep(const void* data, std::size_t bytes) {
  const std::string_view view(static_cast<const char*>(data), bytes);
  const std::size_t hash = std::hash<std::string_view>{}(view);
  const auto [begin, end] = known_.equal_range(hash);
  for (auto it = begin; it != end; ++it) {
    if (it->second == view) return it->second.data();
  }
  const std::byte* kept = copy(data, bytes);
  known_.emplace(hash, std::string_view(reinterpret_cast<const char*>(kept), bytes));
  return kept;
}

}  // namespace crible::backends::cpu
