#include "bench/suites/kept_decisions.hpp"

namespace crible::bench {

namespace {

std::uint64_t hash(std::uint64_t event) {
  return (event * 0x9E3779B97F4A7C15u) >> 32;
}

}  // namespace

void KeptDecisions::take(const pipeline::PublishedDecision& decision) {
  if (hash(decision.header.event) % one_in_ != 0) return;
  starts_.push_back(bytes_.size());
  bytes_.insert(bytes_.end(), decision.bytes.begin(), decision.bytes.end());
}

std::vector<std::span<const std::byte>> KeptDecisions::all() const {
  std::vector<std::span<const std::byte>> result;
  for (std::size_t i = 0; i < starts_.size(); ++i) {
    const std::size_t end = i + 1 < starts_.size() ? starts_[i + 1] : bytes_.size();
    result.push_back(std::span(bytes_).subspan(starts_[i], end - starts_[i]));
  }
  return result;
}

}  // namespace crible::bench
