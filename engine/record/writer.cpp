#include "engine/record/writer.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "engine/base/clock.hpp"
#include "engine/base/error.hpp"
#include "engine/record/block_file.hpp"
#include "engine/record/block_queue.hpp"

namespace crible::record {
namespace {

/// Readers refuse bodies of 2 GiB; no event comes near.
constexpr std::size_t max_record_bytes = std::size_t{1} << 30;

std::size_t record_bytes(const Event& event) {
  std::size_t bytes = sizeof(EventHeader) + event.fragments.size() * sizeof(FragmentEntry);
  bytes += padded(event.decision.size());
  for (const Fragment& fragment : event.fragments) bytes += padded(fragment.payload.size());
  return bytes;
}

/// Copies `bytes` to `to`, pads them with zeros and returns the place behind.
std::byte* put(std::byte* to, std::span<const std::byte> bytes) {
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
  const std::size_t padding = padded(bytes.size()) - bytes.size();
  std::memset(to + bytes.size(), 0, padding);
  return to + bytes.size() + padding;
}

template <typename T>
std::byte* put_value(std::byte* to, const T& value) {
  std::memcpy(to, &value, sizeof(T));
  return to + sizeof(T);
}

void put_record(std::byte* to, const Event& event, std::size_t bytes) {
  to = put_value(to, EventHeader{.record_bytes = static_cast<std::uint32_t>(bytes),
                                 .fragment_count = static_cast<std::uint32_t>(event.fragments.size()),
                                 .event = event.event,
                                 .luminosity_block = event.luminosity_block,
                                 .streams = event.streams,
                                 .decision_bytes = static_cast<std::uint32_t>(event.decision.size()),
                                 .reserved = 0});
  for (const Fragment& fragment : event.fragments)
    to = put_value(to, FragmentEntry{fragment.source, static_cast<std::uint32_t>(fragment.payload.size())});
  to = put(to, event.decision);
  for (const Fragment& fragment : event.fragments) to = put(to, fragment.payload);
}

void note(BlockContents& contents, const Event& event) {
  if (contents.event_count++ == 0) {
    contents.first_event = contents.last_event = event.event;
    contents.first_luminosity_block = contents.last_luminosity_block = event.luminosity_block;
    return;
  }
  contents.first_event = std::min(contents.first_event, event.event);
  contents.last_event = std::max(contents.last_event, event.event);
  contents.first_luminosity_block = std::min(contents.first_luminosity_block, event.luminosity_block);
  contents.last_luminosity_block = std::max(contents.last_luminosity_block, event.luminosity_block);
}

/// A counter with one writing thread.
void add(std::atomic<std::uint64_t>& counter, std::uint64_t amount) {
  counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_release);
}

/// What a shard needs and nobody else writes.
struct alignas(64) Shard {
  BlockQueue queue;
  bool stalled = false;  // a wait was in vain: do not wait again before a block has become free
  std::atomic<std::uint64_t> offered = 0;
  std::atomic<std::uint64_t> write_failed = 0;

  Shard(std::size_t blocks, std::size_t block_bytes) : queue(blocks, block_bytes) {}
};

struct Ledger {
  std::uint32_t luminosity_block = 0;
  std::string json;
};

void check(const WriterOptions& options) {
  if (options.shards == 0 || options.buffers < 2 || options.block_bytes < 1024 || options.index_every == 0)
    throw Error(
        "recording: at least 1 shard, 2 buffers, 1024 bytes per block and 1 block per index are needed");
  if (options.compression < 0 || options.compression > 19)
    throw Error("recording: compression is " + std::to_string(options.compression) +
                "; it must be 0 (none) or a zstd level from 1 to 19");
}

}  // namespace

const char* sentence(Status status) {
  switch (status) {
    case Status::ok:
      return "the event is in the queue";
    case Status::no_buffer:
      return "compression or disk are too slow: no buffer became free in time";
    case Status::too_large:
      return "the event is larger than 1 GiB or than the memory that is left";
  }
  return "unknown status";
}

class Writer::Impl {
 public:
  Impl(const WriterOptions& options, const RunHeader& header)
      : options_(options),
        file_(options.file, options.overwrite, header.run, options.compression, options.index_every,
              options.block_bytes) {
    const std::string json = to_json(header);
    if (!file_.append({.kind = BlockKind::run_header}, std::as_bytes(std::span(json))))
      throw Error(
          options.file.string() + ": the recording cannot be written: " + std::strerror(file_.failure()),
          Fault::failure);
    publish_file_counters();
    for (std::size_t i = 0; i < options.shards; ++i) {
      auto shard = std::make_unique<Shard>(options.buffers, options.block_bytes);
      shards_.push_back(std::move(shard));
    }
    thread_ = std::thread([this] { run(); });
  }

  ~Impl() { close(); }

  Status append(std::size_t shard_index, const Event& event, std::int64_t now_ns) noexcept {
    Shard& shard = *shards_[shard_index];
    add(shard.offered, 1);
    const std::size_t bytes = record_bytes(event);
    if (bytes > max_record_bytes) return fail(shard, Status::too_large);
    PendingBlock* block = shard.queue.filling();
    if (block != nullptr && block->used > 0 && block->used + bytes > block->capacity) {
      hand_over(shard);
      block = shard.queue.filling();
    }
    if (block == nullptr) block = wait_for_block(shard);
    if (block == nullptr) return fail(shard, Status::no_buffer);
    if (bytes > block->capacity && !grow(*block, bytes)) return fail(shard, Status::too_large);
    if (block->contents.event_count == 0) {
      block->opened_ns = now_ns;
      block->contents.writer = static_cast<std::uint32_t>(shard_index);
    }
    put_record(block->bytes.get() + block->used, event, bytes);
    block->used += bytes;
    note(block->contents, event);
    return Status::ok;
  }

  void poll(std::size_t shard_index, std::int64_t now_ns) noexcept {
    Shard& shard = *shards_[shard_index];
    const PendingBlock* block = shard.queue.filling();
    if (block != nullptr && block->used > 0 && now_ns - block->opened_ns >= options_.flush_ns)
      hand_over(shard);
  }

  void flush(std::size_t shard_index) noexcept {
    Shard& shard = *shards_[shard_index];
    const PendingBlock* block = shard.queue.filling();
    if (block != nullptr && block->used > 0) hand_over(shard);
  }

  void ledger(std::uint32_t luminosity_block, std::string_view json) {
    {
      const std::lock_guard lock(mutex_);
      new_ledgers_.push_back({luminosity_block, std::string(json)});
    }
    wake();
  }

  bool close() noexcept {
    if (!thread_.joinable()) return closed_well_;
    for (std::size_t shard = 0; shard < shards_.size(); ++shard) flush(shard);
    closing_.store(true, std::memory_order_release);
    wake();
    thread_.join();
    return closed_well_;
  }

  Counters counters() const noexcept {
    Counters counters;
    // In this order, an event that is being moved on counts as queued and never twice.
    counters.recorded = recorded_.load(std::memory_order_acquire);
    counters.write_failed = write_failed_.load(std::memory_order_acquire);
    for (const auto& shard : shards_)
      counters.write_failed += shard->write_failed.load(std::memory_order_acquire);
    for (const auto& shard : shards_) counters.offered += shard->offered.load(std::memory_order_acquire);
    counters.queued = counters.offered - counters.recorded - counters.write_failed;
    counters.failed_blocks = failed_blocks_.load(std::memory_order_relaxed);
    counters.blocks = blocks_.load(std::memory_order_relaxed);
    counters.body_bytes = body_bytes_.load(std::memory_order_relaxed);
    counters.file_bytes = file_bytes_.load(std::memory_order_relaxed);
    return counters;
  }

  std::string failure() const {
    const int error = failure_.load(std::memory_order_relaxed);
    if (error == 0) return {};
    const std::uint64_t blocks = failed_blocks_.load();
    const std::string what = blocks == 0 ? "the final block" : std::to_string(blocks) + " blocks";
    return options_.file.string() + ": the disk refused " + what + ", last because: " + std::strerror(error);
  }

 private:
  void wake() noexcept {
    work_.fetch_add(1, std::memory_order_release);
    work_.notify_one();
  }

  void hand_over(Shard& shard) noexcept {
    shard.stalled = false;
    shard.queue.hand_over();
    wake();
  }

  static Status fail(Shard& shard, Status status) noexcept {
    add(shard.write_failed, 1);
    return status;
  }

  PendingBlock* wait_for_block(Shard& shard) noexcept {
    const std::int64_t give_up_ns = monotonic_ns() + (shard.stalled ? 0 : options_.max_wait_ns);
    while (true) {
      if (PendingBlock* block = shard.queue.filling()) return block;
      if (monotonic_ns() >= give_up_ns) break;
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    shard.stalled = true;
    return nullptr;
  }

  static bool grow(PendingBlock& block, std::size_t bytes) noexcept {
    auto* memory = new (std::nothrow) std::byte[bytes];
    if (memory == nullptr) return false;
    block.bytes.reset(memory);  // nothing is lost: a block grows only while it is empty
    block.capacity = bytes;
    return true;
  }

  void run() noexcept {
    while (true) {
      const int seen = work_.load(std::memory_order_acquire);
      const bool closing = closing_.load(std::memory_order_acquire);
      if (drain()) continue;
      if (closing) break;
      work_.wait(seen, std::memory_order_acquire);
    }
    const Counters end = counters();
    closed_well_ = file_.finish(end.offered, end.recorded, end.write_failed) && waiting_ledgers_.empty();
    publish_file_counters();
  }

  /// Writes what is there. Returns false when there was nothing.
  bool drain() noexcept {
    bool any = drain_ledgers();
    for (const auto& shard : shards_) {
      PendingBlock* block = shard->queue.oldest();
      if (block == nullptr) continue;
      write(*block);
      shard->queue.give_back();
      any = true;
    }
    return any;
  }

  void write(const PendingBlock& block) noexcept {
    const bool written = store(block.contents, std::span(block.bytes.get(), block.used));
    add(written ? recorded_ : write_failed_, block.contents.event_count);
  }

  /// A ledger that the disk refuses is tried again before the next block, and at the end.
  bool drain_ledgers() noexcept {
    {
      const std::lock_guard lock(mutex_);
      waiting_ledgers_.insert(waiting_ledgers_.end(), new_ledgers_.begin(), new_ledgers_.end());
      new_ledgers_.clear();
    }
    const auto written =
        std::find_if_not(waiting_ledgers_.begin(), waiting_ledgers_.end(), [&](const Ledger& it) {
          return store({.kind = BlockKind::ledger,
                        .first_luminosity_block = it.luminosity_block,
                        .last_luminosity_block = it.luminosity_block},
                       std::as_bytes(std::span(it.json)));
        });
    const bool any = written != waiting_ledgers_.begin();
    waiting_ledgers_.erase(waiting_ledgers_.begin(), written);
    return any;
  }

  bool store(const BlockContents& contents, std::span<const std::byte> body) noexcept {
    const bool given_up = options_.on_failure == OnFailure::stop && failed_blocks_.load() > 0;
    const bool written = !given_up && file_.append(contents, body);
    if (!written) add(failed_blocks_, 1);
    publish_file_counters();
    return written;
  }

  void publish_file_counters() noexcept {
    blocks_.store(file_.blocks(), std::memory_order_relaxed);
    body_bytes_.store(file_.body_bytes(), std::memory_order_relaxed);
    file_bytes_.store(file_.file_bytes(), std::memory_order_relaxed);
    failure_.store(file_.failure(), std::memory_order_relaxed);
  }

  WriterOptions options_;
  BlockFile file_;  // used by the writer thread alone once that runs
  std::vector<std::unique_ptr<Shard>> shards_;
  std::mutex mutex_;
  std::vector<Ledger> new_ledgers_;      // under the mutex
  std::vector<Ledger> waiting_ledgers_;  // the writer thread's
  std::atomic<int> work_ = 0;            // changes whenever there may be something to do
  std::atomic<bool> closing_ = false;
  std::atomic<std::uint64_t> recorded_ = 0;
  std::atomic<std::uint64_t> write_failed_ = 0;
  std::atomic<std::uint64_t> failed_blocks_ = 0;
  std::atomic<std::uint64_t> blocks_ = 0;
  std::atomic<std::uint64_t> body_bytes_ = 0;
  std::atomic<std::uint64_t> file_bytes_ = 0;
  std::atomic<int> failure_ = 0;
  bool closed_well_ = false;
  std::thread thread_;
};

Writer::Writer(const WriterOptions& options, const RunHeader& header) {
  check(options);
  impl_ = std::make_unique<Impl>(options, header);
}

Writer::~Writer() = default;

Status Writer::append(std::size_t shard, const Event& event, std::int64_t now_ns) noexcept {
  return impl_->append(shard, event, now_ns);
}

void Writer::poll(std::size_t shard, std::int64_t now_ns) noexcept {
  impl_->poll(shard, now_ns);
}

void Writer::flush(std::size_t shard) noexcept {
  impl_->flush(shard);
}

void Writer::ledger(std::uint32_t luminosity_block, std::string_view json) {
  impl_->ledger(luminosity_block, json);
}

bool Writer::close() noexcept {
  return impl_->close();
}

Counters Writer::counters() const noexcept {
  return impl_->counters();
}

std::string Writer::failure() const {
  return impl_->failure();
}

}  // namespace crible::record
