#pragma once

#include <string>
#include <vector>

#include "bench/report/result.hpp"
#include "bench/suites/pipeline_run.hpp"

namespace crible::bench {

/// The runs of one load as one latency: histograms and budgets summed, each run's percentiles kept. It is
/// invalid when a run is.
Latency latency_of(const std::string& name, const std::vector<PipelineOutcome>& runs);

pipeline::Histogram merged(const std::vector<PipelineOutcome>& runs);

/// The hashes of the trigger's networks and menu.
void add_hashes(const pipeline::Trigger& trigger, Machine& machine);

}  // namespace crible::bench
