#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace crible::wire {

/// CRC-32C (Castagnoli) of `bytes`, going on from the checksum of what came before it: crc32c(b, crc32c(a))
/// is the checksum of a followed by b, and crc32c of nothing is 0. By ISA-L.
std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before = 0) noexcept;

/// The checksum of a frame of at least 64 bytes: of all its bytes but those of the checksum field.
std::uint32_t frame_checksum(std::span<const std::byte> frame) noexcept;

}  // namespace crible::wire
