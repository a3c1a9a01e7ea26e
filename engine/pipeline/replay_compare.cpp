#include "engine/pipeline/replay_compare.hpp"

#include <algorithm>
#include <cstring>

namespace crible::pipeline {
namespace {

bool bit(const menu::ChainBits& bits, std::size_t chain) {
  return bits[chain / 64] >> chain % 64 & 1;
}

std::optional<std::size_t> position(const std::vector<std::string>& names, const std::string& name) {
  const auto found = std::ranges::find(names, name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

std::vector<std::string> chain_names(const menu::Menu& menu) {
  std::vector<std::string> names;
  for (const menu::Chain& chain : menu.chains()) names.push_back(chain.name);
  return names;
}

/// Encoded decisions of menus with equal chains and networks say the same: all but size, menu hash (which
/// is compared once for the whole recording) and times.
bool same_bytes(std::span<const std::byte> one, std::span<const std::byte> other) {
  constexpr std::size_t from = offsetof(menu::DecisionHeader, event);
  constexpr std::size_t to = offsetof(menu::DecisionHeader, menu);
  constexpr std::size_t rest = sizeof(menu::DecisionHeader);
  return one.size() == other.size() && one.size() >= rest &&
         std::memcmp(one.data() + from, other.data() + from, to - from) == 0 &&
         std::memcmp(one.data() + rest, other.data() + rest, one.size() - rest) == 0;
}

void append(std::string& text, const std::string& part) {
  if (!text.empty()) text += ", ";
  text += part;
}

std::string causes(std::uint32_t flags) {
  std::string text;
  for (std::size_t cause = 0; cause < menu::cause_count; ++cause)
    if (flags >> cause & 1)
      text += std::string(text.empty() ? "" : "+") + to_string(static_cast<menu::Cause>(cause));
  return text.empty() ? "none" : text;
}

/// What differs in the decision as a whole; empty when nothing does.
std::string outcome_difference(const menu::Decision& recorded, const menu::Decision& now) {
  std::string text;
  if (recorded.outcome != now.outcome)
    append(text,
           std::string("outcome was ") + to_string(recorded.outcome) + ", is " + to_string(now.outcome));
  if (recorded.flags != now.flags)
    append(text, "causes were " + causes(recorded.flags) + ", are " + causes(now.flags));
  if (recorded.streams != now.streams) append(text, "streams differ");
  if (recorded.prescale_set != now.prescale_set) append(text, "prescale set differs");
  if (recorded.event != now.event || recorded.run != now.run ||
      recorded.luminosity_block != now.luminosity_block)
    append(text, "event, run or luminosity block differ from those of its record");
  return text;
}

}  // namespace

std::uint64_t Comparison::gained() const {
  std::uint64_t sum = 0;
  for (const ChainComparison& chain : chains) sum += chain.gained;
  return sum;
}

std::uint64_t Comparison::lost() const {
  std::uint64_t sum = 0;
  for (const ChainComparison& chain : chains) sum += chain.lost;
  return sum;
}

void Comparison::add(const Comparison& part) {
  events += part.events;
  identical += part.identical;
  chains_differ += part.chains_differ;
  outputs_differ += part.outputs_differ;
  outcome_differs += part.outcome_differs;
  unreadable += part.unreadable;
  for (std::size_t i = 0; i < chains.size(); ++i)
    for (const auto member :
         {&ChainComparison::kept, &ChainComparison::identical, &ChainComparison::gained,
          &ChainComparison::lost, &ChainComparison::gained_before, &ChainComparison::lost_before})
      chains[i].*member += part.chains[i].*member;
  examples.insert(examples.end(), part.examples.begin(), part.examples.end());
  keep_first_examples();
}

void Comparison::keep_first_examples() {
  std::ranges::sort(examples, {}, &Difference::event);
  if (examples.size() > max_examples) examples.resize(max_examples);
}

Comparer::Comparer(const record::RunHeader& header, const Trigger& trigger)
    : trigger_(trigger), chain_names_(chain_names(trigger.menu)) {
  same_shape_ = chain_names_ == header.chains;
  for (const std::string& name : header.chains)
    if (!position(chain_names_, name)) chain_names_.push_back(name);
  for (const std::string& name : chain_names_) recorded_chain_.push_back(position(header.chains, name));

  std::vector<std::string> recorded;
  for (const auto& [name, hash] : header.networks) recorded.push_back(name);
  same_shape_ = same_shape_ && recorded == trigger.network_names();
  const std::vector<std::string> networks = trigger.network_names();
  for (std::size_t n = 0; n < networks.size(); ++n) {
    recorded_network_.push_back(position(recorded, networks[n]));
    if (!recorded_network_[n])
      changes_.push_back("network " + networks[n] + " was not there when the recording was made");
    else if (header.networks[*recorded_network_[n]].second != trigger.network_hashes[n])
      changes_.push_back("network " + networks[n] + " is another one than in the recording");
  }
  if (header.menu_hash != trigger.menu.hash())
    changes_.push_back("the menu is another one than in the recording (" + header.menu_hash.substr(0, 12) +
                       ", now " + trigger.menu.hash().substr(0, 12) + ")");
}

Comparison Comparer::begin() const {
  Comparison result;
  for (std::size_t i = 0; i < chain_names_.size(); ++i)
    result.chains.push_back({.name = chain_names_[i],
                             .recorded = recorded_chain_[i].has_value(),
                             .here = i < trigger_.menu.chains().size()});
  return result;
}

void Comparer::compare(std::span<const std::byte> recorded, const menu::Decision& now,
                       const menu::Answers& answers, std::vector<std::byte>& scratch,
                       Comparison& result) const {
  ++result.events;
  scratch.resize(encoded_bytes(now, trigger_.layout, answers));
  encode(now, trigger_.layout, answers, scratch.data());
  for (std::size_t word = 0; word < now.after.size(); ++word)
    for (std::uint64_t bits = now.after[word]; bits != 0; bits &= bits - 1)
      ++result.chains[word * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))].kept;
  if (same_shape_ && same_bytes(recorded, scratch)) {
    ++result.identical;
    for (ChainComparison& chain : result.chains) ++chain.identical;
    return;
  }
  const auto decoded = menu::decode(recorded);
  if (!decoded) {
    ++result.unreadable;
    result.examples.push_back({now.event, "its recorded decision cannot be read"});
  } else {
    compare_parts(*decoded, *menu::decode(scratch), result);
  }
  if (result.examples.size() >= 4 * Comparison::max_examples) result.keep_first_examples();
}

void Comparer::compare_parts(const menu::DecodedDecision& recorded, const menu::DecodedDecision& now,
                             Comparison& result) const {
  std::string chains;
  for (std::size_t i = 0; i < chain_names_.size(); ++i) {
    ChainComparison& chain = result.chains[i];
    const auto old = recorded_chain_[i];
    const bool old_there = old && *old < recorded.decision.chains;  // a damaged header may name any number
    const bool old_before = old_there && bit(recorded.decision.before, *old);
    const bool old_after = old_there && bit(recorded.decision.after, *old);
    const bool new_before = chain.here && bit(now.decision.before, i);
    const bool new_after = chain.here && bit(now.decision.after, i);
    if (old_before == new_before && old_after == new_after) {
      ++chain.identical;
      continue;
    }
    if (old_after != new_after)
      ++(new_after ? chain.gained : chain.lost);
    else
      ++(new_before ? chain.gained_before : chain.lost_before);
    const bool more = new_after > old_after || (new_after == old_after && new_before);
    append(chains, "chain " + chain.name + (more ? " gained" : " lost") +
                       (old_after == new_after ? " before its prescale" : ""));
  }

  std::string outputs;
  for (std::size_t n = 0; n < recorded_network_.size(); ++n) {
    if (!recorded_network_[n] || *recorded_network_[n] >= recorded.values.size()) continue;
    const std::vector<std::int64_t>& old = recorded.values[*recorded_network_[n]];
    const auto [a, b] = std::ranges::mismatch(old, now.values[n]);
    if (a == old.end() && b == now.values[n].end()) continue;
    std::string text =
        "network " + trigger_.network_names()[n] + " output " + std::to_string(a - old.begin());
    text += " was " + (a == old.end() ? std::string("absent") : std::to_string(*a));
    text += ", is " + (b == now.values[n].end() ? std::string("absent") : std::to_string(*b));
    append(outputs, text);
  }

  std::string all = outcome_difference(recorded.decision, now.decision);
  result.chains_differ += !chains.empty();
  result.outputs_differ += !outputs.empty();
  result.outcome_differs += !all.empty();
  if (!chains.empty()) append(all, chains);
  if (!outputs.empty()) append(all, outputs);
  if (all.empty())
    ++result.identical;
  else
    result.examples.push_back({now.decision.event, all});
}

}  // namespace crible::pipeline
