#include "engine/wire/crc32c.hpp"

#include <isa-l/crc.h>

#include "engine/wire/packet.hpp"

namespace crible::wire {

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t before) noexcept {
  // ISA-L reads through a pointer that is not const, takes an int, and leaves both inversions to the caller.
  auto* data = reinterpret_cast<unsigned char*>(const_cast<std::byte*>(bytes.data()));
  return ~crc32_iscsi(data, static_cast<int>(bytes.size()), ~before);
}

std::uint32_t frame_checksum(std::span<const std::byte> frame) noexcept {
  const std::uint32_t head = crc32c(frame.first(offsetof(PacketHeader, crc32c)));
  return crc32c(frame.subspan(sizeof(PacketHeader)), head);
}

}  // namespace crible::wire
