#include "engine/network/stored.hpp"

#include <cstring>

namespace crible::network {

std::int64_t load_element(const std::byte* place, Type type) noexcept {
  const std::size_t bytes = storage_bytes(type);
  std::uint64_t bits = 0;
  std::memcpy(&bits, place, bytes);
  const std::size_t unused = 64 - 8 * bytes;
  return type.is_signed ? static_cast<std::int64_t>(bits << unused) >> unused
                        : static_cast<std::int64_t>(bits);
}

void store_element(std::byte* place, Type type, std::int64_t value) noexcept {
  std::memcpy(place, &value, storage_bytes(type));
}

}  // namespace crible::network
