#include "engine/record/block_file.hpp"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>
#include <zstd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include "engine/base/error.hpp"
#include "engine/record/checksum.hpp"

namespace crible::record {
namespace {

int create(const std::filesystem::path& file, bool overwrite) {
  const int flags = O_RDWR | O_CREAT | O_CLOEXEC | (overwrite ? O_TRUNC : O_EXCL);
  const int descriptor = open(file.c_str(), flags, 0644);
  if (descriptor >= 0) return descriptor;
  if (errno == EEXIST)
    throw Error(
        file.string() +
        ": a file of this name exists; recordings are not overwritten, so remove it or choose another name");
  throw Error(file.string() + ": the recording cannot be created: " + std::strerror(errno));
}

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

BlockFile::BlockFile(const std::filesystem::path& file, bool overwrite, std::uint32_t run, int compression,
                     std::size_t index_every, std::size_t largest_body)
    : run_(run),
      level_(compression),
      index_every_(index_every),
      compressor_(nullptr, [](ZSTD_CCtx_s* context) { ZSTD_freeCCtx(context); }) {
  if (compression > 0) {
    compressor_.reset(ZSTD_createCCtx());
    if (!compressor_) throw Error("no memory for the compressor of recordings", Fault::failure);
    ZSTD_CCtx_setParameter(compressor_.get(), ZSTD_c_compressionLevel, level_);
    compressed_.resize(ZSTD_compressBound(largest_body));
  }
  entries_.reserve(index_every + 1);
  index_.reserve(sizeof(IndexHeader) + (index_every + 1) * sizeof(IndexEntry));
  descriptor_ = create(file, overwrite);
}

BlockFile::~BlockFile() {
  if (descriptor_ >= 0) close(descriptor_);
}

/// Empty when the body does not get smaller; it is then stored as it is.
std::span<const std::byte> BlockFile::compress(std::span<const std::byte> body) noexcept try {
  if (ZSTD_compressBound(body.size()) > compressed_.size())
    compressed_.resize(ZSTD_compressBound(body.size()));
  const std::size_t bytes =
      ZSTD_compress2(compressor_.get(), compressed_.data(), compressed_.size(), body.data(), body.size());
  if (ZSTD_isError(bytes) || bytes >= body.size()) return {};
  return std::span(compressed_).first(bytes);
} catch (const std::bad_alloc&) {
  return {};
}

bool BlockFile::write_all(std::span<const std::byte> header, std::span<const std::byte> stored) noexcept {
  static constexpr std::byte zeros[8] = {};
  std::array<std::span<const std::byte>, 3> parts = {
      header, stored, std::span(zeros).first(padded(stored.size()) - stored.size())};
  std::uint64_t position = offset_;
  while (true) {
    std::array<iovec, 3> vectors;
    std::size_t left = 0;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      vectors[i] = {const_cast<std::byte*>(parts[i].data()), parts[i].size()};
      left += parts[i].size();
    }
    if (left == 0) return true;
    const ssize_t written =
        pwritev(descriptor_, vectors.data(), vectors.size(), static_cast<off_t>(position));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      failure_ = written < 0 ? errno : ENOSPC;
      return false;
    }
    position += static_cast<std::uint64_t>(written);
    std::size_t done = static_cast<std::size_t>(written);
    for (auto& part : parts) {
      const std::size_t step = std::min(done, part.size());
      part = part.subspan(step);
      done -= step;
    }
  }
}

bool BlockFile::write_block(const BlockContents& contents, std::span<const std::byte> body,
                            Compression wanted) noexcept {
  std::span<const std::byte> stored = body;
  Compression used = Compression::none;
  if (wanted == Compression::zstd) {
    const auto compressed = compress(body);
    if (!compressed.empty()) {
      stored = compressed;
      used = Compression::zstd;
    }
  }
  BlockHeader header{.magic = block_magic,
                     .version = format_version,
                     .header_bytes = sizeof(BlockHeader),
                     .kind = contents.kind,
                     .compression = used,
                     .writer = contents.writer,
                     .sequence = sequence_,
                     .stored_bytes = stored.size(),
                     .body_bytes = body.size(),
                     .first_event = contents.first_event,
                     .last_event = contents.last_event,
                     .event_count = contents.event_count,
                     .run = run_,
                     .first_luminosity_block = contents.first_luminosity_block,
                     .last_luminosity_block = contents.last_luminosity_block,
                     .body_crc = body_crc(stored),
                     .header_crc = 0};
  header.header_crc = header_crc(header);
  if (!write_all(bytes_of(header), stored)) {
    // What is left of the block would only be found again by a reader as damage. If the system refuses
    // this too, the next block is written over it.
    (void)!ftruncate(descriptor_, static_cast<off_t>(offset_));
    return false;
  }
  offset_ += sizeof(header) + padded(stored.size());
  body_bytes_ += body.size();
  ++sequence_;
  return true;
}

bool BlockFile::append(const BlockContents& contents, std::span<const std::byte> body) noexcept try {
  const std::uint64_t at = offset_;
  if (!write_block(contents, body, level_ > 0 ? Compression::zstd : Compression::none)) return false;
  entries_.push_back({.offset = at,
                      .first_event = contents.first_event,
                      .last_event = contents.last_event,
                      .event_count = contents.event_count,
                      .first_luminosity_block = contents.first_luminosity_block,
                      .last_luminosity_block = contents.last_luminosity_block,
                      .kind = contents.kind,
                      .reserved = 0});
  // A refused index keeps its entries and is tried again with the next block.
  if (entries_.size() >= index_every_) write_index();
  return true;
} catch (const std::bad_alloc&) {
  return true;  // the block is there; a reader finds it without the index
}

bool BlockFile::write_index() noexcept try {
  if (entries_.empty()) return true;
  const IndexHeader header{.previous_index = last_index_, .entry_count = entries_.size()};
  const auto head = bytes_of(header);
  const auto entries = std::as_bytes(std::span(entries_));
  index_.assign(head.begin(), head.end());
  index_.insert(index_.end(), entries.begin(), entries.end());
  const std::uint64_t at = offset_;
  if (!write_block({.kind = BlockKind::index}, index_, Compression::none)) return false;
  last_index_ = at;
  entries_.clear();
  return true;
} catch (const std::bad_alloc&) {
  return false;
}

bool BlockFile::finish(std::uint64_t offered, std::uint64_t recorded, std::uint64_t write_failed) noexcept {
  if (!write_index()) return false;
  const Footer footer{.last_index = last_index_,
                      .block_count = sequence_,
                      .offered = offered,
                      .recorded = recorded,
                      .write_failed = write_failed};
  if (!write_block({.kind = BlockKind::footer}, bytes_of(footer), Compression::none)) return false;
  if (fdatasync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) {
    failure_ = errno;
    return false;
  }
  return true;
}

}  // namespace crible::record
