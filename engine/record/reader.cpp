#include "engine/record/reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <new>

#include "engine/base/error.hpp"
#include "engine/record/checksum.hpp"

namespace crible::record {
namespace {

/// No writer makes larger blocks; a damaged size must not ask for all memory.
constexpr std::uint64_t max_body_bytes = (std::uint64_t{1} << 31) - 4096;

/// Fills `bytes` from the file. Returns false when the file ends or the system refuses.
bool read_at(int descriptor, std::uint64_t offset, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = pread(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    offset += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

template <typename T>
bool read_value(int descriptor, std::uint64_t offset, T& value) {
  return read_at(descriptor, offset, std::as_writable_bytes(std::span(&value, 1)));
}

template <typename T>
T value_at(std::span<const std::byte> bytes, std::size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof(T));
  return value;
}

/// The header is whole and one of this version's.
bool valid(const BlockHeader& header) {
  const auto kind = static_cast<std::uint16_t>(header.kind);
  return header.magic == block_magic && header.version == format_version &&
         header.header_bytes == sizeof(BlockHeader) && header.header_crc == header_crc(header) && kind >= 1 &&
         kind <= static_cast<std::uint16_t>(BlockKind::footer) && header.compression <= Compression::zstd &&
         header.stored_bytes <= max_body_bytes && header.body_bytes <= max_body_bytes &&
         (header.compression != Compression::none || header.stored_bytes == header.body_bytes);
}

std::uint64_t end_of(const BlockInfo& block) {
  return block.offset + sizeof(BlockHeader) + padded(block.header.stored_bytes);
}

ReadStatus decompress(std::span<const std::byte> stored, std::uint64_t body_bytes,
                      std::vector<std::byte>& unpacked) try {
  if (ZSTD_getFrameContentSize(stored.data(), stored.size()) != body_bytes)
    return ReadStatus::bad_compression;
  if (unpacked.size() < body_bytes) unpacked.resize(body_bytes);
  const std::size_t bytes = ZSTD_decompress(unpacked.data(), body_bytes, stored.data(), stored.size());
  return !ZSTD_isError(bytes) && bytes == body_bytes ? ReadStatus::ok : ReadStatus::bad_compression;
} catch (const std::bad_alloc&) {
  return ReadStatus::bad_compression;
}

}  // namespace

const char* sentence(ReadStatus status) {
  switch (status) {
    case ReadStatus::ok:
      return "read";
    case ReadStatus::end:
      return "there is nothing more";
    case ReadStatus::cut:
      return "the file ends inside the block";
    case ReadStatus::bad_header:
      return "the block's header is damaged or of another version";
    case ReadStatus::bad_crc:
      return "the block's body does not have its CRC";
    case ReadStatus::bad_compression:
      return "the block's body cannot be decompressed to the size that its header gives";
    case ReadStatus::bad_record:
      return "an event record contradicts itself or its block";
    case ReadStatus::io_error:
      return "the system refused to read the file";
  }
  return "unknown status";
}

ReadStatus Cursor::next(EventView& event) {
  if (rest_.empty()) return ReadStatus::end;
  const auto bad = [this] {
    rest_ = {};
    return ReadStatus::bad_record;
  };
  if (rest_.size() < sizeof(EventHeader)) return bad();
  const auto header = value_at<EventHeader>(rest_, 0);
  if (header.record_bytes > rest_.size()) return bad();
  const std::span record = rest_.first(header.record_bytes);
  std::uint64_t offset = sizeof(EventHeader) + std::uint64_t{header.fragment_count} * sizeof(FragmentEntry);
  const std::uint64_t decision_offset = offset;
  offset += padded(header.decision_bytes);
  if (offset > record.size()) return bad();

  fragments_.resize(header.fragment_count);
  for (std::size_t i = 0; i < header.fragment_count; ++i) {
    const auto entry = value_at<FragmentEntry>(record, sizeof(EventHeader) + i * sizeof(FragmentEntry));
    if (padded(entry.bytes) > record.size() - offset) return bad();
    fragments_[i] = {entry.source, record.subspan(offset, entry.bytes)};
    offset += padded(entry.bytes);
  }
  if (offset != record.size()) return bad();
  event = {.event = header.event,
           .luminosity_block = header.luminosity_block,
           .streams = header.streams,
           .decision = record.subspan(decision_offset, header.decision_bytes),
           .fragments = fragments_,
           .record = record};
  rest_ = rest_.subspan(record.size());
  return ReadStatus::ok;
}

Reader::Reader(const std::filesystem::path& file) : file_(file) {
  descriptor_ = open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor_ < 0)
    throw Error(file.string() + ": the recording cannot be opened: " + std::strerror(errno));
  struct stat status;
  const bool regular = fstat(descriptor_, &status) == 0 && S_ISREG(status.st_mode);
  file_bytes_ = regular ? static_cast<std::uint64_t>(status.st_size) : 0;
  try {
    if (!regular) throw Error(file.string() + ": this is no file; give the recording that a run wrote");
    find_blocks();
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

Reader::~Reader() {
  close(descriptor_);
}

void Reader::find_blocks() {
  if (!load_index()) scan();
  if (blocks_.empty() || blocks_.front().header.kind != BlockKind::run_header)
    throw Error(file_.string() +
                ": the run header at the start is missing or damaged, so this is no recording, "
                "or one that was cut before it began");
  Body body;
  const ReadStatus status = read(blocks_.front(), body);
  if (status != ReadStatus::ok)
    throw Error(file_.string() + ": the run header cannot be read: " + sentence(status), Fault::failure);
  const auto text = body.bytes();
  try {
    run_header_ = run_header_from_json({reinterpret_cast<const char*>(text.data()), text.size()});
  } catch (const Error& error) {
    throw Error(file_.string() + ": " + error.what(), Fault::failure);
  }
}

/// A header at `offset` whose body ends inside the file.
bool Reader::read_header(std::uint64_t offset, BlockHeader& header) const {
  if (offset > file_bytes_ || file_bytes_ - offset < sizeof(BlockHeader)) return false;
  if (!read_value(descriptor_, offset, header) || !valid(header)) return false;
  return padded(header.stored_bytes) <= file_bytes_ - offset - sizeof(BlockHeader);
}

bool Reader::load_index() {
  constexpr std::uint64_t footer_bytes = sizeof(BlockHeader) + sizeof(Footer);
  BlockInfo last;
  if (file_bytes_ < footer_bytes) return false;
  last.offset = file_bytes_ - footer_bytes;
  if (!read_header(last.offset, last.header) || last.header.kind != BlockKind::footer) return false;
  Body body;
  if (last.header.body_bytes != sizeof(Footer) || read(last, body) != ReadStatus::ok) return false;
  const auto footer = value_at<Footer>(body.bytes(), 0);

  std::vector<BlockInfo> blocks = {last};
  // Indexes lie one before the other, so that a chain that does not end cannot be.
  std::uint64_t limit = last.offset;
  for (std::uint64_t at = footer.last_index; at != no_offset;) {
    BlockInfo index{.offset = at};
    if (at >= limit || !read_header(at, index.header) || index.header.kind != BlockKind::index) return false;
    if (read(index, body) != ReadStatus::ok || !add_entries(body.bytes(), blocks)) return false;
    blocks.push_back(index);
    limit = at;
    at = value_at<IndexHeader>(body.bytes(), 0).previous_index;
  }
  std::sort(blocks.begin(), blocks.end(), [](const auto& a, const auto& b) { return a.offset < b.offset; });
  std::uint64_t next = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].offset != next || blocks[i].header.sequence != i) return false;
    next = end_of(blocks[i]);
  }
  if (next != file_bytes_ || footer.block_count + 1 != blocks.size()) return false;
  blocks_ = std::move(blocks);
  footer_ = footer;
  return true;
}

bool Reader::add_entries(std::span<const std::byte> body, std::vector<BlockInfo>& blocks) const {
  if (body.size() < sizeof(IndexHeader)) return false;
  const auto header = value_at<IndexHeader>(body, 0);
  if (header.entry_count != (body.size() - sizeof(IndexHeader)) / sizeof(IndexEntry)) return false;
  for (std::size_t i = 0; i < header.entry_count; ++i) {
    const auto entry = value_at<IndexEntry>(body, sizeof(IndexHeader) + i * sizeof(IndexEntry));
    BlockInfo block{.offset = entry.offset};
    if (!read_header(entry.offset, block.header)) return false;
    blocks.push_back(block);
  }
  return true;
}

void Reader::scan() {
  std::uint64_t offset = 0;
  std::uint64_t sequence = 0;
  while (offset < file_bytes_) {
    BlockInfo block{.offset = offset};
    if (!read_header(offset, block.header)) {
      const auto found = next_header(offset);
      if (!found) {
        damage_.cut_bytes = file_bytes_ - offset;
        break;
      }
      damage_.skipped_bytes += *found - offset;
      offset = *found;
      continue;
    }
    if (block.header.sequence > sequence) damage_.missing_blocks += block.header.sequence - sequence;
    sequence = block.header.sequence + 1;
    blocks_.push_back(block);
    offset = end_of(block);
  }
  damage_.no_footer = true;
  if (blocks_.empty() || blocks_.back().header.kind != BlockKind::footer) return;
  Body body;
  if (read(blocks_.back(), body) != ReadStatus::ok || body.bytes().size() != sizeof(Footer)) return;
  footer_ = value_at<Footer>(body.bytes(), 0);
  damage_.no_footer = false;
}

/// The first readable header behind `from`, on the grid of 8 bytes on which blocks begin.
std::optional<std::uint64_t> Reader::next_header(std::uint64_t from) const {
  constexpr std::size_t window_bytes = 1 << 16;
  std::vector<std::byte> window(window_bytes);
  for (std::uint64_t start = padded(from + 1); start + sizeof(BlockHeader) <= file_bytes_;
       start += window_bytes) {
    const std::size_t bytes = std::min<std::uint64_t>(window_bytes, file_bytes_ - start);
    if (!read_at(descriptor_, start, std::span(window).first(bytes))) return std::nullopt;
    for (std::size_t i = 0; i + sizeof(std::uint32_t) <= bytes; i += 8) {
      BlockHeader header;
      if (value_at<std::uint32_t>(window, i) == block_magic && read_header(start + i, header))
        return start + i;
    }
  }
  return std::nullopt;
}

std::string Reader::damage_sentence() const {
  if (!damage_.any()) return {};
  std::string text = file_.string() + ": ";
  text += damage_.no_footer ? "the recording was not closed (no footer)" : "the recording is damaged";
  text += "; " + std::to_string(blocks_.size()) + " complete blocks can be read";
  if (damage_.cut_bytes > 0)
    text += ", " + std::to_string(damage_.cut_bytes) + " bytes at the end belong to no complete block";
  if (damage_.skipped_bytes > 0)
    text += ", " + std::to_string(damage_.skipped_bytes) + " damaged bytes between blocks were skipped";
  if (damage_.missing_blocks > 0)
    text += ", " + std::to_string(damage_.missing_blocks) + " blocks are missing";
  return text;
}

ReadStatus Reader::read(const BlockInfo& block, Body& body) const try {
  const std::uint64_t bytes = padded(block.header.stored_bytes);
  if (!valid(block.header)) return ReadStatus::bad_header;
  if (block.offset > file_bytes_ || bytes + sizeof(BlockHeader) > file_bytes_ - block.offset)
    return ReadStatus::cut;
  if (body.stored_.size() < bytes) body.stored_.resize(bytes);
  const std::span stored = std::span(body.stored_).first(bytes);
  if (!read_at(descriptor_, block.offset + sizeof(BlockHeader), stored)) return ReadStatus::io_error;
  if (stored_crc(stored) != block.header.body_crc) return ReadStatus::bad_crc;
  body.bytes_ = stored.first(block.header.stored_bytes);
  if (block.header.compression == Compression::none) return ReadStatus::ok;
  const ReadStatus status = decompress(body.bytes_, block.header.body_bytes, body.unpacked_);
  body.bytes_ = std::span(body.unpacked_).first(status == ReadStatus::ok ? block.header.body_bytes : 0);
  return status;
} catch (const std::bad_alloc&) {
  return ReadStatus::io_error;
}

ReadStatus Reader::find(std::uint64_t event, Body& body, Cursor& cursor, EventView& view) const {
  ReadStatus worst = ReadStatus::end;
  for (const BlockInfo& block : blocks_) {
    const BlockHeader& header = block.header;
    if (header.kind != BlockKind::events || event < header.first_event || event > header.last_event) continue;
    ReadStatus status = read(block, body);
    if (status == ReadStatus::ok) {
      cursor.reset(body.bytes());
      while ((status = cursor.next(view)) == ReadStatus::ok)
        if (view.event == event) return ReadStatus::ok;
    }
    if (status != ReadStatus::end) worst = status;
  }
  return worst;
}

}  // namespace crible::record
