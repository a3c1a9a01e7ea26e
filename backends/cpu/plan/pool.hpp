#pragma once

#include <cstddef>
#include <memory>

namespace crible::backends::cpu {

/// What memory is used for. Each use has blocks of its own, shared by all programs: what many small networks
/// need for one call lies close together, in few pages.
enum class Use { single_plan, tile_plan, batches };

/// 64-byte aligned bytes, zero at first.
class Buffer {
 public:
  Buffer() = default;
  Buffer(std::size_t bytes, Use use);

  std::byte* data() const { return data_; }
  std::size_t size() const { return bytes_; }

 private:
  std::shared_ptr<std::byte> block_;
  std::byte* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace crible::backends::cpu
