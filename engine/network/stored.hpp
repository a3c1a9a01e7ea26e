#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/network/types.hpp"

namespace crible::network {

/// One element as batch slots hold it: storage_bytes(type) bytes, little-endian. `place` need not be aligned.
std::int64_t load_element(const std::byte* place, Type type) noexcept;
void store_element(std::byte* place, Type type, std::int64_t value) noexcept;

}  // namespace crible::network
