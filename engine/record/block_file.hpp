#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/record/format.hpp"

struct ZSTD_CCtx_s;

namespace crible::record {

/// What a block's header says about its contents; the rest is filled in when it is written.
struct BlockContents {
  BlockKind kind = BlockKind::events;
  std::uint32_t writer = 0;
  std::uint64_t first_event = 0;
  std::uint64_t last_event = 0;
  std::uint32_t event_count = 0;
  std::uint32_t first_luminosity_block = 0;
  std::uint32_t last_luminosity_block = 0;
};

/// The file that a recording is written to, one block at a time, by one thread. A block that the disk
/// refuses leaves the file as it was before.
class BlockFile {
 public:
  /// Throws Error when the file exists (and `overwrite` is false) or cannot be created. `compression` is a
  /// zstd level, 0 for none; `largest_body` what append() is expected to be given.
  BlockFile(const std::filesystem::path& file, bool overwrite, std::uint32_t run, int compression,
            std::size_t index_every, std::size_t largest_body);
  ~BlockFile();

  BlockFile(const BlockFile&) = delete;
  BlockFile& operator=(const BlockFile&) = delete;

  /// Compresses and writes a block, and an index block when one is due. Returns false when the disk
  /// refuses; failure() then says why.
  bool append(const BlockContents& contents, std::span<const std::byte> body) noexcept;

  /// Writes the last index and the footer, and waits until the disk has it all.
  bool finish(std::uint64_t offered, std::uint64_t recorded, std::uint64_t write_failed) noexcept;

  std::uint64_t blocks() const { return sequence_; }
  std::uint64_t body_bytes() const { return body_bytes_; }
  std::uint64_t file_bytes() const { return offset_; }

  /// errno of the last refusal; 0 when there was none.
  int failure() const { return failure_; }

 private:
  bool write_block(const BlockContents& contents, std::span<const std::byte> body,
                   Compression wanted) noexcept;
  bool write_all(std::span<const std::byte> header, std::span<const std::byte> stored) noexcept;
  bool write_index() noexcept;
  std::span<const std::byte> compress(std::span<const std::byte> body) noexcept;

  int descriptor_ = -1;
  std::uint32_t run_;
  int level_;
  std::size_t index_every_;
  std::unique_ptr<ZSTD_CCtx_s, void (*)(ZSTD_CCtx_s*)> compressor_;  // null: no compression
  std::vector<std::byte> compressed_;
  std::vector<IndexEntry> entries_;  // since the last index
  std::vector<std::byte> index_;     // body of an index block
  std::uint64_t last_index_ = no_offset;
  std::uint64_t offset_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t body_bytes_ = 0;
  int failure_ = 0;
};

}  // namespace crible::record
