#include "engine/record/checksum.hpp"

#include <isa-l/crc.h>

#include <algorithm>

namespace crible::record {
namespace {

/// Without the final xor, so that pieces can be chained.
std::uint32_t chain(std::uint32_t state, const void* data, std::size_t bytes) {
  constexpr std::size_t piece_bytes = 1 << 30;  // the library counts in int
  auto* next = static_cast<unsigned char*>(const_cast<void*>(data));
  while (bytes > 0) {
    const std::size_t piece = std::min(bytes, piece_bytes);
    state = crc32_iscsi(next, static_cast<int>(piece), state);
    next += piece;
    bytes -= piece;
  }
  return state;
}

}  // namespace

std::uint32_t header_crc(const BlockHeader& header) {
  return ~chain(~0u, &header, offsetof(BlockHeader, header_crc));
}

std::uint32_t body_crc(std::span<const std::byte> stored) {
  static constexpr std::byte zeros[8] = {};
  const std::uint32_t state = chain(~0u, stored.data(), stored.size());
  return ~chain(state, zeros, padded(stored.size()) - stored.size());
}

std::uint32_t stored_crc(std::span<const std::byte> stored_and_padding) {
  return ~chain(~0u, stored_and_padding.data(), stored_and_padding.size());
}

}  // namespace crible::record
