#pragma once

#include "hls/pipeline.hpp"

namespace crible::hls {

/// Moves words between neighbouring stages so that fewer bits cross from one to the next: each boundary in
/// turn is the cheapest cut that the two beside it and `capacity` (delay units a stage) allow, until nothing
/// improves. `pipeline` is a valid schedule without last uses.
void retime(const Arithmetic& arithmetic, int capacity, Pipeline& pipeline);

}  // namespace crible::hls
