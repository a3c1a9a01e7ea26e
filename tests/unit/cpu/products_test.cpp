#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

#include "backends/cpu/plan/weights.hpp"
#include "engine/network/build.hpp"
#include "tests/unit/cpu/executor.hpp"

namespace crible::test {
namespace {

using backends::cpu::ByteDots;
using backends::cpu::Form;
using backends::cpu::PackedWeights;
using backends::cpu::WeightLanes;

/// Weights around what two products of bytes can add up to in 16 bits: 255 * 128 fits, 255 * 129 does not.
std::vector<std::vector<std::int64_t>> edge_patterns() {
  return {{127},
          {-128},
          {64, 64},
          {65, 64},
          {64, 65},
          {-64, -64},
          {-64, -65},
          {-65, -64},
          {127, 1},
          {127, 2},
          {-128, 0},
          {-128, -1},
          {127, -128},
          {-128, 127},
          {0, 0, 64, 65},
          {1, 0, 0, 0},
          {0},
          {32, 32, 32, 33},
          {32, 32, 32, 32},
          {-32, -32, -32, -33},
          {16, 16, 16, 17, 16, 16, 16, 16}};
}

/// Dense layers of these weights, one behind the other with a requantize between, so that bytes stay bytes.
network::Network layers(const std::vector<int>& widths, const std::vector<std::vector<std::int64_t>>& weights,
                        network::Type input, int shift) {
  network::Builder builder("layers");
  network::NodeId x = builder.input("x", {widths[0]}, input);
  for (std::size_t i = 1; i < widths.size(); ++i) {
    network::Dense dense;
    dense.inputs = widths[i - 1];
    dense.outputs = widths[i];
    dense.weights = weights[i - 1];
    dense.bias.assign(static_cast<std::size_t>(dense.outputs), static_cast<std::int64_t>(i));
    x = builder.add("dense" + std::to_string(i), std::move(dense), {x});
    if (i + 1 == widths.size()) break;
    network::Requantize requantize;
    requantize.shift = {shift};
    requantize.rounding = network::Rounding::half_even;
    x = builder.add("bytes" + std::to_string(i), std::move(requantize), {x}, network::Type{false, 8, 0});
  }
  builder.output("y", x);
  return builder.finish();
}

std::vector<std::int64_t> repeated(const std::vector<std::int64_t>& pattern, int count) {
  std::vector<std::int64_t> weights;
  for (int i = 0; i < count; ++i) weights.push_back(pattern[static_cast<std::size_t>(i) % pattern.size()]);
  return weights;
}

/// Inputs are all 0, then all 255, then random: at 255 whatever is wrongly added in 16 bits saturates or
/// wraps.
TEST(CpuProducts, AreExactAtTheEdgesOfSixteenBits) {
  for (const std::vector<std::int64_t>& pattern : edge_patterns()) {
    for (int inputs : {3, 8, 40, 72}) {
      SCOPED_TRACE("weights " + std::to_string(pattern[0]) + ", " + std::to_string(pattern.back()) + ", " +
                   std::to_string(inputs) + " inputs");
      const int outputs = 21;
      const network::Network network =
          layers({inputs, outputs, 5}, {repeated(pattern, inputs * outputs), repeated(pattern, outputs * 5)},
                 {false, 8, 0}, 2);
      expect_equal_to_reference(network, make_events(network, 34, 1), {1, 34});
    }
  }
}

std::vector<std::int64_t> drawn(std::mt19937_64& random, int count, int width, int rarity) {
  std::uniform_int_distribution<std::int64_t> small(-width, width), full(-128, 127);
  std::vector<std::int64_t> weights;
  for (int i = 0; i < count; ++i) {
    weights.push_back(static_cast<int>(random() % 1000) < rarity ? full(random) : small(random));
  }
  return weights;
}

/// From weights of which many fit in 16 bits together to full 8-bit ones, small layers and large ones.
TEST(CpuProducts, AreExactForWeightsOfAnySize) {
  std::mt19937_64 random(3);
  for (const std::vector<int>& widths : {std::vector<int>{16, 64, 32, 5}, {60, 33, 9}, {130, 140, 100, 1}}) {
    for (int width : {1, 7, 31, 64, 90, 127}) {
      for (int rarity : {0, 20}) {
        SCOPED_TRACE("up to " + std::to_string(width) + ", " + std::to_string(rarity) + " of 1000 larger");
        std::vector<std::vector<std::int64_t>> weights;
        for (std::size_t i = 1; i < widths.size(); ++i) {
          weights.push_back(drawn(random, widths[i - 1] * widths[i], width, rarity));
        }
        const network::Network network = layers(widths, weights, {false, 8, 0}, 6);
        expect_equal_to_reference(network, make_events(network, 34, 5), {1, 34});
      }
    }
  }
}

/// An array that two layers read, and sums that are an output and go on: neither may be taken from the
/// others.
TEST(CpuProducts, ShareInputsAndSums) {
  std::mt19937_64 random(19);
  for (const network::Type input : {network::Type{true, 8, 0}, {false, 8, 0}, {true, 16, 0}}) {
    for (const int outputs : {5, 16, 37}) {
      SCOPED_TRACE(std::to_string(input.width) + " bits, " + std::to_string(outputs) + " outputs");
      network::Builder builder("shared");
      const network::NodeId x = builder.input("x", {16}, input);
      const auto dense = [&](const std::string& name, network::NodeId from, int inputs) {
        network::Dense layer;
        layer.inputs = inputs;
        layer.outputs = outputs;
        layer.weights = drawn(random, inputs * outputs, 60, 0);
        layer.bias.assign(static_cast<std::size_t>(outputs), 7);
        return builder.add(name, std::move(layer), {from});
      };
      const auto bytes = [&](const std::string& name, network::NodeId from) {
        network::Requantize requantize;
        requantize.shift = {6};
        return builder.add(name, std::move(requantize), {from}, network::Type{false, 8, 0});
      };
      const network::NodeId sums = dense("dense1", x, 16);
      builder.output("sums", sums);
      builder.output("again", dense("dense2", bytes("bytes1", sums), outputs));
      builder.output("other", dense("dense3", bytes("bytes2", dense("dense4", x, 16)), outputs));
      const network::Network network = builder.finish();
      expect_equal_to_reference(network, make_events(network, 34, 7), {1, 34});
    }
  }
}

/// What orders the bytes of a layer reads the weights of the next one, however large they are.
TEST(CpuProducts, AreExactBeforeWeightsThatNoByteHolds) {
  std::mt19937_64 random(13);
  const std::vector<std::int64_t> large{2147483647, 2147483647, -2147483648, -2147483648, 5};
  const network::Network network =
      layers({8, 6, 3}, {drawn(random, 48, 127, 0), repeated(large, 18)}, {false, 8, 0}, 3);
  expect_equal_to_reference(network, make_events(network, 33, 3), {1, 33});
}

/// A dense layer, then a requantize with a multiplier: in 32-bit halves where the shift allows, else in 64
/// bits.
TEST(CpuProducts, ScaleExactly) {
  std::mt19937_64 random(17);
  const auto scales = std::vector<std::pair<std::int64_t, int>>{{1, 0},
                                                                {3, 1},
                                                                {-5, 4},
                                                                {77777, 20},
                                                                {1 << 30, 31},
                                                                {(1ll << 31) - 1, 32},
                                                                {-(1ll << 31), 33},
                                                                {1987654321, 38},
                                                                {1234567, 45},
                                                                {-3, 50},
                                                                {1, 61}};
  const network::Rounding roundings[] = {network::Rounding::floor, network::Rounding::half_up,
                                         network::Rounding::half_down, network::Rounding::half_even,
                                         network::Rounding::ceil};
  for (const auto& [multiplier, shift] : scales) {
    for (network::Rounding rounding : roundings) {
      for (const int width : {8, 16, 32}) {
        SCOPED_TRACE(std::to_string(multiplier) + " >> " + std::to_string(shift) + " to " +
                     std::to_string(width) + " bits");
        network::Builder builder("scaled");
        const network::NodeId x = builder.input("x", {20}, {true, 8, 0});
        network::Dense dense;
        dense.inputs = 20;
        dense.outputs = 19;
        dense.weights = drawn(random, 20 * 19, 127, 0);
        dense.bias.assign(19, 5);
        network::Requantize requantize;
        requantize.rounding = rounding;
        requantize.axis = 0;
        requantize.offset.clear();
        requantize.multiplier.assign(19, multiplier);
        requantize.multiplier[3] = multiplier / 2 + 1;
        requantize.shift.assign(19, shift);
        const std::int64_t unit = shift > 4 ? std::int64_t{1} << (shift - 4) : 1;
        for (std::int64_t o = 0; o < 19; ++o) requantize.offset.push_back(o * unit);
        requantize.zero_point = {-7};
        const network::NodeId y = builder.add("dense", std::move(dense), {x});
        builder.output("y", builder.add("scaled", std::move(requantize), {y}, network::Type{true, width, 0}));
        const network::Network network = builder.finish();
        expect_equal_to_reference(network, make_events(network, 33, 3), {1, 33});
      }
    }
  }
}

/// Groups of one filter each, with more channels than fill a block and fewer.
TEST(CpuProducts, ConvolveDepthwise) {
  std::mt19937_64 random(19);
  for (int groups : {2, 3, 4, 6, 8, 12, 20}) {
    for (int filters : {1, 2}) {
      SCOPED_TRACE(std::to_string(groups) + " groups of " + std::to_string(filters));
      network::Builder builder("depthwise");
      network::NodeId x = builder.input("x", {groups, 5, 6}, {false, 8, 0});
      network::Conv conv;
      conv.filters = groups * filters;
      conv.groups = groups;
      conv.window = {{3, 2}, {1, 2}, {1, 1}, {1, 0}, {1, 1}};
      conv.weights = drawn(random, conv.filters * 6, 127, 0);
      conv.bias = drawn(random, conv.filters, 100, 0);
      network::Requantize requantize;
      requantize.shift = {7};
      requantize.rounding = network::Rounding::half_even;
      x = builder.add("conv", std::move(conv), {x});
      x = builder.add("bytes", std::move(requantize), {x}, network::Type{false, 8, 0});
      builder.output("y", x);
      const network::Network network = builder.finish();
      expect_equal_to_reference(network, make_events(network, 33, 3), {1, 33});
    }
  }
}

struct Extremes {
  std::int64_t low = 0;
  std::int64_t high = 0;
};

/// Checks the plan itself, so also where no AVX2 is: no sum of a pair or of a segment leaves int16 for any
/// stored bytes, and the steps of a lane add up to its weights.
class PackedPairs {
 public:
  PackedPairs(const WeightLanes& lanes, std::uint32_t block) : lanes_(lanes), block_(block) {
    found_.assign(lanes.weights.size(), 0);
    segment_.assign(block * 2, {});
  }

  void add_step(std::uint32_t block_index, std::uint32_t lane, const std::int32_t* words) {
    for (std::uint32_t i = 0; i < block_; ++i) {
      const std::uint32_t output = block_index * block_ + i;
      Extremes pair[2];
      for (std::uint32_t part = 0; part < 4; ++part) {
        const auto weight = static_cast<std::int8_t>(static_cast<std::uint32_t>(words[i]) >> (8 * part));
        const std::int64_t extreme = lanes_.stored[lane * 4 + part].high * weight;
        (extreme < 0 ? pair[part / 2].low : pair[part / 2].high) += extreme;
        if (output < lanes_.outputs) {
          found_[(std::size_t{output} * lanes_.depth + lane) * 4 + part] += weight;
        } else {
          EXPECT_EQ(weight, 0);
        }
      }
      for (std::uint32_t half = 0; half < 2; ++half) {
        expect_short(pair[half]);
        segment_[i * 2 + half].low += pair[half].low;
        segment_[i * 2 + half].high += pair[half].high;
      }
    }
  }

  void end_segment() {
    for (Extremes& sum : segment_) {
      expect_short(sum);
      sum = {};
    }
  }

  void expect_weights() const { EXPECT_EQ(found_, lanes_.weights); }

 private:
  static void expect_short(Extremes sum) {
    EXPECT_GE(sum.low, -32768);
    EXPECT_LE(sum.high, 32767);
  }

  const WeightLanes& lanes_;
  std::uint32_t block_;
  std::vector<std::int32_t> found_;
  std::vector<Extremes> segment_;
};

WeightLanes random_lanes(std::mt19937_64& random, std::uint32_t outputs, std::uint32_t depth, int width) {
  WeightLanes lanes;
  lanes.form = Form::bytes;
  lanes.outputs = outputs;
  lanes.depth = depth;
  std::uniform_int_distribution<std::int32_t> weight(-width, width), high(0, 3);
  for (std::uint32_t i = 0; i < depth * 4; ++i) {
    const std::int64_t highs[] = {255, 255, 63, 0};
    lanes.stored.push_back({0, highs[high(random)]});
  }
  for (std::uint32_t i = 0; i < outputs * depth * 4; ++i) {
    lanes.weights.push_back(std::max(-128, weight(random) - static_cast<int>(random() % 2)));
  }
  return lanes;
}

TEST(CpuProducts, TilesNeverAddMoreThanSixteenBitsHold) {
  std::mt19937_64 random(7);
  std::vector<bool> seen(6, false);
  for (int round = 0; round < 60 && !HasFailure(); ++round) {
    const int widths[] = {2, 15, 40, 80, 127};
    const WeightLanes lanes = random_lanes(random, 1 + random() % 20, 1 + random() % 40, widths[round % 5]);
    const PackedWeights packed = pack_for_tiles(lanes, 4, ByteDots::pairs);
    seen[static_cast<std::size_t>(packed.dots)] = true;
    if (packed.dots == ByteDots::halves) continue;
    PackedPairs check(lanes, 4);
    for (std::uint32_t b = 0; b + 1 < packed.begin.size(); ++b) {
      std::uint32_t segment = packed.segment_begin[b];
      for (std::uint32_t step = packed.begin[b]; step < packed.begin[b + 1]; ++step) {
        check.add_step(b, packed.lane[step], &packed.weights[std::size_t{step} * 4]);
        const bool twin = packed.dots == ByteDots::twins && (step - packed.begin[b]) % 2 == 1;
        const bool last = packed.dots == ByteDots::pairs && step + 1 == packed.segment_end[segment];
        if (last) ++segment;
        if (twin || last) check.end_segment();
      }
      EXPECT_EQ((packed.begin[b + 1] - packed.begin[b]) % (packed.dots == ByteDots::twins ? 2 : 1), 0u);
    }
    check.expect_weights();
  }
  EXPECT_TRUE(seen[static_cast<std::size_t>(ByteDots::pairs)]);
  EXPECT_TRUE(seen[static_cast<std::size_t>(ByteDots::twins)]);
}

TEST(CpuProducts, SingleEventsNeverAddMoreThanSixteenBitsHold) {
  std::mt19937_64 random(11);
  bool long_segments = false;
  bool rests = false;
  for (int round = 0; round < 60 && !HasFailure(); ++round) {
    const int widths[] = {2, 15, 40, 66, 127};
    const WeightLanes lanes = random_lanes(random, 1 + random() % 60, 1 + random() % 40, widths[round % 5]);
    const PackedWeights packed = pack_for_single(lanes, 8, ByteDots::pairs);
    if (packed.dots != ByteDots::pairs && packed.dots != ByteDots::alone) continue;
    ASSERT_TRUE(packed.uniform);
    long_segments = long_segments || packed.dots == ByteDots::pairs;
    rests = rests || !packed.lane.empty();
    const std::uint32_t segment = packed.dots == ByteDots::pairs ? packed.segment : 1;
    PackedPairs check(lanes, 8);
    const std::uint32_t blocks = (lanes.outputs + 7) / 8;
    const std::int32_t* words = packed.weights.data();
    const std::uint32_t* begin = packed.begin.data();
    std::uint32_t first = 0;
    for (std::uint32_t together : {4u, 2u, 1u}) {
      for (; first + together <= blocks; first += together, ++begin) {
        for (std::uint32_t b = 0; b < together; ++b) {
          for (std::uint32_t k = 0; k < lanes.depth; ++k) {
            check.add_step(first + b, k, words + std::size_t{k * together + b} * 8);
            if ((k + 1) % segment == 0 || k + 1 == lanes.depth) check.end_segment();
          }
          for (std::uint32_t k = begin[0] + b; k < begin[1]; k += together) {
            check.add_step(first + b, packed.lane[k], &packed.rest[std::size_t{k} * 8]);
            check.end_segment();
          }
        }
        words += std::size_t{lanes.depth} * together * 8;
      }
    }
    check.expect_weights();
  }
  EXPECT_TRUE(long_segments);
  EXPECT_TRUE(rests);
}

}  // namespace
}  // namespace crible::test
