#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/record/format.hpp"
#include "engine/record/run_header.hpp"

namespace crible::record {

/// One fragment of a recorded event; the bytes belong to the Body it was read from.
struct FragmentView {
  std::uint32_t source = 0;
  std::span<const std::byte> payload;
};

/// One recorded event; everything belongs to the Body it was read from.
struct EventView {
  std::uint64_t event = 0;
  std::uint32_t luminosity_block = 0;
  std::uint32_t streams = 0;
  std::span<const std::byte> decision;
  std::span<const FragmentView> fragments;  // valid until the cursor moves on
  std::span<const std::byte> record;        // the whole record, from its EventHeader on
};

enum class ReadStatus {
  ok,
  end,              // no more events in this body
  cut,              // the file ends inside the block
  bad_header,       // wrong magic, version, size or header CRC
  bad_crc,          // the stored body does not have its CRC
  bad_compression,  // zstd cannot restore the body, or to another size than the header says
  bad_record,       // an event record contradicts itself or its block
  io_error,         // the system refused to read
};

/// One sentence for each status.
const char* sentence(ReadStatus status);

/// A block as the index or the scan knows it.
struct BlockInfo {
  std::uint64_t offset = 0;
  BlockHeader header{};
};

/// Memory for one block's body, to be reused from block to block: by each thread its own.
class Body {
 public:
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  friend class Reader;
  std::vector<std::byte> stored_;
  std::vector<std::byte> unpacked_;
  std::span<const std::byte> bytes_;
};

/// Steps through the events of one events block's body. Allocation-free once its table has grown.
class Cursor {
 public:
  Cursor() = default;
  explicit Cursor(std::span<const std::byte> body) : rest_(body) {}

  void reset(std::span<const std::byte> body) { rest_ = body; }

  /// ok: `event` is the next one. end, or bad_record: nothing behind it in this body can be read.
  [[nodiscard]] ReadStatus next(EventView& event);

 private:
  std::span<const std::byte> rest_;
  std::vector<FragmentView> fragments_;
};

/// What is wrong with a recording. All zero: a file that was closed cleanly.
struct Damage {
  bool no_footer = false;            // not closed cleanly: the writer died, or is still at work
  std::uint64_t cut_bytes = 0;       // behind the last complete block
  std::uint64_t skipped_bytes = 0;   // between complete blocks
  std::uint64_t missing_blocks = 0;  // gaps in the sequence numbers of the blocks

  bool any() const { return no_footer || cut_bytes || skipped_bytes || missing_blocks; }
};

/// Reads a recording: finished, cut anywhere, damaged, or still being written (up to where it was when it
/// was opened). Const calls may come from several threads.
class Reader {
 public:
  /// Opens the file and finds its blocks: from the index when there is a footer, otherwise by walking from
  /// header to header; where a header is damaged, by searching for the next one. Throws Error when the
  /// file cannot be read or holds no run header.
  explicit Reader(const std::filesystem::path& file);
  ~Reader();

  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  const std::filesystem::path& file() const { return file_; }
  const RunHeader& run_header() const { return run_header_; }
  std::uint64_t file_bytes() const { return file_bytes_; }

  /// All complete blocks in the order of the file. Their bodies are checked when they are read.
  std::span<const BlockInfo> blocks() const { return blocks_; }

  /// The footer, when the file was closed cleanly.
  const std::optional<Footer>& footer() const { return footer_; }

  const Damage& damage() const { return damage_; }

  /// What was lost in one sentence; empty when nothing is wrong.
  std::string damage_sentence() const;

  /// Reads, checks and decompresses a body. Without compression the bytes are not copied again.
  [[nodiscard]] ReadStatus read(const BlockInfo& block, Body& body) const;

  /// Finds an event by its number and reads it into `body`. `cursor` keeps its fragments. bad status: the
  /// event may be in a damaged block; `end`: the recording does not have it.
  [[nodiscard]] ReadStatus find(std::uint64_t event, Body& body, Cursor& cursor, EventView& view) const;

 private:
  void find_blocks();
  bool load_index();
  bool add_entries(std::span<const std::byte> body, std::vector<BlockInfo>& blocks) const;
  void scan();
  bool read_header(std::uint64_t offset, BlockHeader& header) const;
  std::optional<std::uint64_t> next_header(std::uint64_t from) const;

  std::filesystem::path file_;
  int descriptor_ = -1;
  std::uint64_t file_bytes_ = 0;
  std::vector<BlockInfo> blocks_;
  std::optional<Footer> footer_;
  Damage damage_;
  RunHeader run_header_;
};

}  // namespace crible::record
