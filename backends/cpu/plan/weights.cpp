#include "backends/cpu/plan/weights.hpp"

#include <algorithm>

// Weights in the order in which the kernels read them. Lanes without weight for a block are left out.
namespace crible::backends::cpu {
namespace {

using network::Interval;

/// The weights of one lane for one block of outputs: [parts of output 0], [parts of output 1], ...
using LaneWeights = std::vector<std::int32_t>;

LaneWeights lane_weights(const WeightLanes& lanes, std::uint32_t block_index, std::uint32_t block,
                         std::uint32_t k) {
  const auto parts = static_cast<std::size_t>(parts_of(lanes.form));
  LaneWeights result(block * parts, 0);
  for (std::uint32_t i = 0; i < block; ++i) {
    const std::uint32_t output = block_index * block + i;
    if (output >= lanes.outputs) break;
    const auto first =
        lanes.weights.begin() + static_cast<std::ptrdiff_t>((std::size_t{output} * lanes.depth + k) * parts);
    std::copy(first, first + static_cast<std::ptrdiff_t>(parts),
              result.begin() + static_cast<std::ptrdiff_t>(i * parts));
  }
  return result;
}

bool all_zero(const LaneWeights& weights) {
  return std::all_of(weights.begin(), weights.end(), [](std::int32_t w) { return w == 0; });
}

/// One word of `bits`-wide fields from every `stride`-th part.
std::int32_t pack_word(const std::int32_t* parts, int count, int stride, int bits) {
  std::uint32_t word = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint32_t field = static_cast<std::uint32_t>(parts[i * stride]);
    word |= (bits == 32 ? field : field & ((1u << bits) - 1)) << (i * bits);
  }
  return static_cast<std::int32_t>(word);
}

void append(PackedWeights& packed, Form form, ByteDots dots, std::uint32_t block, std::uint32_t k,
            const LaneWeights& weights) {
  const int parts = parts_of(form);
  packed.lane.push_back(k);
  const bool halves = form == Form::bytes && dots == ByteDots::halves;
  for (int word = 0; word < (halves ? 2 : 1); ++word) {
    for (std::uint32_t i = 0; i < block; ++i) {
      const std::int32_t* of_output =
          weights.data() + static_cast<std::size_t>(i) * static_cast<std::size_t>(parts);
      packed.weights.push_back(halves ? pack_word(of_output + word, 2, 2, 16)
                                      : pack_word(of_output, parts, 1, 32 / parts));
    }
  }
}

Interval product(Interval range, std::int64_t weight) {
  return weight >= 0 ? Interval{range.low * weight, range.high * weight}
                     : Interval{range.high * weight, range.low * weight};
}

Interval sum(Interval a, Interval b) {
  return {a.low + b.low, a.high + b.high};
}

bool fits_16(Interval range) {
  return range.low >= -32768 && range.high <= 32767;
}

/// Proven intervals of the 16-bit sums of a segment: two for each output.
class Segment {
 public:
  explicit Segment(std::uint32_t block) : sums_(block * 2) {}

  static std::vector<Interval> pairs_of(const LaneWeights& weights, const Interval* stored) {
    std::vector<Interval> pairs;
    for (std::size_t i = 0; i < weights.size(); i += 2) {
      pairs.push_back(sum(product(stored[i % 4], weights[i]), product(stored[i % 4 + 1], weights[i + 1])));
    }
    return pairs;
  }

  bool has_room_for(const std::vector<Interval>& pairs) const {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      if (!fits_16(sum(sums_[i], pairs[i]))) return false;
    }
    return true;
  }

  void add(const std::vector<Interval>& pairs) {
    for (std::size_t i = 0; i < pairs.size(); ++i) sums_[i] = sum(sums_[i], pairs[i]);
  }

 private:
  std::vector<Interval> sums_;
};

/// A pair of products that 16 bits cannot hold is halved: 255 * 64 * 2 fits. The rest makes a second step.
LaneWeights take_half(LaneWeights& weights, const Interval* stored) {
  LaneWeights rest(weights.size(), 0);
  const std::vector<Interval> pairs = Segment::pairs_of(weights, stored);
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (fits_16(pairs[i / 2])) continue;
    rest[i] = weights[i] - weights[i] / 2;
    weights[i] /= 2;
  }
  return rest;
}

/// Twins have two steps in each segment; the second may have zero weights.
PackedWeights pack_pairs(const WeightLanes& lanes, std::uint32_t block, ByteDots dots) {
  PackedWeights packed;
  packed.dots = dots;
  packed.uniform = false;
  const std::size_t longest = dots == ByteDots::twins ? 2 : lanes.depth * 2 + 1;
  const std::uint32_t blocks = (lanes.outputs + block - 1) / block;
  const LaneWeights zeros(std::size_t{block} * 4, 0);
  for (std::uint32_t b = 0; b < blocks; ++b) {
    packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
    packed.segment_begin.push_back(static_cast<std::uint32_t>(packed.segment_end.size()));
    Segment segment(block);
    std::size_t start = packed.lane.size();
    const auto close_segment = [&] {
      const bool fill = dots == ByteDots::twins && packed.lane.size() == start + 1;
      if (fill) append(packed, lanes.form, dots, block, packed.lane.back(), zeros);
      packed.segment_end.push_back(static_cast<std::uint32_t>(packed.lane.size()));
      start = packed.lane.size();
      segment = Segment(block);
    };
    const auto append_step = [&](std::uint32_t k, const LaneWeights& weights) {
      const std::vector<Interval> pairs = Segment::pairs_of(weights, &lanes.stored[std::size_t{k} * 4]);
      if (packed.lane.size() == start + longest || !segment.has_room_for(pairs)) close_segment();
      segment.add(pairs);
      append(packed, lanes.form, dots, block, k, weights);
    };
    for (std::uint32_t k = 0; k < lanes.depth; ++k) {
      LaneWeights weights = lane_weights(lanes, b, block, k);
      if (all_zero(weights)) continue;
      const LaneWeights rest = take_half(weights, &lanes.stored[std::size_t{k} * 4]);
      append_step(k, weights);
      if (!all_zero(rest)) append_step(k, rest);
    }
    close_segment();
  }
  packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  packed.segment_begin.push_back(static_cast<std::uint32_t>(packed.segment_end.size()));
  return packed;
}

PackedWeights pack_lanes(const WeightLanes& lanes, std::uint32_t block, ByteDots dots) {
  PackedWeights packed;
  packed.dots = dots;
  const std::uint32_t blocks = (lanes.outputs + block - 1) / block;
  for (std::uint32_t b = 0; b < blocks; ++b) {
    packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
    for (std::uint32_t k = 0; k < lanes.depth; ++k) {
      const LaneWeights weights = lane_weights(lanes, b, block, k);
      if (!all_zero(weights)) append(packed, lanes.form, dots, block, k, weights);
    }
  }
  packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  packed.uniform = packed.lane.size() == std::size_t{blocks} * lanes.depth;
  return packed;
}

}  // namespace

PackedWeights pack_weights(const WeightLanes& lanes, std::uint32_t block, ByteDots able) {
  if (lanes.form != Form::bytes || able == ByteDots::exact) return pack_lanes(lanes, block, ByteDots::exact);
  PackedWeights halves = pack_lanes(lanes, block, ByteDots::halves);
  if (able == ByteDots::halves) return halves;
  PackedWeights pairs = pack_pairs(lanes, block, ByteDots::pairs);
  PackedWeights twins = pack_pairs(lanes, block, ByteDots::twins);
  // Instructions of the tile kernels for two vectors of events and four outputs, loads included.
  const std::size_t cost_of_halves = halves.lane.size() * 46;
  const std::size_t cost_of_pairs = pairs.lane.size() * 22 + pairs.segment_end.size() * 44;
  const std::size_t cost_of_twins = twins.lane.size() * 26;
  if (cost_of_pairs < std::min(cost_of_twins, cost_of_halves)) return pairs;
  return cost_of_twins < cost_of_halves ? twins : halves;
}

}  // namespace crible::backends::cpu
