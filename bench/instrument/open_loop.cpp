#include "bench/instrument/open_loop.hpp"

namespace crible::bench {

std::string SenderLateness::problem() const {
  const std::int64_t p99_ns = late_ns.percentile_ns(0.99);
  if (p99_ns <= bound_ns) return "";
  return "the sender was late by " + std::to_string(p99_ns / 1000) + " us at p99, more than " +
         std::to_string(bound_ns / 1000) + " us: the load was not the one that was asked for";
}

std::int64_t warm_up_ns(std::int64_t duration_ns) {
  constexpr std::int64_t least_ns = 200'000'000;
  return std::min(std::max(duration_ns / 10, least_ns), duration_ns / 2);
}

}  // namespace crible::bench
