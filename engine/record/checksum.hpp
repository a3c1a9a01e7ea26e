#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/record/format.hpp"

namespace crible::record {

/// The two CRC-32C of a block (Castagnoli polynomial, reflected, initial value and final xor of all ones).

/// Of the header up to its own field.
std::uint32_t header_crc(const BlockHeader& header);

/// Of a stored body and the zeros that will pad it to a multiple of 8 bytes in the file.
std::uint32_t body_crc(std::span<const std::byte> stored);

/// Of a stored body as it lies in the file, with its padding.
std::uint32_t stored_crc(std::span<const std::byte> stored_and_padding);

}  // namespace crible::record
