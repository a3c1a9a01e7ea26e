#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/network/types.hpp"

namespace crible::detector {

/// The integer transforms of one input of 8-bit elements, done for eight elements at once in 16-bit
/// arithmetic: raw integers are collected first, cut to 16 bits, then q = clamp((x - offset) >> right, low,
/// high). Only for inputs where cutting to 16 bits cannot change a result.
class Lanes {
 public:
  /// Longest input, so that the raw integers fit the stack.
  static constexpr std::size_t most_lanes = 1024;

  /// Whether one element may be done this way: `range` holds its raw integers; all bounds are inside the
  /// input's 8-bit type.
  static bool exact(network::Interval range, std::int64_t offset, int right, std::int64_t low,
                    std::int64_t high);

  Lanes(std::size_t count, bool is_signed);

  std::size_t count() const { return count_; }
  void set(std::size_t lane, std::int64_t offset, int right, std::int64_t low, std::int64_t high);

  /// `raw` holds count() integers and room up to a multiple of 8; writes count() bytes to `target`.
  void apply(const std::int16_t* raw, std::byte* target) const noexcept;

 private:
  std::size_t count_;
  bool is_signed_;
  std::vector<std::int16_t> offset_;
  std::vector<std::int32_t> factor_;  // 2^(14 - right): x >> right is (x * factor) >> 14
  std::vector<std::int16_t> low_;
  std::vector<std::int16_t> high_;
};

}  // namespace crible::detector
