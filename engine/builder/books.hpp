#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

/// The books of the hot path: a fixed number of luminosity blocks at once, no allocation after construction.
class Books {
 public:
  /// The number of what belongs to no luminosity block: damaged frames and strangers before the run's first
  /// packet, and what comes while all books wait to be taken.
  static constexpr std::uint32_t no_block = 0xffffffff;

  explicit Books(std::size_t source_count);

  /// The book of a luminosity block; a new one when there is none. The reference is good until the next call.
  OpenBook& use(std::uint32_t luminosity_block, std::int64_t now_ns) noexcept {
    OpenBook& last = books_[last_];
    if (last.book.luminosity_block == luminosity_block && last.state == OpenBook::State::in_use) {
      last.used_ns = std::max(last.used_ns, now_ns);
      return last;
    }
    return find(luminosity_block, now_ns);
  }

  /// The book that was used last, or no_block's: for what names no luminosity block.
  OpenBook& last_used(std::int64_t now_ns) noexcept {
    return use(books_[last_].book.luminosity_block, now_ns);
  }

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
  /// Half of them can be in use: the luminosity blocks that sources out of step can be in at once.
  static constexpr std::size_t book_count = 128;

  OpenBook& find(std::uint32_t luminosity_block, std::int64_t now_ns) noexcept;
  OpenBook* free_book() noexcept;
  const Book* next_overflow() noexcept;
  void finish(OpenBook& open) noexcept;
  static void clear(OpenBook& open) noexcept;

  std::vector<OpenBook> books_;
  std::size_t last_ = 0;
  /// Finished books in order, a ring of numbers into books_.
  std::vector<std::size_t> finished_;
  std::size_t finished_begin_ = 0;
  std::size_t finished_count_ = 0;
  OpenBook* handed_out_ = nullptr;
  /// The book of no_block, and its double that is handed out; never in the ring.
  OpenBook overflow_;
  OpenBook overflow_handed_out_;
};

}  // namespace crible::builder
