#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/record/run_header.hpp"

namespace crible::record {

/// What the writer does once the disk has refused a block (which is then counted as write_failed).
enum class OnFailure {
  resume,  // tries again with the next block: the disk may have room again
  stop,    // everything after it counts as write_failed
};

struct WriterOptions {
  std::filesystem::path file;
  bool overwrite = false;  // false: an existing file is refused
  std::size_t shards = 1;
  std::size_t block_bytes =
      1 << 20;              // a block is handed to the writer thread when the next event does not fit
  std::size_t buffers = 8;  // blocks per shard that are being filled, compressed or written
  int compression = 1;      // zstd level 1..19; 0: none
  std::int64_t flush_ns = 200'000'000;     // the longest time that an event waits for its block to fill
  std::int64_t max_wait_ns = 100'000'000;  // the longest time that append() waits for a free buffer
  OnFailure on_failure = OnFailure::resume;
  std::size_t index_every = 256;  // blocks between two partial indexes
};

/// One fragment of an event to be recorded. The bytes are copied.
struct Fragment {
  std::uint32_t source = 0;  // source id
  std::span<const std::byte> payload;
};

/// One event to be recorded. Everything is copied.
struct Event {
  std::uint64_t event = 0;
  std::uint32_t luminosity_block = 0;
  std::uint32_t streams = 0;  // bit s: kept for stream s
  std::span<const std::byte> decision = {};
  std::span<const Fragment> fragments = {};
};

enum class Status {
  ok,
  no_buffer,  // the disk or the compression is too slow: counted as write_failed
  too_large,  // more than 1 GiB, or no memory for it: counted as write_failed
};

/// One sentence for each status.
const char* sentence(Status status);

/// offered = recorded + write_failed + queued, also while the run goes on.
struct Counters {
  std::uint64_t offered = 0;        // events given to append()
  std::uint64_t recorded = 0;       // events in blocks that the file holds
  std::uint64_t write_failed = 0;   // events that are not in the file and will never be
  std::uint64_t queued = 0;         // events on their way
  std::uint64_t failed_blocks = 0;  // refused by the disk
  std::uint64_t blocks = 0;         // of all kinds, in the file
  std::uint64_t body_bytes = 0;     // of these blocks before compression
  std::uint64_t file_bytes = 0;
};

/// A recording being written: one per machine. Shards append to buffers of their own; a writer thread
/// compresses the full ones and puts them into the file. Nothing is shared between shards and nothing is
/// allocated after construction, but for an event larger than a block.
class Writer {
 public:
  /// Creates the file and writes the run header. Throws Error when the file exists or cannot be written.
  Writer(const WriterOptions& options, const RunHeader& header);
  ~Writer();  // close()

  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  /// Copies the event into the shard's block. Each shard is used by one thread at a time. `now_ns` is
  /// CLOCK_MONOTONIC and may be a little old. Whatever the status, the event is counted.
  Status append(std::size_t shard, const Event& event, std::int64_t now_ns) noexcept;

  /// Hands a block over whose first event is older than flush_ns. To be called in the shard's idle time.
  void poll(std::size_t shard, std::int64_t now_ns) noexcept;

  /// Hands the shard's block over, full or not.
  void flush(std::size_t shard) noexcept;

  /// Queues a ledger block: a JSON text. `luminosity_block` is written into its header. Any thread.
  void ledger(std::uint32_t luminosity_block, std::string_view json);

  /// Writes what is queued, the index and the footer; waits for it. No shard may append any more. Returns
  /// false when the file has no footer because the disk refused it; the file can still be read.
  bool close() noexcept;

  /// Any thread. Exact for a shard that is not inside append().
  Counters counters() const noexcept;

  /// The last refusal of the disk as a sentence with path and reason; empty while there was none.
  std::string failure() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace crible::record
