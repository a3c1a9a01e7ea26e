#include "engine/builder/ledger.hpp"

#include "engine/base/error.hpp"

namespace crible::builder {

const std::array<Counter<FragmentCounts>, 13> fragment_counters = {{
    {"sent", &FragmentCounts::sent},
    {"outside", &FragmentCounts::outside},
    {"transport_gap", &FragmentCounts::transport_gap},
    {"received", &FragmentCounts::received},
    {"used", &FragmentCounts::used},
    {"duplicate", &FragmentCounts::duplicate},
    {"late", &FragmentCounts::late},
    {"corrupt", &FragmentCounts::corrupt},
    {"unknown_source", &FragmentCounts::unknown_source},
    {"wrong_run", &FragmentCounts::wrong_run},
    {"far_ahead", &FragmentCounts::far_ahead},
    {"evicted", &FragmentCounts::evicted},
    {"pending", &FragmentCounts::pending},
}};

const std::array<Counter<PacketCounts>, 7> packet_counters = {{
    {"sent", &PacketCounts::sent},
    {"outside", &PacketCounts::outside},
    {"transport_gap", &PacketCounts::transport_gap},
    {"received", &PacketCounts::received},
    {"restarts", &PacketCounts::restarts},
    {"closings", &PacketCounts::closings},
    {"contradictions", &PacketCounts::contradictions},
}};

const std::array<Counter<EventCounts>, 12> event_counters = {{
    {"opened", &EventCounts::opened},
    {"complete", &EventCounts::complete},
    {"incomplete_timeout", &EventCounts::incomplete_timeout},
    {"incomplete_stop", &EventCounts::incomplete_stop},
    {"evicted", &EventCounts::evicted},
    {"open", &EventCounts::open},
    {"accepted", &EventCounts::accepted},
    {"rejected", &EventCounts::rejected},
    {"prescaled_out", &EventCounts::prescaled_out},
    {"forced", &EventCounts::forced},
    {"in_flight", &EventCounts::in_flight},
    {"mixed_luminosity_blocks", &EventCounts::mixed_luminosity_blocks},
}};

namespace {

template <class Counts, std::size_t size>
void add_counts(Counts& sum, const Counts& part, const std::array<Counter<Counts>, size>& counters) {
  for (const auto& counter : counters) sum.*counter.value += part.*counter.value;
}

void add_source(SourceBook& sum, const SourceBook& part) {
  add_counts(sum.fragments, part.fragments, fragment_counters);
  add_counts(sum.packets, part.packets, packet_counters);
}

/// Appends a sentence when the two sides differ.
void compare(std::vector<std::string>& broken, const std::string& where, std::string_view left_name,
             std::int64_t left, std::string_view right_name, std::int64_t right) {
  if (left == right) return;
  broken.push_back(where + ": " + std::string(left_name) + " is " + std::to_string(left) + ", but " +
                   std::string(right_name) + " is " + std::to_string(right) +
                   "; the ledger does not balance, which is an error of the engine");
}

void check_source(std::vector<std::string>& broken, const std::string& where, const SourceBook& book) {
  const FragmentCounts& f = book.fragments;
  compare(broken, where, "fragments sent + outside", f.sent + f.outside, "received + transport_gap",
          f.received + f.transport_gap);
  compare(broken, where, "fragments received", f.received,
          "used + duplicate + late + corrupt + unknown_source + wrong_run + far_ahead + evicted + pending",
          f.used + f.duplicate + f.late + f.corrupt + f.unknown_source + f.wrong_run + f.far_ahead +
              f.evicted + f.pending);
  const PacketCounts& p = book.packets;
  compare(broken, where, "packets sent + outside", p.sent + p.outside, "received + transport_gap",
          p.received + p.transport_gap);
}

void check_events(std::vector<std::string>& broken, const std::string& where, const EventCounts& e) {
  compare(broken, where, "events opened", e.opened,
          "complete + incomplete_timeout + incomplete_stop + evicted + open", e.closed() + e.open);
  compare(broken, where, "events closed", e.closed(),
          "accepted + rejected + prescaled_out + forced + in_flight",
          e.accepted + e.rejected + e.prescaled_out + e.forced + e.in_flight);
}

std::int64_t readable_frames(const Book& book) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i < book.frames.size(); ++i) {
    if (wire::header_is_sound(static_cast<wire::PacketStatus>(i))) sum += book.frames[i];
  }
  return sum;
}

std::vector<std::string> balance_at(const Book& book, const std::vector<std::uint16_t>& sources,
                                    const std::string& where) {
  std::vector<std::string> broken;
  for (std::size_t i = 0; i < book.sources.size(); ++i) {
    const std::string source = i < sources.size() ? std::to_string(sources[i]) : "?";
    check_source(broken, where + ", source " + source, book.sources[i]);
  }
  const SourceBook total = book.total();
  check_source(broken, where + ", all sources", total);
  check_events(broken, where, book.events);
  compare(broken, where, "readable frames", readable_frames(book), "packets received",
          total.packets.received);
  return broken;
}

std::string block_name(const Book& book) {
  return "luminosity block " + std::to_string(book.luminosity_block);
}

template <class Counts, std::size_t size>
void check_not_negative(std::vector<std::string>& broken, const std::string& where, const Counts& counts,
                        const std::array<Counter<Counts>, size>& counters) {
  for (const auto& counter : counters) {
    const std::int64_t value = counts.*counter.value;
    if (value >= 0) continue;
    broken.push_back(where + ": " + std::string(counter.name) + " is " + std::to_string(value) +
                     ", below zero");
  }
}

void check_zero(std::vector<std::string>& broken, const std::string& where, std::string_view counter,
                std::int64_t value) {
  if (value == 0) return;
  broken.push_back(where + ": " + std::string(counter) + " is " + std::to_string(value) +
                   " at the end of the run; it should be 0");
}

}  // namespace

SourceBook Book::total() const {
  SourceBook sum = unknown;
  for (const SourceBook& source : sources) add_source(sum, source);
  return sum;
}

void add(Book& sum, const Book& part) {
  if (sum.sources.size() < part.sources.size()) sum.sources.resize(part.sources.size());
  for (std::size_t i = 0; i < part.sources.size(); ++i) add_source(sum.sources[i], part.sources[i]);
  add_source(sum.unknown, part.unknown);
  add_counts(sum.events, part.events, event_counters);
  for (std::size_t i = 0; i < part.frames.size(); ++i) sum.frames[i] += part.frames[i];
}

std::vector<std::string> balance(const Book& book, const std::vector<std::uint16_t>& sources) {
  return balance_at(book, sources, block_name(book));
}

Ledger::Ledger(std::uint32_t run, std::vector<std::uint16_t> sources)
    : run_(run), sources_(std::move(sources)) {}

void Ledger::add(const Book& part) {
  if (part.sources.size() != sources_.size()) {
    throw Error("ledger: a book of " + std::to_string(part.sources.size()) +
                " sources does not fit a ledger of " + std::to_string(sources_.size()) +
                "; add books of the same run");
  }
  Book& book = books_[part.luminosity_block];
  book.luminosity_block = part.luminosity_block;
  builder::add(book, part);
}

void Ledger::merge(const Ledger& other) {
  if (other.run_ != run_ || other.sources_ != sources_) {
    throw Error("ledger: run " + std::to_string(other.run_) + " with " +
                std::to_string(other.sources_.size()) + " sources cannot be added to run " +
                std::to_string(run_) + " with " + std::to_string(sources_.size()) +
                "; merge ledgers of one run and one list of sources");
  }
  for (const auto& [number, book] : other.books_) add(book);
}

Book Ledger::total() const {
  Book sum;
  sum.sources.resize(sources_.size());
  for (const auto& [number, book] : books_) builder::add(sum, book);
  return sum;
}

std::vector<std::string> Ledger::balance() const {
  std::vector<std::string> broken;
  for (const auto& [number, book] : books_) {
    const auto more = builder::balance(book, sources_);
    broken.insert(broken.end(), more.begin(), more.end());
  }
  const auto more = balance_at(total(), sources_, "run " + std::to_string(run_));
  broken.insert(broken.end(), more.begin(), more.end());
  return broken;
}

std::vector<std::string> Ledger::check_final() const {
  std::vector<std::string> broken = balance();
  for (const auto& [number, book] : books_) {
    const std::string where = block_name(book);
    check_not_negative(broken, where, book.events, event_counters);
    check_zero(broken, where, "events open", book.events.open);
    check_zero(broken, where, "events in_flight", book.events.in_flight);
    for (std::size_t i = 0; i < book.sources.size(); ++i) {
      const std::string source = where + ", source " + std::to_string(sources_[i]);
      // A packet that arrives after its gap was booked is taken off where it belongs, so a single block's gap
      // can be negative; the run's cannot.
      FragmentCounts fragments = book.sources[i].fragments;
      fragments.transport_gap = 0;
      check_not_negative(broken, source, fragments, fragment_counters);
      check_zero(broken, source, "fragments pending", fragments.pending);
      check_zero(broken, source, "contradictions", book.sources[i].packets.contradictions);
    }
  }
  const Book sum = total();
  for (std::size_t i = 0; i < sum.sources.size(); ++i) {
    const std::string source = "run " + std::to_string(run_) + ", source " + std::to_string(sources_[i]);
    check_not_negative(broken, source, sum.sources[i].fragments, fragment_counters);
    check_not_negative(broken, source, sum.sources[i].packets, packet_counters);
  }
  return broken;
}

}  // namespace crible::builder
