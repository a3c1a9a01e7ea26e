#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "bench/instrument/schedule.hpp"
#include "bench/report/result.hpp"
#include "engine/pipeline/histogram.hpp"

namespace crible::bench {

/// What `crible bench` was asked for.
struct SuiteOptions {
  bool quick = false;
  bool all = true;                  // no suite was named
  std::size_t repeats = 0;          // of each figure; 0: 3 when quick, 7 otherwise
  std::filesystem::path config;     // of the trigger; empty: the demo's
  std::filesystem::path sample;     // what is sent to it; empty: the demo's
  std::filesystem::path networks;   // another network for suite network (.crn); empty: none
  ArrivalPlan arrivals;             // kind (and gaps) of the pipeline's load
  double rate_hz = 0;               // of the pipeline's load; 0: parts of the highest that it takes
  std::vector<std::size_t> shards;  // of suite scale; empty: 1, 2, ... cores
  double soak_s = 0;                // 0: 5 when quick, 300 otherwise
  std::string backend;              // of the trigger; empty: what the configuration says
  bool spin = false;                // the shard polls without sleeping
  std::optional<Objective> objective;

  std::size_t repeats_or(std::size_t quick_count, std::size_t full_count) const {
    if (repeats != 0) return repeats;
    return quick ? quick_count : full_count;
  }
};

/// A latency's histogram under the name of its suite and its own, for .hgrm files.
struct NamedHistogram {
  std::string name;
  pipeline::Histogram histogram;
};

/// What the suites fill in besides their own figures.
struct Shared {
  Machine& machine;                         // networks and menus
  std::vector<NamedHistogram>& histograms;  // of every latency
};

using RunSuite = Suite (*)(const SuiteOptions& options, Shared& shared);

/// A suite measures, compares its answers with the reference, and says in a note what it could not do. Throws
/// Error when an answer is wrong.
Suite network_suite(const SuiteOptions& options, Shared& shared);
Suite wire_suite(const SuiteOptions& options, Shared& shared);
Suite pipeline_suite(const SuiteOptions& options, Shared& shared);
Suite replay_suite(const SuiteOptions& options, Shared& shared);
Suite soak_suite(const SuiteOptions& options, Shared& shared);
Suite scale_suite(const SuiteOptions& options, Shared& shared);
Suite peers_suite(const SuiteOptions& options, Shared& shared);

/// Throws Error, saying how many there can be, when a run with the shards that are asked for would take more
/// open files or tcp ports than this process can have. Raises the process's limit of files as far as it may.
void require_shards(const SuiteOptions& options);

/// What a user names on the command line.
struct NamedSuite {
  const char* name;
  const char* what;
  RunSuite run;
};

inline constexpr NamedSuite all_suites[] = {
    {"network", "each network on each device, by events in a batch", network_suite},
    {"wire", "packing and checking packets; ZeroMQ's transports by frame size", wire_suite},
    {"pipeline", "fragments to decisions: latency by load, stages, the slowest events", pipeline_suite},
    {"replay", "a recording on disk to decisions", replay_suite},
    {"soak", "a long run: drift of latency and memory, ledger", soak_suite},
    {"scale", "shards 1 to N, and what a model expects of more", scale_suite},
    {"peers", "other runtimes on the same networks", peers_suite},
};

}  // namespace crible::bench
