#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/menu/decision.hpp"
#include "engine/pipeline/trigger.hpp"
#include "engine/record/run_header.hpp"

namespace crible::pipeline {

/// What became of one chain between recording and replay, in events. "Kept" means after its prescale.
struct ChainComparison {
  std::string name;
  bool recorded = true;             // the recorded menu has this chain
  bool here = true;                 // this menu has it
  std::uint64_t kept = 0;           // in replay
  std::uint64_t identical = 0;      // both say the same, before and after the prescale
  std::uint64_t gained = 0;         // kept in replay only
  std::uint64_t lost = 0;           // kept in the recording only
  std::uint64_t gained_before = 0;  // the condition held in replay only, and the prescale hid it
  std::uint64_t lost_before = 0;    // the condition held in the recording only, likewise
};

/// One event whose decision is another one now.
struct Difference {
  std::uint64_t event = 0;
  std::string what;
};

/// The result of comparing many events; sums of parts are results again.
struct Comparison {
  std::uint64_t events = 0;
  std::uint64_t identical = 0;  // chains before and after prescale, outcome, streams, causes, network outputs
  std::uint64_t chains_differ = 0;
  std::uint64_t outputs_differ = 0;
  std::uint64_t outcome_differs = 0;  // outcome, streams, causes or prescale set
  std::uint64_t unreadable = 0;       // the recorded decision is none of this version
  std::vector<ChainComparison> chains;
  std::vector<Difference> examples;  // the first max_examples by event number

  static constexpr std::size_t max_examples = 10;

  std::uint64_t different() const { return events - identical; }
  std::uint64_t gained() const;  // summed over the chains
  std::uint64_t lost() const;

  /// Adds a part made with the same Comparer.
  void add(const Comparison& part);

  /// Drops all examples but the first max_examples.
  void keep_first_examples();
};

/// Compares decisions of a recording with those of a menu of today. Chains and networks are matched by name,
/// so that a recording can be replayed with another menu. Immutable.
class Comparer {
 public:
  Comparer(const record::RunHeader& header, const Trigger& trigger);

  /// A result that has counted nothing yet.
  Comparison begin() const;

  /// Counts one event. `recorded` are the bytes of its decision in the recording. `scratch` is reused from
  /// call to call.
  void compare(std::span<const std::byte> recorded, const menu::Decision& now, const menu::Answers& answers,
               std::vector<std::byte>& scratch, Comparison& result) const;

  /// menu_hash or a network's hash differ from the recording's: a sentence for each.
  const std::vector<std::string>& changes() const { return changes_; }

 private:
  void compare_parts(const menu::DecodedDecision& recorded, const menu::DecodedDecision& now,
                     Comparison& result) const;

  const Trigger& trigger_;
  std::vector<std::string> chain_names_;                    // this menu's, then those it has no more
  std::vector<std::optional<std::size_t>> recorded_chain_;  // bit in the recording, by chain_names_
  std::vector<std::optional<std::size_t>> recorded_network_;
  bool same_shape_ = true;  // chains and networks have the same names in the same order
  std::vector<std::string> changes_;
};

}  // namespace crible::pipeline
