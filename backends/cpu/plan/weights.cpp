#include "backends/cpu/plan/weights.hpp"

#include <algorithm>

#include "backends/cpu/plan/pairs.hpp"

// Weights in the order in which the kernels read them. Lanes without weight for a block are left out.
namespace crible::backends::cpu {
namespace {

using network::Interval;

// Cycles, measured on a Zen 4 core, of one step of a block of four outputs for 16 events, times ten.
constexpr std::size_t halves_cost = 111;
constexpr std::size_t twins_cost = 67;
constexpr std::size_t pairs_cost = 55;
constexpr std::size_t segment_cost = 50;

// The same of one step of a block of eight outputs for one event.
constexpr std::size_t halves_step_cost = 14;
constexpr std::size_t widened_step_cost = 20;
constexpr std::size_t alone_step_cost = 10;
constexpr std::size_t rest_step_cost = 15;
constexpr std::size_t rest_cost = 150;  // of a loop whose end is guessed wrong where networks take turns

/// int16 weights of a layer beyond this leave too little of the first-level cache: they travel as bytes.
constexpr std::size_t halves_limit_bytes = 16384;

std::uint32_t blocks_of(const WeightLanes& lanes, std::uint32_t block) {
  return (lanes.outputs + block - 1) / block;
}

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

const Interval* stored_of(const WeightLanes& lanes, std::uint32_t k) {
  return &lanes.stored[std::size_t{k} * 4];
}

/// Appends fields of `bits` to words of 32.
class WordWriter {
 public:
  WordWriter(std::vector<std::int32_t>& words, int bits) : words_(words), bits_(bits) {}

  void add(std::int32_t value) {
    const auto field = static_cast<std::uint32_t>(value);
    word_ |= (bits_ == 32 ? field : field & ((1u << bits_) - 1)) << filled_;
    filled_ += bits_;
    if (filled_ < 32) return;
    words_.push_back(static_cast<std::int32_t>(word_));
    word_ = 0;
    filled_ = 0;
  }

 private:
  std::vector<std::int32_t>& words_;
  int bits_;
  std::uint32_t word_ = 0;
  int filled_ = 0;
};

/// The weights of one step: first those of the even bytes, then of the odd ones, where bytes are taken apart.
void append_weights(std::vector<std::int32_t>& words, Form form, ByteDots dots, const LaneWeights& weights) {
  const bool apart = form == Form::bytes && (dots == ByteDots::halves || dots == ByteDots::widened);
  const int parts = parts_of(form);
  WordWriter writer(words, form == Form::bytes && dots == ByteDots::halves ? 16 : 32 / parts);
  if (!apart) {
    for (std::int32_t weight : weights) writer.add(weight);
    return;
  }
  for (std::size_t first : {0u, 1u}) {
    for (std::size_t i = first; i < weights.size(); i += 2) writer.add(weights[i]);
  }
}

void append_step(PackedWeights& packed, Form form, std::uint32_t lane, const LaneWeights& weights) {
  packed.lane.push_back(lane);
  append_weights(packed.weights, form, packed.dots, weights);
}

/// Each block its own list of lanes.
PackedWeights pack_lists(const WeightLanes& lanes, std::uint32_t block, ByteDots dots) {
  PackedWeights packed;
  packed.dots = dots;
  for (std::uint32_t b = 0; b < blocks_of(lanes, block); ++b) {
    packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
    for (std::uint32_t k = 0; k < lanes.depth; ++k) {
      const LaneWeights weights = lane_weights(lanes, b, block, k);
      if (!all_zero(weights)) append_step(packed, lanes.form, k, weights);
    }
  }
  packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  return packed;
}

/// Segments are as long as their sums fit 16 bits; twins have two steps in each.
PackedWeights pack_pairs(const WeightLanes& lanes, std::uint32_t block, ByteDots dots) {
  PackedWeights packed;
  packed.dots = dots;
  for (std::uint32_t b = 0; b < blocks_of(lanes, block); ++b) {
    packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
    packed.segment_begin.push_back(static_cast<std::uint32_t>(packed.segment_end.size()));
    std::vector<PairStep> steps;
    for (std::uint32_t k = 0; k < lanes.depth; ++k) {
      LaneWeights weights = lane_weights(lanes, b, block, k);
      for (PairStep& step : pair_steps(k, std::move(weights), stored_of(lanes, k))) {
        steps.push_back(std::move(step));
      }
    }
    if (dots == ByteDots::twins) steps = in_twos(std::move(steps));
    std::vector<Interval> sums(std::size_t{block} * 2);
    for (const PairStep& step : steps) {
      append_step(packed, lanes.form, step.lane, step.weights);
      if (dots == ByteDots::twins) continue;
      if (!fit_together(sums, step.sums)) {
        packed.segment_end.push_back(static_cast<std::uint32_t>(packed.lane.size()) - 1);
        sums.assign(sums.size(), Interval{});
      }
      for (std::size_t i = 0; i < sums.size(); ++i) {
        sums[i] = {sums[i].low + step.sums[i].low, sums[i].high + step.sums[i].high};
      }
    }
    packed.segment_end.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  }
  packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  packed.segment_begin.push_back(static_cast<std::uint32_t>(packed.segment_end.size()));
  return packed;
}

/// What the sums of pairs have no room for, for the blocks of a group in turn, filled up with zeros.
void append_rest(PackedWeights& packed, const std::vector<std::vector<PairStep>>& rest, std::uint32_t block) {
  packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  std::size_t longest = 0;
  for (const std::vector<PairStep>& steps : rest) longest = std::max(longest, steps.size());
  const PairStep nothing{0, LaneWeights(std::size_t{block} * 4, 0), {}};
  for (std::size_t i = 0; i < longest; ++i) {
    for (const std::vector<PairStep>& steps : rest) {
      const PairStep& step = i < steps.size() ? steps[i] : nothing;
      packed.lane.push_back(step.lane);
      append_weights(packed.rest, Form::bytes, packed.dots, step.weights);
    }
  }
}

/// All blocks have all lanes, side by side as the kernel takes them: four blocks, two, one.
PackedWeights pack_uniform(const WeightLanes& lanes, std::uint32_t block, ByteDots dots) {
  PackedWeights packed;
  packed.dots = dots;
  packed.uniform = true;
  const std::uint32_t blocks = blocks_of(lanes, block);
  std::uint32_t b = 0;
  for (std::uint32_t together : {4u, 2u, 1u}) {
    for (; b + together <= blocks; b += together) {
      std::vector<std::vector<PairStep>> rest(together);
      for (std::uint32_t k = 0; k < lanes.depth; ++k) {
        for (std::uint32_t i = 0; i < together; ++i) {
          LaneWeights weights = lane_weights(lanes, b + i, block, k);
          if (dots == ByteDots::alone) {
            LaneWeights excess = take_excess(weights, stored_of(lanes, k));
            if (!all_zero(excess)) rest[i].push_back({k, std::move(excess), {}});
          }
          append_weights(packed.weights, lanes.form, dots, weights);
        }
      }
      append_rest(packed, rest, block);
    }
  }
  packed.begin.push_back(static_cast<std::uint32_t>(packed.lane.size()));
  return packed;
}

/// How many lanes of every block can be added in 16 bits wherever a segment of that length begins; 0: none.
std::uint32_t longest_segment(const WeightLanes& lanes, std::uint32_t block) {
  std::uint32_t longest = lanes.depth;
  for (std::uint32_t b = 0; b < blocks_of(lanes, block) && longest > 0; ++b) {
    std::vector<std::vector<Interval>> sums;
    for (std::uint32_t k = 0; k < lanes.depth; ++k) {
      sums.push_back(pair_sums(lane_weights(lanes, b, block, k), stored_of(lanes, k)));
    }
    const auto segments_fit = [&] {
      for (std::uint32_t first = 0; first < lanes.depth; first += longest) {
        std::vector<Interval> total(std::size_t{block} * 2);
        for (std::uint32_t k = first; k < std::min(first + longest, lanes.depth); ++k) {
          if (!fit_together(total, sums[k])) return false;
          for (std::size_t i = 0; i < total.size(); ++i) {
            total[i] = {total[i].low + sums[k][i].low, total[i].high + sums[k][i].high};
          }
        }
      }
      return true;
    };
    while (longest > 0 && !segments_fit()) longest /= 2;
  }
  return longest;
}

}  // namespace

PackedWeights pack_for_tiles(const WeightLanes& lanes, std::uint32_t block, ByteDots able) {
  if (lanes.form != Form::bytes || able == ByteDots::exact) return pack_lists(lanes, block, ByteDots::exact);
  PackedWeights halves = pack_lists(lanes, block, ByteDots::halves);
  if (able == ByteDots::halves) return halves;
  PackedWeights pairs = pack_pairs(lanes, block, ByteDots::pairs);
  PackedWeights twins = pack_pairs(lanes, block, ByteDots::twins);
  const std::size_t of_halves = halves.lane.size() * halves_cost;
  const std::size_t of_pairs = pairs.lane.size() * pairs_cost + pairs.segment_end.size() * segment_cost;
  const std::size_t of_twins = twins.lane.size() * twins_cost;
  if (of_pairs < std::min(of_twins, of_halves)) return pairs;
  return of_twins < of_halves ? twins : halves;
}

PackedWeights pack_for_single(const WeightLanes& lanes, std::uint32_t block, ByteDots able, bool uniform) {
  const bool apart = lanes.form == Form::bytes && able != ByteDots::exact;
  PackedWeights lists = pack_lists(lanes, block, apart ? ByteDots::halves : ByteDots::exact);
  const std::size_t all = std::size_t{blocks_of(lanes, block)} * lanes.depth;
  if (!uniform && lists.lane.size() * 4 < all * 3) return lists;
  if (apart && able == ByteDots::pairs) {
    const std::uint32_t segment = longest_segment(lanes, block);
    if (segment > 1) {
      PackedWeights pairs = pack_uniform(lanes, block, ByteDots::pairs);
      pairs.segment = segment;
      return pairs;
    }
    PackedWeights alone = pack_uniform(lanes, block, ByteDots::alone);
    const bool large = lists.weights.size() * 4 > halves_limit_bytes;
    const std::size_t of_others = all * (large ? widened_step_cost : halves_step_cost);
    const std::size_t of_rest = alone.lane.size() * rest_step_cost + (alone.lane.empty() ? 0 : rest_cost);
    if (all * alone_step_cost + of_rest < of_others) return alone;
    if (large) return pack_uniform(lanes, block, ByteDots::widened);
  }
  return pack_uniform(lanes, block, lists.dots);
}

}  // namespace crible::backends::cpu
