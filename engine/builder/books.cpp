#include "engine/builder/books.hpp"

#include <algorithm>
#include <limits>

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

Books::Books(std::size_t source_count) : source_count_(source_count) {
  books_.reserve(2 * most_in_use);
  in_use_.reserve(most_in_use);
  free_.reserve(2 * most_in_use);
  finished_.reserve(2 * most_in_use);
  while (books_.size() < 2 * most_in_use) free_.push_back(add_book());
  last_ = free_.back();
}

/// A book more than there were.
OpenBook* Books::add_book() {
  OpenBook& added = *books_.emplace_back(std::make_unique<OpenBook>());
  added.book.sources.resize(source_count_);
  added.book.luminosity_block = no_block;
  added.closed_by.resize(source_count_);
  clear(added);
  return &added;
}

OpenBook& Books::find(std::uint32_t luminosity_block, std::int64_t now_ns) noexcept {
  const auto found = std::find_if(in_use_.begin(), in_use_.end(), [&](const OpenBook* open) {
    return open->book.luminosity_block == luminosity_block;
  });
  last_ = found != in_use_.end() ? *found : take_free();
  last_->book.luminosity_block = luminosity_block;
  last_->used_ns = std::max(last_->used_ns, now_ns);
  return *last_;
}

OpenBook* Books::take_free() noexcept {
  if (in_use_.size() == most_in_use) {
    const auto older = [](const OpenBook* a, const OpenBook* b) { return a->used_ns < b->used_ns; };
    finish(**std::min_element(in_use_.begin(), in_use_.end(), older));
  }
  if (free_.empty()) free_.push_back(add_book());
  OpenBook* const taken = free_.back();
  free_.pop_back();
  taken->state = State::in_use;
  in_use_.push_back(taken);
  return taken;
}

void Books::close(OpenBook& open, std::size_t source) noexcept {
  if (open.closed_by[source]) return;
  open.closed_by[source] = true;
  ++open.closed_by_count;
  finish_if_settled(open);
}

void Books::finish_if_settled(OpenBook& open) noexcept {
  if (open.closed_by_count == open.closed_by.size() && all_decided(open)) finish(open);
}

void Books::finish_idle(std::int64_t before_ns) noexcept {
  for (std::size_t i = in_use_.size(); i-- > 0;) {
    OpenBook& open = *in_use_[i];
    if (open.used_ns < before_ns && all_decided(open) && &open != last_) finish(open);
  }
}

void Books::finish_all() noexcept {
  while (!in_use_.empty()) finish(*in_use_.front());
}

void Books::finish(OpenBook& open) noexcept {
  spread_complete_events(open.book, open.complete_events);
  open.complete_events = 0;
  open.state = State::finished;
  in_use_.erase(std::find(in_use_.begin(), in_use_.end(), &open));
  finished_.push_back(&open);
}

const Book* Books::next_finished() noexcept {
  if (taken_ != 0) {
    OpenBook* const done = finished_[taken_ - 1];
    clear(*done);
    free_.push_back(done);
  }
  if (taken_ == finished_.size()) {
    finished_.clear();
    taken_ = 0;
    return nullptr;
  }
  return &finished_[taken_++]->book;
}

void Books::clear(OpenBook& open) noexcept {
  std::fill(open.book.sources.begin(), open.book.sources.end(), SourceBook{});
  std::fill(open.closed_by.begin(), open.closed_by.end(), false);
  open.book.unknown = {};
  open.book.events = {};
  open.book.frames = {};
  open.closed_by_count = 0;
  open.used_ns = std::numeric_limits<std::int64_t>::min();
  open.state = State::free;
}

void Books::add_in_use(Ledger& ledger) const {
  for (const OpenBook* open : in_use_) {
    Book book = open->book;
    spread_complete_events(book, open->complete_events);
    ledger.add(book);
  }
}

}  // namespace crible::builder
