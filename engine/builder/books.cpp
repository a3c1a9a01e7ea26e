#include "engine/builder/books.hpp"

#include <algorithm>

namespace crible::builder {

using State = OpenBook::State;

namespace {

/// Writes out what complete_events stands for.
void spread_complete_events(Book& book, std::int64_t complete_events) noexcept {
  for (SourceBook& source : book.sources) {
    source.fragments.used += complete_events;
    source.fragments.pending -= complete_events;
  }
}

bool all_decided(const OpenBook& open) noexcept {
  return open.book.events.open == 0 && open.book.events.in_flight == 0;
}

}  // namespace

Books::Books(std::size_t source_count) : books_(book_count), finished_(book_count) {
  overflow_.book.sources.resize(source_count);
  overflow_.book.luminosity_block = no_block;
  overflow_.closed_by.resize(source_count);
  std::fill(books_.begin(), books_.end(), overflow_);
  overflow_handed_out_ = overflow_;
}

OpenBook& Books::find(std::uint32_t luminosity_block, std::int64_t now_ns) noexcept {
  OpenBook* found = nullptr;
  for (OpenBook& open : books_) {
    const bool same = open.state == State::in_use && open.book.luminosity_block == luminosity_block;
    if (same) found = &open;
  }
  if (found == nullptr) {
    found = free_book();
    if (found == nullptr) {
      overflow_.state = State::in_use;
      return overflow_;
    }
    found->state = State::in_use;
    found->book.luminosity_block = luminosity_block;
    found->used_ns = now_ns;
  }
  found->used_ns = std::max(found->used_ns, now_ns);
  last_ = static_cast<std::size_t>(found - books_.data());
  return *found;
}

OpenBook* Books::free_book() noexcept {
  std::size_t in_use = 0;
  OpenBook* free = nullptr;
  OpenBook* oldest = nullptr;
  for (OpenBook& open : books_) {
    if (open.state == State::free) free = &open;
    if (open.state != State::in_use) continue;
    ++in_use;
    if (oldest == nullptr || open.used_ns < oldest->used_ns) oldest = &open;
  }
  // Half of the books may be in use; the others are free or wait to be taken.
  if (in_use >= book_count / 2) finish(*oldest);
  return free;
}

void Books::close(OpenBook& open, std::size_t source) noexcept {
  if (open.closed_by[source] || &open == &overflow_) return;
  open.closed_by[source] = true;
  ++open.closed_by_count;
  finish_if_settled(open);
}

void Books::finish_if_settled(OpenBook& open) noexcept {
  if (&open != &overflow_ && open.closed_by_count == open.closed_by.size() && all_decided(open)) finish(open);
}

void Books::finish_idle(std::int64_t before_ns) noexcept {
  for (OpenBook& open : books_) {
    const bool idle = open.state == State::in_use && open.used_ns < before_ns && all_decided(open);
    if (idle && &open != &books_[last_]) finish(open);
  }
}

void Books::finish_all() noexcept {
  for (OpenBook& open : books_) {
    if (open.state == State::in_use) finish(open);
  }
}

void Books::finish(OpenBook& open) noexcept {
  spread_complete_events(open.book, open.complete_events);
  open.complete_events = 0;
  open.state = State::finished;
  finished_[(finished_begin_ + finished_count_) % book_count] =
      static_cast<std::size_t>(&open - books_.data());
  ++finished_count_;
}

const Book* Books::next_finished() noexcept {
  if (handed_out_ != nullptr) clear(*handed_out_);
  handed_out_ = nullptr;
  if (finished_count_ == 0) return next_overflow();
  handed_out_ = &books_[finished_[finished_begin_]];
  finished_begin_ = (finished_begin_ + 1) % book_count;
  --finished_count_;
  return &handed_out_->book;
}

const Book* Books::next_overflow() noexcept {
  if (overflow_.state == State::free) return nullptr;
  spread_complete_events(overflow_.book, overflow_.complete_events);
  overflow_.complete_events = 0;
  std::swap(overflow_, overflow_handed_out_);
  handed_out_ = &overflow_handed_out_;
  return &handed_out_->book;
}

void Books::clear(OpenBook& open) noexcept {
  std::fill(open.book.sources.begin(), open.book.sources.end(), SourceBook{});
  std::fill(open.closed_by.begin(), open.closed_by.end(), false);
  open.book.unknown = {};
  open.book.events = {};
  open.book.frames = {};
  open.closed_by_count = 0;
  open.state = State::free;
}

void Books::add_in_use(Ledger& ledger) const {
  const auto add_one = [&ledger](const OpenBook& open) {
    if (open.state != State::in_use) return;
    Book book = open.book;
    spread_complete_events(book, open.complete_events);
    ledger.add(book);
  };
  std::for_each(books_.begin(), books_.end(), add_one);
  add_one(overflow_);
}

}  // namespace crible::builder
