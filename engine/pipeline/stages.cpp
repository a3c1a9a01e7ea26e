#include "engine/pipeline/stages.hpp"

namespace crible::pipeline {

const char* to_string(Stage stage) {
  switch (stage) {
    case Stage::transport:
      return "transport";
    case Stage::build:
      return "build";
    case Stage::gather:
      return "gather";
    case Stage::infer:
      return "infer";
    case Stage::decide:
      return "decide";
    case Stage::publish:
      return "publish";
    case Stage::total:
      return "total";
  }
  return "unknown";
}

void StageHistograms::add(const StageHistograms& other) noexcept {
  for (std::size_t i = 0; i < stage_count; ++i) stages[i].add(other.stages[i]);
}

StageTimes StageHistograms::times(Stage stage) const noexcept {
  const Histogram& histogram = (*this)[stage];
  return {histogram.count(), histogram.percentile_ns(0.5), histogram.percentile_ns(0.99),
          histogram.percentile_ns(0.999), histogram.max_ns()};
}

}  // namespace crible::pipeline
