#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/pipeline/replay_compare.hpp"
#include "engine/pipeline/trigger.hpp"
#include "engine/record/reader.hpp"

namespace crible::pipeline {

struct ReplayOptions {
  std::size_t jobs = 1;  // threads
  bool networks = true;  // false: the recorded network outputs are believed, everything else is decided again
};

/// Shared with whoever watches a replay, from any thread.
struct ReplayControl {
  std::atomic<bool> stop = false;         // at the next block
  std::atomic<std::uint64_t> events = 0;  // decided so far
};

/// What the ledger blocks of a recording add up to.
struct LedgerCheck {
  std::size_t books = 0;  // parts of luminosity blocks
  std::size_t luminosity_blocks = 0;
  std::vector<std::string> violations;  // equations that do not hold, and texts that are no book

  bool balanced() const { return violations.empty(); }
};

struct ReplayResult {
  Comparison comparison;
  std::vector<std::string> changes;     // of menu and networks since the recording
  std::vector<std::string> bad_blocks;  // that cannot be read: a sentence each
  std::uint64_t bad_events = 0;         // that they held
  LedgerCheck ledger;
  std::uint64_t body_bytes = 0;  // read, after decompression
  std::uint64_t file_bytes = 0;  // of these bodies in the file
  double seconds = 0;
  double processor_seconds = 0;  // of all threads together: what a busy machine does not change
  bool stopped = false;          // before the end, by ReplayControl::stop

  /// Every event that the file holds has the same decision again, and the books balance.
  bool identical() const {
    return comparison.different() == 0 && bad_blocks.empty() && ledger.balanced() && !stopped;
  }
};

/// Decides all events of a recording again and compares. What happened online and does not follow from the
/// data (deadlines, time-outs, prescale sets chosen by hand) is taken from the recorded decisions. Throws
/// Error when a network cannot be compiled.
ReplayResult replay(const record::Reader& reader, const Trigger& trigger, const ReplayOptions& options,
                    ReplayControl& control);

/// Sums the ledger blocks and checks every equation.
LedgerCheck check_ledger(const record::Reader& reader, const Trigger& trigger);

}  // namespace crible::pipeline
