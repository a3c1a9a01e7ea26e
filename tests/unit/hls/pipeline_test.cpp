#include "hls/pipeline.hpp"

#include <gtest/gtest.h>

#include "engine/base/error.hpp"
#include "hls/min_cut.hpp"
#include "tests/conformance/random_network.hpp"
#include "tests/conformance/sample_networks.hpp"

namespace crible::hls {
namespace {

Options adders(int count) {
  Options options;
  options.adders_per_stage = count;
  return options;
}

/// The longest way within one stage, in delay units; fails the test when a word is read before it is there.
int longest_way(const Arithmetic& arithmetic, const Pipeline& pipeline) {
  const std::vector<Word>& words = arithmetic.graph.words();
  std::vector<int> end(words.size());
  int longest = 0;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (pipeline.stage[i] < 0) continue;
    EXPECT_LT(pipeline.stage[i], pipeline.stages);
    int start = 0;
    for (const WordId operand : words[i].operands()) {
      if (operand == no_word || words[static_cast<std::size_t>(operand)].op == WordOp::constant) continue;
      const auto o = static_cast<std::size_t>(operand);
      EXPECT_LE(pipeline.stage[o], pipeline.stage[i]);
      EXPECT_GE(pipeline.last_use[o], pipeline.stage[i]);
      if (pipeline.stage[o] == pipeline.stage[i]) start = std::max(start, end[o]);
    }
    if (words[i].op == WordOp::input) {
      EXPECT_EQ(pipeline.stage[i], 0);
    }
    end[i] = start + delay_units(words[i], words);
    longest = std::max(longest, end[i]);
  }
  for (const std::vector<WordId>& output : arithmetic.outputs) {
    for (const WordId word : output) {
      const auto o = static_cast<std::size_t>(word);
      if (words[o].op != WordOp::constant) {
        EXPECT_EQ(pipeline.last_use[o], pipeline.stages);
      }
    }
  }
  return longest;
}

TEST(Schedule, KeepsTheNumberOfAddersInAStage) {
  const Arithmetic mlp = lower(conformance::sample_mlp(), {});
  int previous = 1000;
  for (int count = 1; count < 6; ++count) {
    const Pipeline pipeline = schedule(mlp, adders(count));
    EXPECT_LE(longest_way(mlp, pipeline), count * adder_delay_units);
    EXPECT_LE(pipeline.stages, previous);
    previous = pipeline.stages;
  }
}

TEST(Schedule, HoldsForRandomNetworks) {
  for (std::uint32_t seed = 0; seed < 40; ++seed) {
    const Arithmetic arithmetic =
        lower(conformance::random_network(conformance::Choices::seeded(seed, 300)), {});
    longest_way(arithmetic, schedule(arithmetic, adders(1 + static_cast<int>(seed % 4))));
  }
}

TEST(Schedule, MeetsALatencyWithTheShortestStages) {
  const Arithmetic mlp = lower(conformance::sample_mlp(), {});
  for (int latency = 1; latency < 12; ++latency) {
    Options options;
    options.latency = latency;
    const Pipeline pipeline = schedule(mlp, options);
    EXPECT_EQ(pipeline.stages, latency);
    longest_way(mlp, pipeline);
  }
}

TEST(Schedule, RefusesWhatCannotBe) {
  const Arithmetic mlp = lower(conformance::sample_mlp(), {});
  Options options;
  options.latency = 0;
  EXPECT_THROW(schedule(mlp, options), Error);
  EXPECT_THROW(schedule(mlp, adders(0)), Error);
}

TEST(MinCut, FindsTheCheapestCut) {
  MinCut cut;
  const int a = cut.add_node();
  const int b = cut.add_node();
  cut.add_edge(MinCut::source, a, 10);
  cut.add_edge(MinCut::source, b, 2);
  cut.add_edge(a, b, 3);
  cut.add_edge(a, MinCut::sink, 4);
  cut.add_edge(b, MinCut::sink, 9);
  const std::vector<bool> side = cut.source_side();
  EXPECT_TRUE(side[static_cast<std::size_t>(a)]);  // cut: a->b 3, a->sink 4, source->b 2
  EXPECT_FALSE(side[static_cast<std::size_t>(b)]);
}

}  // namespace
}  // namespace crible::hls
