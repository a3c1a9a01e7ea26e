#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "engine/base/error.hpp"
#include "engine/record/checksum.hpp"
#include "engine/record/reader.hpp"
#include "engine/record/run_header.hpp"

// Three ways in: the bytes as a file; the same with good CRCs, without which a fuzzer would hardly get past
// a header; and as the body of an events block. Whatever the bytes are, the reader ends, and every byte that
// it shows lies inside what it was given.

namespace {

using namespace crible::record;

void require(bool holds) {
  if (!holds) std::abort();
}

void step_through(std::span<const std::byte> body) {
  Cursor cursor(body);
  EventView event;
  std::size_t seen = 0;
  while (cursor.next(event) == ReadStatus::ok) {
    seen += event.record.size();
    std::size_t inside = sizeof(EventHeader) + event.decision.size();
    for (const FragmentView& fragment : event.fragments)
      inside += sizeof(FragmentEntry) + fragment.payload.size();
    require(inside <= event.record.size());
  }
  require(seen <= body.size());
}

void read_file(const std::filesystem::path& file) {
  try {
    const Reader reader(file);
    Body body;
    std::uint64_t end = 0;
    for (const BlockInfo& block : reader.blocks()) {
      require(block.offset >= end);
      end = block.offset + sizeof(BlockHeader) + padded(block.header.stored_bytes);
      require(end <= reader.file_bytes());
      const ReadStatus status = reader.read(block, body);
      if (status != ReadStatus::ok) continue;
      require(body.bytes().size() == block.header.body_bytes);
      if (block.header.kind == BlockKind::events) step_through(body.bytes());
    }
    Cursor cursor;
    EventView event;
    if (reader.find(7, body, cursor, event) == ReadStatus::ok) require(event.event == 7);
    require(reader.damage_sentence().empty() == !reader.damage().any());
  } catch (const crible::Error&) {
    // One sentence is the right answer to most bytes.
  }
}

/// Everything that looks like a block gets the CRCs that its bytes want.
std::vector<std::byte> with_good_crcs(std::span<const std::byte> bytes) {
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  for (std::size_t at = 0; at + sizeof(BlockHeader) <= copy.size(); at += 8) {
    BlockHeader header;
    std::memcpy(&header, copy.data() + at, sizeof(header));
    if (header.magic != block_magic) continue;
    const std::size_t left = copy.size() - at - sizeof(header);
    if (header.stored_bytes <= left && padded(header.stored_bytes) <= left)
      header.body_crc = stored_crc(std::span(copy).subspan(at + sizeof(header), padded(header.stored_bytes)));
    header.header_crc = header_crc(header);
    std::memcpy(copy.data() + at, &header, sizeof(header));
  }
  return copy;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const int descriptor = memfd_create("recording", 0);
  static const std::filesystem::path file = "/proc/self/fd/" + std::to_string(descriptor);
  const auto offer = [&](std::span<const std::byte> bytes) {
    require(ftruncate(descriptor, 0) == 0);
    require(pwrite(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
    read_file(file);
  };
  const auto bytes = std::as_bytes(std::span(data, size));
  offer(bytes);
  offer(with_good_crcs(bytes));
  step_through(bytes);
  return 0;
}
