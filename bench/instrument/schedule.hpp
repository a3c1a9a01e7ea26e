#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace crible::bench {

/// In which pattern events arrive.
enum class Arrivals : std::uint8_t {
  constant,  // one every 1 / rate
  poisson,   // independent of each other: exponential gaps
  lhc,       // at the filled bunch crossings of an orbit, each with some probability: see Filling
  bursts,    // 32 at once, the bursts at Poisson times
  recorded,  // the gaps of a file, repeated and scaled to the rate
};

const char* to_string(Arrivals arrivals);

/// The filling scheme of arrivals "lhc": 3564 slots of 24.95 ns make an orbit; trains of 72 filled slots with
/// 8 empty ones between them, groups of 4 trains apart by 39 empty ones (the injection kickers), and nothing
/// in the last 119 (the abort gap). How many interactions a filled crossing has is Poisson; an event arrives
/// when there was at least one that triggers, so the rate sets how often.
struct Filling {
  static constexpr std::size_t slots = 3564;
  static constexpr double slot_ns = 24.95;
  static constexpr std::size_t abort_gap = 119;

  /// Whether each slot of the orbit is filled.
  static const std::vector<bool>& filled();
};

/// What arrives, and when.
struct ArrivalPlan {
  Arrivals kind = Arrivals::poisson;
  double rate_hz = 0;  // above 0
  std::uint64_t seed = 1;
  std::vector<double> gaps_ns = {};  // of kind recorded: as recorded, at least one above 0
};

/// The times of `events` arrivals in nanoseconds from the start of the run, ascending; the same for the same
/// plan. Throws Error for a rate that is not a positive number, or gaps that give none.
std::vector<std::int64_t> schedule(const ArrivalPlan& plan, std::size_t events);

/// Reads "constant", "poisson", "lhc", "bursts", or else the name of a file with the arrival times of a
/// recording in nanoseconds, one a line, ascending. Throws Error naming file and line.
ArrivalPlan parse_arrivals(const std::string& text);

/// Events that leave together, as a source packs them: a packet goes when it holds `most` events, or
/// `wait_ns` after its first event.
struct Shot {
  std::size_t first = 0;  // index of the first event
  std::size_t count = 0;
  std::int64_t due_ns = 0;
};
std::vector<Shot> pack(const std::vector<std::int64_t>& times, std::size_t most, std::int64_t wait_ns);

}  // namespace crible::bench
