#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/instrument/budget.hpp"
#include "bench/instrument/schedule.hpp"
#include "bench/suites/load.hpp"
#include "engine/pipeline/run_config.hpp"

namespace crible::bench {

/// One run of the whole trigger under an open-loop load: sender -> tcp -> shards -> tcp -> collector.
struct PipelineSetup {
  ArrivalPlan arrivals;
  double seconds = 1;  // of load, the warm-up included
  std::size_t shards = 1;
  bool traced = true;     // false: no stamps and no histograms, for their cost
  bool warm_up = true;    // leave the first part out
  std::string backend{};  // empty: what the configuration says
  bool spin = false;
  bool may_pile_up = false;          // go on with a load that the trigger cannot hold
  pipeline::AroundProgram around{};  // tests: what makes a device slow

  /// A packet leaves when it holds so many events, or so long after its first one.
  std::size_t packet_events = 256;
  std::int64_t packet_wait_ns = 50'000;
};

struct PipelineOutcome {
  double offered_hz = 0;
  double achieved_hz = 0;    // decided events over the time from the first scheduled to the last published
  double throughput_hz = 0;  // ... from the first that was received, as the shards count it
  Budget budget;             // of the events that count
  pipeline::Histogram lateness;
  pipeline::Histogram hiccups;
  std::vector<SlowEvent> slowest;
  std::string invalid;      // empty, or why the figures must not be used
  std::string sender_late;  // empty, or that sentence when the sender is the reason, not the trigger
  std::string sender;       // on what terms it ran
  bool saturated = false;   // the load was ended early, as events piled up
  std::uint64_t decided = 0;
  std::uint64_t checked = 0;  // decisions compared with the reference, all of them right
  double cpu_s = 0;  // of this process while events were sent and decided, but for the sender's thread

  /// Of that, for an event.
  double cpu_ns() const { return cpu_s * 1e9 / static_cast<double>(decided); }
};

/// The configuration of such a run, on free ports of this machine; where its decisions go is left open.
pipeline::RunConfig config_of(const Load& load, const PipelineSetup& setup);

/// Where the sources send to, by source and shard.
std::vector<std::vector<std::string>> addresses_of(const pipeline::RunConfig& config, std::size_t sources);

/// Runs it. Throws Error when a decision has a wrong bit, when the ledger does not balance, or when an event
/// is missing.
PipelineOutcome run_pipeline(const Load& load, const PipelineSetup& setup);

/// Runs that the sender, not the trigger, has spoilt are taken again, and counted.
class Retakes {
 public:
  /// As run_pipeline; with another seed, at most `most` times, while the sender was late.
  PipelineOutcome run(const Load& load, PipelineSetup setup, std::size_t most);

  /// How often, for people; empty: never.
  std::string note() const;

 private:
  std::size_t count_ = 0;
};

/// The same packets of the same arrivals to a bare ZeroMQ receiver: from scheduled to received.
pipeline::Histogram run_bare(const Load& load, const PipelineSetup& setup);

}  // namespace crible::bench
