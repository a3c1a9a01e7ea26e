#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/yaml.hpp"
#include "engine/detector/description.hpp"
#include "engine/detector/event.hpp"
#include "engine/menu/decision.hpp"
#include "engine/menu/outputs.hpp"
#include "engine/menu/prescale.hpp"

namespace crible::menu {

struct Stream {
  std::string name;
  std::uint32_t prescale = 1;  // of the events that chains send here
  bool record = true;          // false: published only
};

/// What makes a chain fire.
enum class ChainKind : std::uint8_t {
  condition,  // an expression
  random,     // one event in `random_one_in`, by keyed hash
  zero_bias,  // every event, or those of a list of bunch crossings
};

struct Chain {
  std::string name;
  ChainKind kind = ChainKind::condition;
  std::string condition;       // as written, for people
  std::uint32_t prescale = 1;  // in the set "default"
  std::uint32_t streams = 0;   // bits
};

/// Names one prescale set from a luminosity block on.
struct ScheduleEntry {
  std::uint32_t from_luminosity_block = 0;
  std::uint16_t set = 0;
};

/// Which prescale set applies in which luminosity block. A value: each shard has its own copy.
class Schedule {
 public:
  Schedule() : entries_{{0, 0}} {}
  explicit Schedule(std::vector<ScheduleEntry> entries);  // ascending, the first from block 0

  std::uint16_t set_at(std::uint32_t luminosity_block) const noexcept;

  /// From `luminosity_block` on `set` applies, whatever was planned for later. Run control gives a block
  /// that no shard has begun. Allocates.
  void request(std::uint32_t luminosity_block, std::uint16_t set);

  const std::vector<ScheduleEntry>& entries() const { return entries_; }

 private:
  std::vector<ScheduleEntry> entries_;
};

struct ChainProgram;

/// What happens to an event that the menu cannot decide.
enum class FaultAction : std::uint8_t { accept, reject, prescale };

/// One event, ready for decision.
struct DecisionInput {
  std::uint64_t event = 0;
  std::uint32_t run = 0;
  std::uint32_t luminosity_block = 0;
  std::uint16_t prescale_set = 0;  // Schedule::set_at, or what a recorded decision says
  std::uint32_t flags = 0;         // of Cause; any flag: the menu does not look at the event's content
  FaultAction action = FaultAction::accept;     // when there are flags
  std::uint32_t fault_prescale = 1;             // for FaultAction::prescale
  const detector::Event* quantities = nullptr;  // valid unless there are flags
  const std::int64_t* outputs = nullptr;        // as OutputLayout says; all answered unless there are flags
};

/// The trigger menu: chains, prescale sets, streams. Immutable; shared by all shards.
class Menu {
 public:
  /// Reads the `menu` section and compiles the conditions. Throws Error naming file, line and key; for an
  /// error in a condition also the column, with the line and a caret under it.
  Menu(const yaml::Value& section, const detector::Description& description, const OutputLayout& outputs);
  ~Menu();
  Menu(Menu&&) noexcept;
  Menu& operator=(Menu&&) noexcept;

  const std::string& name() const { return name_; }
  const std::vector<Chain>& chains() const { return chains_; }
  /// What is evaluated for each chain (chain_program.hpp).
  const std::vector<ChainProgram>& programs() const;
  const std::vector<Stream>& streams() const { return streams_; }
  std::size_t debug_stream() const { return debug_stream_; }
  /// Streams that go to the recording, as bits.
  std::uint32_t recorded_streams() const { return recorded_streams_; }

  const std::vector<std::string>& prescale_sets() const { return set_names_; }
  std::optional<std::uint16_t> find_prescale_set(const std::string& name) const;
  std::uint32_t prescale(std::uint16_t set, std::size_t chain) const {
    return prescales_[set * chains_.size() + chain];
  }
  const Schedule& schedule() const { return schedule_; }

  /// Canonical text of everything that decides: detector, networks' hashes, conditions with integer
  /// thresholds, prescales, streams. Equal menus give equal text.
  const std::string& text() const { return text_; }
  /// SHA-256 of text(), 64 hexadecimal digits.
  const std::string& hash() const { return hash_; }

  /// Fills everything of `decision` but `times`.
  void decide(const DecisionInput& input, Decision& decision) const noexcept;

 private:
  struct Programs;

  void load_chains(const yaml::Value& section, const detector::Description& description,
                   const OutputLayout& outputs);
  void load_sets(const yaml::Value& section);
  void write_text(const detector::Description& description, const OutputLayout& outputs);
  void decide_fault(const DecisionInput& input, Decision& decision) const noexcept;

  std::string name_;
  std::vector<Stream> streams_;
  std::vector<Chain> chains_;
  std::vector<std::string> set_names_;
  std::vector<std::uint32_t> prescales_;  // [set][chain]
  Schedule schedule_;
  std::size_t debug_stream_ = 0;
  std::uint32_t recorded_streams_ = 0;
  std::vector<PrescaleKey> chain_keys_;
  std::vector<PrescaleKey> stream_keys_;
  PrescaleKey fault_key_;
  std::unique_ptr<Programs> programs_;
  std::string text_;
  std::string hash_;
  std::uint64_t short_hash_ = 0;
};

/// Both decide the same: everything but the times is equal.
bool same(const Decision& one, const Decision& other);

}  // namespace crible::menu
