#include "bench/suites/latency.hpp"

#include <algorithm>

#include "bench/instrument/hgrm.hpp"
#include "bench/instrument/open_loop.hpp"
#include "bench/suites/figures.hpp"

namespace crible::bench {

namespace {

constexpr std::size_t slowest_kept = 10;

double at(const pipeline::Histogram& histogram, double part) {
  return static_cast<double>(histogram.percentile_ns(part));
}

}  // namespace

pipeline::Histogram merged(const std::vector<PipelineOutcome>& runs) {
  pipeline::Histogram sum;
  for (const PipelineOutcome& run : runs) sum.add(run.budget.total());
  return sum;
}

Latency latency_of(const std::string& name, const std::vector<PipelineOutcome>& runs) {
  Latency latency;
  latency.name = name;
  Budget budget;
  pipeline::Histogram lateness;
  for (const PipelineOutcome& run : runs) {
    budget.add(run.budget);
    lateness.add(run.lateness);
    latency.offered_hz += run.offered_hz / static_cast<double>(runs.size());
    latency.achieved_hz += run.achieved_hz / static_cast<double>(runs.size());
    if (latency.invalid.empty()) latency.invalid = run.invalid;
    const pipeline::Histogram& total = run.budget.total();
    latency.repeats.push_back(
        {at(total, 0.5), at(total, 0.99), at(total, 0.999), static_cast<double>(total.max_ns())});
    latency.slowest.insert(latency.slowest.end(), run.slowest.begin(), run.slowest.end());
  }
  latency.count = budget.total().count();
  latency.max = static_cast<double>(budget.total().max_ns());
  latency.mean = mean_ns(budget.total());  // of the whole alone: the stages' means must meet it
  latency.percentiles = percentiles_of(budget.total());
  latency.histogram = buckets_of(budget.total());
  latency.lateness = {at(lateness, 0.5), at(lateness, 0.99), static_cast<double>(lateness.max_ns()),
                      static_cast<double>(SenderLateness::bound_ns(budget.total(), 0.99))};
  latency.stages = budget.stages();
  std::ranges::sort(latency.slowest, std::ranges::greater{}, &SlowEvent::total);
  if (latency.slowest.size() > slowest_kept) latency.slowest.resize(slowest_kept);
  return latency;
}

void add_hashes(const pipeline::Trigger& trigger, Machine& machine) {
  for (std::size_t n = 0; n < trigger.networks.size(); ++n)
    machine.networks[trigger.bindings[n].name()] = trigger.network_hashes[n];
  machine.menus[trigger.menu.name()] = trigger.menu.hash();
}

}  // namespace crible::bench
