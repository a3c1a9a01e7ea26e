#include "engine/record/checksum.hpp"

#include "engine/wire/crc32c.hpp"

namespace crible::record {

std::uint32_t header_crc(const BlockHeader& header) {
  return wire::crc32c(std::as_bytes(std::span(&header, 1)).first(offsetof(BlockHeader, header_crc)));
}

std::uint32_t body_crc(std::span<const std::byte> stored) {
  static constexpr std::byte zeros[8] = {};
  return wire::crc32c(std::span(zeros).first(padded(stored.size()) - stored.size()), wire::crc32c(stored));
}

std::uint32_t stored_crc(std::span<const std::byte> stored_and_padding) {
  return wire::crc32c(stored_and_padding);
}

}  // namespace crible::record
