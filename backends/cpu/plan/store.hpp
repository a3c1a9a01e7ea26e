#pragma once

#include <cstddef>
#include <memory>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace crible::backends::cpu {

/// 64-byte aligned bytes, zero at first.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes);

  std::byte* data() const { return data_.get(); }
  std::size_t size() const { return bytes_; }

 private:
  struct Free {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, Free> data_;
  std::size_t bytes_ = 0;
};

/// Memory for what the steps of a plan point to, side by side in the order of use: many small networks
/// stay in the cache together. Never null, never moved.
class Store {
 public:
  std::byte* allocate(std::size_t bytes);
  std::byte* copy(const void* data, std::size_t bytes);

  /// As copy, but equal bytes are kept once (the steps of a recurrent node share their weights).
  const void* keep(const void* data, std::size_t bytes);

 private:
  std::vector<Buffer> chunks_;
  std::size_t used_ = 0;                                          // of the last chunk
  std::unordered_multimap<std::size_t, std::string_view> known_;  // by hash
};

}  // namespace crible::backends::cpu
