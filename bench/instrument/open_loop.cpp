#include "bench/instrument/open_loop.hpp"

#include <fmt/format.h>

#include <utility>

namespace crible::bench {

std::int64_t SenderLateness::bound_ns(const pipeline::Histogram& latency, double part) {
  constexpr std::int64_t always_allowed_ns = 5'000;
  const auto at_ns = static_cast<double>(latency.percentile_ns(part));
  return std::max(static_cast<std::int64_t>(allowed_part * at_ns), always_allowed_ns);
}

std::string SenderLateness::problem(const pipeline::Histogram& latency) const {
  for (const auto& [name, part] : {std::pair{"p50", 0.5}, std::pair{"p99", 0.99}}) {
    const std::int64_t at_ns = late_ns.percentile_ns(part), allowed_ns = bound_ns(latency, part);
    if (at_ns <= allowed_ns) continue;
    return fmt::format(
        "the sender was late by {:.1f} us at {}, more than {:.1f} us, a tenth of the latency there",
        static_cast<double>(at_ns) * 1e-3, name, static_cast<double>(allowed_ns) * 1e-3);
  }
  return "";
}

std::int64_t warm_up_ns(std::int64_t duration_ns) {
  constexpr std::int64_t least_ns = 200'000'000;
  return std::min(std::max(duration_ns / 10, least_ns), duration_ns / 2);
}

}  // namespace crible::bench
