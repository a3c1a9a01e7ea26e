#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/builder/ledger.hpp"

namespace crible::builder {

/// A luminosity block's book while it is in use.
struct OpenBook {
  Book book;
  /// Events that were closed complete, all fragments booked under this block: each of them moves one fragment
  /// of every source from pending to used, so one number stands for them all until the book is finished.
  std::int64_t complete_events = 0;
  /// Which sources have closed the block, and how many.
  std::vector<bool> closed_by;
  std::size_t closed_by_count = 0;
  std::int64_t used_ns = 0;

  enum class State : std::uint8_t { free, in_use, finished } state = State::free;
};

/// The books of the hot path. A fixed number of luminosity blocks is in use at once; one more, and the book
/// that was used least recently is finished: what comes for its block later makes another part of it. Books
/// that are finished wait to be taken. There is room for many; when wild luminosity blocks finish more of
/// them between two calls of next_finished(), and then only, memory is allocated. So whatever is booked stays
/// with its block.
class Books {
 public:
  /// The number of what belongs to no luminosity block: damaged frames and strangers before the run's first
  /// packet.
  static constexpr std::uint32_t no_block = 0xffffffff;

  explicit Books(std::size_t source_count);

  /// The book of a luminosity block; a new one when there is none. The reference is good until the next call.
  OpenBook& use(std::uint32_t luminosity_block, std::int64_t now_ns) noexcept {
    if (last_->book.luminosity_block == luminosity_block && last_->state == OpenBook::State::in_use) {
      last_->used_ns = std::max(last_->used_ns, now_ns);
      return *last_;
    }
    return find(luminosity_block, now_ns);
  }

  /// The book that was used last, or no_block's: for what names no luminosity block.
  OpenBook& last_used(std::int64_t now_ns) noexcept { return use(last_->book.luminosity_block, now_ns); }

  /// The source has closed the luminosity block.
  void close(OpenBook& open, std::size_t source) noexcept;

  /// Finishes the book if all sources have closed it and all its events are decided.
  void finish_if_settled(OpenBook& open) noexcept;

  /// Finishes the books with all events decided that nothing was booked in since `before_ns`, but the last.
  void finish_idle(std::int64_t before_ns) noexcept;
  void finish_all() noexcept;

  /// The next finished book, valid until the next call of this function; null when there is none.
  const Book* next_finished() noexcept;

  void add_in_use(Ledger& ledger) const;

 private:
  /// The luminosity blocks that sources out of step can be in at once.
  static constexpr std::size_t most_in_use = 64;

  OpenBook& find(std::uint32_t luminosity_block, std::int64_t now_ns) noexcept;
  OpenBook* add_book();
  OpenBook* take_free() noexcept;
  void finish(OpenBook& open) noexcept;
  static void clear(OpenBook& open) noexcept;

  const std::size_t source_count_;
  std::vector<std::unique_ptr<OpenBook>> books_;
  std::vector<OpenBook*> in_use_;
  std::vector<OpenBook*> free_;
  /// In the order in which they were finished; the first `taken_` have been handed out.
  std::vector<OpenBook*> finished_;
  std::size_t taken_ = 0;
  OpenBook* last_;
};

}  // namespace crible::builder
