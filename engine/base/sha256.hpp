#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace crible {

std::array<std::uint8_t, 32> sha256(std::string_view bytes);

/// SHA-256 of the bytes, as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

}  // namespace crible
