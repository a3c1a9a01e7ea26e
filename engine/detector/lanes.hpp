#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/detector/runs.hpp"
#include "engine/network/types.hpp"

/// The usual runs, 16-bit integers to 8-bit elements, eight elements at once in 16-bit arithmetic that
/// saturates: q = clamp((x - offset) >> right, low, high). Only where saturation cannot change a result.
namespace crible::detector {

inline constexpr std::size_t lane_count = 8;

/// The transforms of eight lanes. Arrays, not registers: the header is for everyone.
struct alignas(16) Lanes {
  std::int16_t offset[lane_count] = {};
  std::int16_t low[lane_count] = {};
  std::int16_t high[lane_count] = {};
  std::int32_t factor[lane_count] = {};  // 2^(14 - right): x >> right is (x * factor) >> 14
  std::int32_t right = 0;                // of all lanes, when the run is uniform
};

/// Whether one element may be done this way: `range` holds its raw integers; the bounds of the transform are
/// inside the input's 8-bit type.
bool fits_lanes(network::Interval range, const Transform<std::int64_t>& transform);

/// The kernel for runs of this shape, or null: other types, single elements, processors without SSE2.
/// `run.uniform` says whether `make_lanes` was given one transform.
RunKernel lanes_kernel(const Run& run, std::size_t target_bytes);

/// The Lanes of a run of rows of `count` elements (2 or more). `transforms` has one for each element of a
/// row, or a single one for all.
std::vector<Lanes> make_lanes(std::size_t count, std::span<const Transform<std::int64_t>> transforms);

}  // namespace crible::detector
