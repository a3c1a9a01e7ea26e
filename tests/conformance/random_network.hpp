#pragma once

#include <cstdint>
#include <vector>

#include "engine/network/network.hpp"

namespace crible::conformance {

/// A finite source of decisions. After its end every decision is 0, the simplest: so a list that is shortened
/// or made of smaller numbers gives a smaller network, and any shrinking of lists shrinks networks.
class Choices {
 public:
  explicit Choices(std::vector<std::uint32_t> list) : list_(std::move(list)) {}

  /// `count` decisions from a seed, for suites without shrinking.
  static Choices seeded(std::uint32_t seed, std::size_t count);

  bool exhausted() const { return next_ >= list_.size(); }
  std::uint32_t raw() { return exhausted() ? 0 : list_[next_++]; }

  /// 0 .. count - 1
  int below(int count) { return static_cast<int>(raw() % static_cast<std::uint32_t>(count)); }
  /// low .. high
  int between(int low, int high) { return low + below(high - low + 1); }
  /// 0, 1, -1, 2, -2, ... within +-most
  std::int64_t small(int most) {
    const int value = below(2 * most + 1);
    return value % 2 == 1 ? (value + 1) / 2 : -(value / 2);
  }
  bool coin() { return below(2) == 1; }

 private:
  std::vector<std::uint32_t> list_;
  std::size_t next_ = 0;
};

struct RandomNetworkOptions {
  int most_nodes = 24;
  int most_elements = 64;  // of one tensor
  bool recurrent = true;   // scans of a body
  bool tree_ensembles = true;
};

/// A valid network made by the decisions: any operation on any earlier tensor, with accumulators requantized
/// from time to time. Every tensor that nothing reads is an output. The same decisions give the same network.
network::Network random_network(Choices choices, const RandomNetworkOptions& options = {});

}  // namespace crible::conformance
