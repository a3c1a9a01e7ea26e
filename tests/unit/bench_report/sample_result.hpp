#pragma once

#include "bench/report/result.hpp"

namespace crible::bench {

/// A made result with every kind of content, all figures of it plausible: two suites, a floor, an invalid
/// latency, a curve with its objective, a measured and a modelled table. The same at every call.
Result sample_result();

/// The first latency of the sample: stages that add up, ten slow events with a cause, a floor, five repeats.
Latency sample_latency();

}  // namespace crible::bench
