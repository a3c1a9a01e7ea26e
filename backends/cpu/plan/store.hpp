#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "backends/cpu/plan/pool.hpp"

namespace crible::backends::cpu {

/// Memory for what the steps of a plan point to, side by side in the order of use: many small networks
/// stay in the cache together. Never null, never moved.
class Store {
 public:
  explicit Store(Use use) : use_(use) {}

  std::byte* allocate(std::size_t bytes);
  std::byte* copy(const void* data, std::size_t bytes);

  /// As copy, but equal bytes are kept once (the steps of a recurrent node share their weights).
  const void* keep(const void* data, std::size_t bytes);

 private:
  Use use_;
  std::vector<Buffer> chunks_;
  std::size_t total_ = 0;                                         // of the chunks before the last
  std::size_t used_ = 0;                                          // of the last chunk
  std::unordered_multimap<std::size_t, std::string_view> known_;  // by hash
};

}  // namespace crible::backends::cpu
