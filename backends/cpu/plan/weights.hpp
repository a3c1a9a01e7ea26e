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
  bool uniform = true;
  std::vector<std::uint32_t> begin;
  std::vector<std::uint32_t> lane;
  std::vector<std::int32_t> weights;
  std::vector<std::uint32_t> segment_begin;
  std::vector<std::uint32_t> segment_end;
};

/// `able`: what the kernels can do with bytes; pairs are taken where they cost less than halves.
PackedWeights pack_weights(const WeightLanes& lanes, std::uint32_t block, ByteDots able);

}  // namespace crible::backends::cpu
