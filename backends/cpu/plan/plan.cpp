#include "backends/cpu/plan/plan.hpp"

#include <new>

namespace crible::backends::cpu {
namespace {

constexpr std::size_t kAlignment = 64;

}  // namespace

Buffer::Buffer(std::size_t bytes)
    : data_(static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kAlignment}))), bytes_(bytes) {
  std::memset(data_.get(), 0, bytes);
}

void Buffer::Free::operator()(std::byte* p) const {
  ::operator delete (p, std::align_val_t{kAlignment});
}

Buffer Plan::make_rows() const {
  const auto lanes = static_cast<std::size_t>(events);
  Buffer buffer(rows * lanes * 4 + kAlignment);
  for (const ConstantRow& constant : constants) {
    std::byte* row = buffer.data() + std::size_t{constant.row} * lanes * 4;
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const auto narrow = static_cast<std::int32_t>(constant.value);
      if (constant.is_64) {
        std::memcpy(row + lane * 8, &constant.value, 8);
      } else {
        std::memcpy(row + lane * 4, &narrow, 4);
      }
    }
  }
  return buffer;
}

}  // namespace crible::backends::cpu
