#include "engine/menu/menu.hpp"

#include "engine/menu/chain_program.hpp"

namespace crible::menu {

Schedule::Schedule(std::vector<ScheduleEntry> entries) : entries_(std::move(entries)) {}

std::uint16_t Schedule::set_at(std::uint32_t luminosity_block) const noexcept {
  std::uint16_t set = entries_.front().set;
  for (const ScheduleEntry& entry : entries_) {
    if (entry.from_luminosity_block > luminosity_block) break;
    set = entry.set;
  }
  return set;
}

void Schedule::request(std::uint32_t luminosity_block, std::uint16_t set) {
  while (entries_.size() > 1 && entries_.back().from_luminosity_block >= luminosity_block)
    entries_.pop_back();
  if (luminosity_block <= entries_.front().from_luminosity_block) {
    entries_.front().set = set;
  } else {
    entries_.push_back({luminosity_block, set});
  }
}

std::optional<std::uint16_t> Menu::find_prescale_set(const std::string& name) const {
  for (std::size_t i = 0; i < set_names_.size(); ++i) {
    if (set_names_[i] == name) return static_cast<std::uint16_t>(i);
  }
  return std::nullopt;
}

Menu::~Menu() = default;
Menu::Menu(Menu&&) noexcept = default;
Menu& Menu::operator=(Menu&&) noexcept = default;

const std::vector<ChainProgram>& Menu::programs() const {
  return programs_->chains;
}

void Menu::decide(const DecisionInput& input, Decision& decision) const noexcept {
  decision.event = input.event;
  decision.run = input.run;
  decision.luminosity_block = input.luminosity_block;
  decision.flags = input.flags;
  decision.streams = 0;
  decision.prescale_set = input.prescale_set;
  decision.chains = static_cast<std::uint16_t>(chains_.size());
  decision.menu = short_hash_;
  decision.before = {};
  decision.after = {};
  if (input.flags != 0) {
    decide_fault(input, decision);
    return;
  }
  bool any_fired = false;
  for (std::size_t c = 0; c < chains_.size(); ++c) {
    if (!programs_->chains[c].fires(input)) continue;
    any_fired = true;
    const std::uint64_t bit = std::uint64_t{1} << (c % 64);
    decision.before[c / 64] |= bit;
    if (!keeps(chain_keys_[c], prescale(input.prescale_set, c), input.run, input.event)) continue;
    decision.after[c / 64] |= bit;
    decision.streams |= chains_[c].streams;
  }
  for (std::size_t s = 0; s < streams_.size(); ++s) {
    const std::uint32_t bit = std::uint32_t{1} << s;
    if ((decision.streams & bit) == 0 || streams_[s].prescale == 1) continue;
    if (!keeps(stream_keys_[s], streams_[s].prescale, input.run, input.event)) decision.streams &= ~bit;
  }
  decision.outcome = decision.streams != 0 ? Outcome::accepted
                     : any_fired           ? Outcome::prescaled_out
                                           : Outcome::rejected;
}

void Menu::decide_fault(const DecisionInput& input, Decision& decision) const noexcept {
  bool keep = false;
  switch (input.action) {
    case FaultAction::accept:
      keep = true;
      break;
    case FaultAction::reject:
      break;
    case FaultAction::prescale:
      keep = keeps(fault_key_, input.fault_prescale, input.run, input.event);
      break;
  }
  const bool prescaled = input.action == FaultAction::prescale;
  decision.outcome = keep ? Outcome::forced : prescaled ? Outcome::prescaled_out : Outcome::rejected;
  if (keep) decision.streams = std::uint32_t{1} << debug_stream_;
}

bool same(const Decision& one, const Decision& other) {
  return one.event == other.event && one.run == other.run && one.luminosity_block == other.luminosity_block &&
         one.flags == other.flags && one.streams == other.streams && one.outcome == other.outcome &&
         one.prescale_set == other.prescale_set && one.chains == other.chains && one.menu == other.menu &&
         one.before == other.before && one.after == other.after;
}

}  // namespace crible::menu
