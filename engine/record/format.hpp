#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

/// The layout of a recording on disk, little-endian; docs/recording-format.md describes it for strangers.
///
/// A recording is a sequence of blocks, each a BlockHeader and a body padded with zeros to a multiple of
/// 8 bytes. Blocks are only ever appended, so whatever happens, every block before the first incomplete
/// one can be read.
namespace crible::record {

constexpr std::uint32_t block_magic = 0x4B425243;  // "CRBK"
constexpr std::uint16_t format_version = 1;

/// What a block's body is.
enum class BlockKind : std::uint16_t {
  run_header = 1,  // JSON: the first block of each recording
  events = 2,      // event records, one after the other
  ledger = 3,      // JSON: the books of one luminosity block, or of the whole run
  index = 4,       // IndexHeader and IndexEntries: all blocks since the previous index
  footer = 5,      // Footer: the last block, only after a clean close
};

enum class Compression : std::uint16_t { none = 0, zstd = 1 };

struct BlockHeader {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t header_bytes;
  BlockKind kind;
  Compression compression;
  std::uint32_t writer;        // shard that filled the block; 0 for blocks of the machine
  std::uint64_t sequence;      // of the block in its file, from 0
  std::uint64_t stored_bytes;  // of the body in the file, without padding
  std::uint64_t body_bytes;    // of the body after decompression
  std::uint64_t first_event;   // smallest event number in the block
  std::uint64_t last_event;    // largest
  std::uint32_t event_count;   // 0: first_event and last_event mean nothing
  std::uint32_t run;
  std::uint32_t first_luminosity_block;  // smallest
  std::uint32_t last_luminosity_block;   // largest
  std::uint32_t body_crc;                // CRC-32C of the stored body with its padding
  std::uint32_t header_crc;              // CRC-32C of the header up to here
};

/// Opens each event in the body of an events block. It is followed by `fragment_count` FragmentEntries, the
/// decision and the fragments in the order of their entries, each padded with zeros to a multiple of 8.
struct EventHeader {
  std::uint32_t record_bytes;  // from this header to the next, a multiple of 8
  std::uint32_t fragment_count;
  std::uint64_t event;
  std::uint32_t luminosity_block;
  std::uint32_t streams;  // bit s: the event was kept for stream s
  std::uint32_t decision_bytes;
  std::uint32_t reserved;  // 0
};

struct FragmentEntry {
  std::uint32_t source;  // source id
  std::uint32_t bytes;   // without padding
};

struct IndexHeader {
  std::uint64_t previous_index;  // offset of the previous index block in the file; ~0: none
  std::uint64_t entry_count;
};

struct IndexEntry {
  std::uint64_t offset;  // of the block's header in the file
  std::uint64_t first_event;
  std::uint64_t last_event;
  std::uint32_t event_count;
  std::uint32_t first_luminosity_block;
  std::uint32_t last_luminosity_block;
  BlockKind kind;
  std::uint16_t reserved;  // 0
};

/// offered = recorded + write_failed: nothing is queued after a clean close.
struct Footer {
  std::uint64_t last_index;   // offset in the file
  std::uint64_t block_count;  // before the footer
  std::uint64_t offered;      // events that the run wanted to keep
  std::uint64_t recorded;
  std::uint64_t write_failed;
};

constexpr std::uint64_t no_offset = ~std::uint64_t{0};

constexpr std::uint64_t padded(std::uint64_t bytes) {
  return (bytes + 7) & ~std::uint64_t{7};
}

static_assert(std::is_trivially_copyable_v<BlockHeader> && sizeof(BlockHeader) == 80);
static_assert(offsetof(BlockHeader, version) == 4 && offsetof(BlockHeader, header_bytes) == 6);
static_assert(offsetof(BlockHeader, kind) == 8 && offsetof(BlockHeader, compression) == 10);
static_assert(offsetof(BlockHeader, writer) == 12 && offsetof(BlockHeader, sequence) == 16);
static_assert(offsetof(BlockHeader, stored_bytes) == 24 && offsetof(BlockHeader, body_bytes) == 32);
static_assert(offsetof(BlockHeader, first_event) == 40 && offsetof(BlockHeader, last_event) == 48);
static_assert(offsetof(BlockHeader, event_count) == 56 && offsetof(BlockHeader, run) == 60);
static_assert(offsetof(BlockHeader, first_luminosity_block) == 64);
static_assert(offsetof(BlockHeader, last_luminosity_block) == 68);
static_assert(offsetof(BlockHeader, body_crc) == 72 && offsetof(BlockHeader, header_crc) == 76);
static_assert(std::is_trivially_copyable_v<EventHeader> && sizeof(EventHeader) == 32);
static_assert(offsetof(EventHeader, fragment_count) == 4 && offsetof(EventHeader, event) == 8);
static_assert(offsetof(EventHeader, luminosity_block) == 16 && offsetof(EventHeader, streams) == 20);
static_assert(offsetof(EventHeader, decision_bytes) == 24 && offsetof(EventHeader, reserved) == 28);
static_assert(sizeof(FragmentEntry) == 8 && offsetof(FragmentEntry, bytes) == 4);
static_assert(sizeof(IndexHeader) == 16 && offsetof(IndexHeader, entry_count) == 8);
static_assert(sizeof(IndexEntry) == 40 && offsetof(IndexEntry, first_event) == 8);
static_assert(offsetof(IndexEntry, last_event) == 16 && offsetof(IndexEntry, event_count) == 24);
static_assert(offsetof(IndexEntry, first_luminosity_block) == 28);
static_assert(offsetof(IndexEntry, last_luminosity_block) == 32);
static_assert(offsetof(IndexEntry, kind) == 36 && offsetof(IndexEntry, reserved) == 38);
static_assert(sizeof(Footer) == 40 && offsetof(Footer, block_count) == 8 && offsetof(Footer, offered) == 16);
static_assert(offsetof(Footer, recorded) == 24 && offsetof(Footer, write_failed) == 32);

}  // namespace crible::record
