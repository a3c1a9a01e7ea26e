#pragma once

#include <cstdint>
#include <vector>

#include "backends/cpu/steps.hpp"
#include "engine/network/types.hpp"

namespace crible::backends::cpu {

inline int parts_of(Form form) {
  return form == Form::bytes ? 4 : form == Form::shorts ? 2 : 1;
}

/// The weights of a product by lanes, and what is proven about the stored values that they multiply.
struct WeightLanes {
  Form form = Form::wide;
  std::uint32_t outputs = 0;
  std::uint32_t depth = 0;                // lanes
  std::vector<std::int32_t> weights;      // [outputs][depth][parts]
  std::vector<network::Interval> stored;  // [depth][parts]
};

/// As Product wants them.
struct PackedWeights {
  ByteDots dots = ByteDots::exact;
  bool uniform = false;
  std::vector<std::uint32_t> begin;
  std::vector<std::uint32_t> lane;
  std::vector<std::int32_t> weights;
  std::vector<std::int32_t> rest;
  std::uint32_t segment = 0;
  std::vector<std::uint32_t> segment_begin;
  std::vector<std::uint32_t> segment_end;
};

/// For the kernels of tiles. `able`: what they can do with bytes; pairs: halves and twins as well.
PackedWeights pack_for_tiles(const WeightLanes& lanes, std::uint32_t block, ByteDots able);

/// For the kernels of single events. `able`: pairs: halves and widened as well. `uniform`: every block has
/// all lanes, however many of its weights are zero.
PackedWeights pack_for_single(const WeightLanes& lanes, std::uint32_t block, ByteDots able,
                              bool uniform = false);

}  // namespace crible::backends::cpu
