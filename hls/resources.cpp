#include "hls/resources.hpp"

#include <algorithm>

namespace crible::hls {

namespace {

bool is_sum(const Word& word) {
  return word.op == WordOp::add || word.op == WordOp::subtract;
}

}  // namespace

long long lut_estimate(const Graph& graph, const Word& word) {
  const int bits = width_bits(word.range);
  const auto width = [&](WordId id) { return width_bits(graph.word(id).range); };
  switch (word.op) {
    case WordOp::add:
    case WordOp::subtract:
      return adder_bits(graph, word);
    case WordOp::multiply:
      return static_cast<long long>(width(word.a)) * width(word.b);
    case WordOp::any_low:
      return (word.shift_a + 4) / 5;
    case WordOp::mask_lowest:
      return 1;
    case WordOp::mux:
      return graph.is_constant(word.a) && graph.is_constant(word.b) ? 0 : bits;
    case WordOp::less:
    case WordOp::equal:
      if (graph.word(word.b).range == Interval{0, 0} && word.op == WordOp::less) return 0;
      return (std::max(width(word.a), width(word.b)) + 1) / 2;
    case WordOp::logic_and:
    case WordOp::logic_or:
      return 1;
    case WordOp::clamp:
      return bits + (width(word.a) - bits + 4) / 5;
    case WordOp::table:
      return bits * (width(word.a) <= 6 ? 1LL : 1LL << (width(word.a) - 6));
    case WordOp::input:
    case WordOp::constant:
    case WordOp::shift_left:
    case WordOp::shift_right:
    case WordOp::wrap:
    case WordOp::invert:
    case WordOp::logic_not:
      return 0;
  }
  return 0;
}

Resources estimate(const Arithmetic& arithmetic, const Pipeline& pipeline, int tag_bits) {
  Resources resources;
  const Graph& graph = arithmetic.graph;
  for (std::size_t i = 0; i < graph.words().size(); ++i) {
    if (!pipeline.is_live(static_cast<WordId>(i))) continue;
    const Word& word = graph.words()[i];
    if (is_sum(word) && adder_bits(graph, word) > 0) {
      ++resources.adders;
      resources.adder_bits += adder_bits(graph, word);
      if (graph.is_constant(word.a) || graph.is_constant(word.b)) ++resources.constant_adders;
    }
    if (word.op == WordOp::multiply) ++resources.multipliers;
    resources.lut_estimate += lut_estimate(graph, word);
  }
  const auto counters = static_cast<long long>(arithmetic.saturated_nodes.size());
  if (counters > 0)
    resources.flip_flops =
        (counters + 2) * counter_bits;  // and those of all events, and the one that is read
  resources.flip_flops +=
      register_bits(arithmetic, pipeline) + static_cast<long long>(pipeline.stages) * (tag_bits + 1);
  return resources;
}

}  // namespace crible::hls
