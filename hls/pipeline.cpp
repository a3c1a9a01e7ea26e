#include "hls/pipeline.hpp"

#include <algorithm>

#include "engine/base/error.hpp"
#include "hls/retime.hpp"

namespace crible::hls {

namespace {

constexpr int most_latency = 4096;

std::vector<bool> live_words(const Arithmetic& arithmetic) {
  std::vector<bool> live(arithmetic.graph.words().size());
  for (const std::vector<WordId>& output : arithmetic.outputs) {
    for (const WordId word : output) live[static_cast<std::size_t>(word)] = true;
  }
  for (std::size_t i = live.size(); i-- > 0;) {
    if (!live[i]) continue;
    for (const WordId operand : arithmetic.graph.words()[i].operands()) {
      if (operand != no_word) live[static_cast<std::size_t>(operand)] = true;
    }
  }
  return live;
}

/// Each word as early as stages of `capacity` delay units allow.
Pipeline as_early(const Arithmetic& arithmetic, int capacity) {
  const std::vector<Word>& words = arithmetic.graph.words();
  const std::vector<bool> live = live_words(arithmetic);
  Pipeline pipeline;
  pipeline.stage.assign(words.size(), -1);
  std::vector<int> time(words.size());  // delay units since the stage began
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!live[i]) continue;
    int stage = 0;
    int start = 0;
    for (const WordId operand : words[i].operands()) {
      if (operand == no_word) continue;
      const auto o = static_cast<std::size_t>(operand);
      if (pipeline.stage[o] > stage) start = 0;
      stage = std::max(stage, pipeline.stage[o]);
      if (pipeline.stage[o] == stage) start = std::max(start, time[o]);
    }
    const int delay = delay_units(words[i], words);
    if (start > 0 && start + delay > capacity) {
      ++stage;
      start = 0;
    }
    pipeline.stage[i] = stage;
    time[i] = start + delay;
    pipeline.stages = std::max(pipeline.stages, stage + 1);
  }
  return pipeline;
}

int capacity_for(const Arithmetic& arithmetic, const Options& options) {
  if (!options.latency) {
    if (options.adders_per_stage < 1) {
      throw Error("adders per stage is " + std::to_string(options.adders_per_stage) +
                  "; give at least 1 (each stage needs room for one addition)");
    }
    return options.adders_per_stage * adder_delay_units;
  }
  if (*options.latency < 1 || *options.latency > most_latency) {
    throw Error("latency is " + std::to_string(*options.latency) + " cycles; give 1 to " +
                std::to_string(most_latency) + " (the outputs are registered)");
  }
  int low = 1;
  int high = 1;
  for (const Word& word : arithmetic.graph.words()) high = std::max(high, word.arrival);
  while (low < high) {
    const int middle = (low + high) / 2;
    if (as_early(arithmetic, middle).stages <= *options.latency) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

void find_last_uses(const Arithmetic& arithmetic, Pipeline& pipeline) {
  const std::vector<Word>& words = arithmetic.graph.words();
  pipeline.last_use = pipeline.stage;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (pipeline.stage[i] < 0) continue;
    for (const WordId operand : words[i].operands()) {
      if (operand == no_word) continue;
      int& last = pipeline.last_use[static_cast<std::size_t>(operand)];
      last = std::max(last, pipeline.stage[i]);
    }
  }
  for (const std::vector<WordId>& output : arithmetic.outputs) {
    for (const WordId word : output) pipeline.last_use[static_cast<std::size_t>(word)] = pipeline.stages;
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i].op == WordOp::constant) pipeline.last_use[i] = pipeline.stage[i];
  }
}

}  // namespace

Pipeline schedule(const Arithmetic& arithmetic, const Options& options) {
  const int capacity = capacity_for(arithmetic, options);
  Pipeline pipeline = as_early(arithmetic, capacity);
  if (options.latency) pipeline.stages = *options.latency;
  retime(arithmetic, capacity, pipeline);
  find_last_uses(arithmetic, pipeline);
  return pipeline;
}

long long register_bits(const Arithmetic& arithmetic, const Pipeline& pipeline) {
  long long bits = 0;
  for (std::size_t i = 0; i < pipeline.stage.size(); ++i) {
    if (pipeline.stage[i] >= 0)
      bits += static_cast<long long>(pipeline.registers(static_cast<WordId>(i))) *
              width_bits(arithmetic.graph.words()[i].range);
  }
  return bits;
}

}  // namespace crible::hls
