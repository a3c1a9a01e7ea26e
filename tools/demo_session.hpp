#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/pipeline/run.hpp"
#include "engine/pipeline/sample.hpp"

namespace crible::tools {

/// What the events of one label (zero bias, a signal) became, from the decisions as they were published.
struct LabelCounts {
  std::string name;
  std::uint64_t events = 0;
  std::uint64_t kept = 0;  // for a stream that is recorded
};

/// One pass of the demo: source processes -> tcp -> trigger -> tcp -> collector.
struct SessionResult {
  pipeline::RunSummary run;
  std::uint64_t received_decisions = 0;
  std::uint64_t bad_frames = 0;  // decision frames that were damaged, of another form, or missing
  std::vector<LabelCounts> labels;
};

struct SessionOptions {
  std::uint64_t events = 100'000;
  double rate_hz = 0;               // 0: as fast as they are taken
  std::filesystem::path recording;  // empty: not recorded
  std::string backend;
};

/// Sends the sample with one process for each source, triggers on it in this process, and collects the
/// decisions. Throws Error when a part fails. No other thread may run, as it forks.
SessionResult run_session(const pipeline::Trigger& trigger, const pipeline::Sample& sample,
                          const SessionOptions& options);

}  // namespace crible::tools
