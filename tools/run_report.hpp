#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "engine/pipeline/run.hpp"

namespace crible::tools {

/// The machine-readable result of a run: events, rates, latency percentiles in nanoseconds by stage, counts
/// per chain and stream, causes, batches, ledger, recording.
nlohmann::ordered_json to_json(const pipeline::RunSummary& summary, const pipeline::Trigger& trigger);

/// "31.2 us", "1.05 ms": a time for people.
std::string time_text(std::int64_t ns);

/// "1,234,567".
std::string count_text(std::uint64_t count);

/// One line: events, rate, latency, what was kept, what went wrong. `seconds` is the time that `events` took.
std::string status_line(const pipeline::RunSummary& summary, std::uint64_t events, double seconds);

/// Several lines for the end of a run.
std::string run_text(const pipeline::RunSummary& summary, const pipeline::Trigger& trigger);

}  // namespace crible::tools
