#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engine/pipeline/decision_reader.hpp"

namespace crible::bench {

/// Some of the decisions of a run, kept to be checked when it is over, so that checking does not disturb it.
class KeptDecisions {
 public:
  /// A decision is kept when its event's number, hashed, is 0 modulo `one_in`.
  explicit KeptDecisions(std::uint64_t one_in) : one_in_(one_in) {}

  void take(const pipeline::PublishedDecision& decision);

  /// As they were encoded.
  std::vector<std::span<const std::byte>> all() const;

 private:
  std::uint64_t one_in_;
  std::vector<std::byte> bytes_;
  std::vector<std::size_t> starts_;
};

}  // namespace crible::bench
