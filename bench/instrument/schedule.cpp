#include "bench/instrument/schedule.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <random>

#include "engine/base/error.hpp"

namespace crible::bench {

namespace {

constexpr std::size_t burst_events = 32;

std::vector<std::int64_t> from_gaps(std::size_t events, auto&& next_gap_ns) {
  std::vector<std::int64_t> times;
  times.reserve(events);
  double time_ns = 0;
  for (std::size_t i = 0; i < events; ++i) {
    time_ns += next_gap_ns();
    times.push_back(static_cast<std::int64_t>(time_ns));
  }
  return times;
}

std::vector<std::int64_t> poisson(const ArrivalPlan& plan, std::size_t events) {
  std::mt19937_64 random(plan.seed);
  std::exponential_distribution<double> gap(plan.rate_hz * 1e-9);
  return from_gaps(events, [&] { return gap(random); });
}

std::vector<std::int64_t> bursts(const ArrivalPlan& plan, std::size_t events) {
  std::mt19937_64 random(plan.seed);
  std::exponential_distribution<double> gap(plan.rate_hz * 1e-9 / burst_events);
  std::size_t left = 0;
  return from_gaps(events, [&] {
    if (left-- != 0) return 0.0;
    left = burst_events - 1;
    return gap(random);
  });
}

/// Each filled crossing gives an event with the probability that makes the rate; where that would be above
/// one, several events of one crossing share its time, as pile-up that fires more than one trigger would.
std::vector<std::int64_t> lhc(const ArrivalPlan& plan, std::size_t events) {
  const std::vector<bool>& filled = Filling::filled();
  const auto crossings = static_cast<double>(std::ranges::count(filled, true));
  const double orbit_ns = Filling::slots * Filling::slot_ns;
  const double mean = plan.rate_hz * orbit_ns * 1e-9 / crossings;
  std::mt19937_64 random(plan.seed);
  std::vector<std::int64_t> times;
  times.reserve(events);
  // From one event to the next in units of the mean per filled crossing: exponential, so that the number in
  // a crossing is Poisson and empty crossings cost nothing.
  std::exponential_distribution<double> gap(1);
  std::vector<std::size_t> slots;
  for (std::size_t slot = 0; slot < filled.size(); ++slot)
    if (filled[slot]) slots.push_back(slot);
  double place = 0;
  for (std::size_t i = 0; i < events; ++i) {
    place += gap(random) / mean;  // in filled crossings
    const double orbit = std::floor(place / crossings);
    const auto index = std::min(static_cast<std::size_t>(place - orbit * crossings), slots.size() - 1);
    times.push_back(
        static_cast<std::int64_t>(orbit * orbit_ns + static_cast<double>(slots[index]) * Filling::slot_ns));
  }
  return times;
}

std::vector<std::int64_t> recorded(const ArrivalPlan& plan, std::size_t events) {
  double sum = 0;
  for (double gap : plan.gaps_ns) sum += gap;
  if (!(sum > 0)) throw Error("the recorded timing has no two events at different times");
  const double scale = 1e9 / plan.rate_hz * static_cast<double>(plan.gaps_ns.size()) / sum;
  std::size_t next = 0;
  return from_gaps(events, [&] { return plan.gaps_ns[next++ % plan.gaps_ns.size()] * scale; });
}

}  // namespace

const char* to_string(Arrivals arrivals) {
  switch (arrivals) {
    case Arrivals::constant:
      return "constant";
    case Arrivals::poisson:
      return "poisson";
    case Arrivals::lhc:
      return "lhc";
    case Arrivals::bursts:
      return "bursts";
    case Arrivals::recorded:
      return "recorded";
  }
  return "unknown";
}

const std::vector<bool>& Filling::filled() {
  constexpr std::size_t train = 72, between_trains = 8, trains = 4, between_groups = 39;
  constexpr std::size_t group = trains * train + (trains - 1) * between_trains;
  static const std::vector<bool> scheme = [] {
    std::vector<bool> result(slots, false);
    for (std::size_t start = 0; start + group + abort_gap <= slots; start += group + between_groups) {
      for (std::size_t t = 0; t < trains; ++t) {
        const auto first = result.begin() + static_cast<std::ptrdiff_t>(start + t * (train + between_trains));
        std::fill(first, first + train, true);
      }
    }
    return result;
  }();
  return scheme;
}

std::vector<std::int64_t> schedule(const ArrivalPlan& plan, std::size_t events) {
  if (!(plan.rate_hz > 0) || !std::isfinite(plan.rate_hz))
    throw Error("a rate of " + std::to_string(plan.rate_hz) +
                " events/s gives no arrivals; give one above 0");
  switch (plan.kind) {
    case Arrivals::constant:
      return from_gaps(events, [gap = 1e9 / plan.rate_hz] { return gap; });
    case Arrivals::poisson:
      return poisson(plan, events);
    case Arrivals::lhc:
      return lhc(plan, events);
    case Arrivals::bursts:
      return bursts(plan, events);
    case Arrivals::recorded:
      return recorded(plan, events);
  }
  return {};
}

ArrivalPlan parse_arrivals(const std::string& text) {
  ArrivalPlan plan;
  for (const Arrivals kind : {Arrivals::constant, Arrivals::poisson, Arrivals::lhc, Arrivals::bursts}) {
    plan.kind = kind;
    if (text == to_string(kind)) return plan;
  }
  plan.kind = Arrivals::recorded;
  std::ifstream file(text);
  if (!file)
    throw Error("--arrivals " + text +
                " is neither constant, poisson, lhc nor bursts, nor a file that can be read");
  std::string line;
  double before = 0;
  for (std::size_t number = 1; std::getline(file, line); ++number) {
    char* end = nullptr;
    const double time = std::strtod(line.c_str(), &end);
    const bool is_number = end != line.c_str() && *end == '\0' && std::isfinite(time);
    if (!is_number || (number > 1 && time < before))
      throw Error(text + ":" + std::to_string(number) + ": '" + line +
                  "' is not a time in nanoseconds at or after the one above it");
    if (number > 1) plan.gaps_ns.push_back(time - before);
    before = time;
  }
  if (plan.gaps_ns.empty()) throw Error(text + ": at least two times are needed");
  return plan;
}

std::vector<Shot> pack(const std::vector<std::int64_t>& times, std::size_t most, std::int64_t wait_ns) {
  std::vector<Shot> shots;
  for (std::size_t first = 0; first < times.size();) {
    std::size_t end = first + 1;
    while (end < times.size() && end - first < most && times[end] <= times[first] + wait_ns) ++end;
    const bool full = end - first == most;
    shots.push_back({first, end - first, full ? times[end - 1] : times[first] + wait_ns});
    first = end;
  }
  return shots;
}

}  // namespace crible::bench
