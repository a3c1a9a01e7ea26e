#include "hls/dump.hpp"

#include <algorithm>

namespace crible::hls {

namespace {

using network::Network;
using network::Node;

std::string range_text(Interval range) {
  return "[" + std::to_string(range.low) + ", " + std::to_string(range.high) + "]";
}

std::string type_text(Interval range) {
  return (is_signed(range) ? "s" : "u") + std::to_string(width_bits(range));
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size() + 1), ' ');
  return text;
}

std::string term(WordId word, int shift) {
  const std::string name = "w" + std::to_string(word);
  return shift == 0 ? name : "(" + name + " << " + std::to_string(shift) + ")";
}

std::string formula(const Word& word) {
  const std::string a = term(word.a, 0);
  const std::string b = term(word.b, 0);
  const std::string shift = std::to_string(word.shift_a);
  switch (word.op) {
    case WordOp::input:
      return "input " + shift + "[" + std::to_string(word.shift_b) + "]";
    case WordOp::constant:
      return std::to_string(word.low);
    case WordOp::add:
      return term(word.a, word.shift_a) + " + " + term(word.b, word.shift_b);
    case WordOp::subtract:
      return term(word.a, word.shift_a) + " - " + term(word.b, word.shift_b);
    case WordOp::multiply:
      return a + " * " + b;
    case WordOp::shift_left:
      return a + " << " + shift;
    case WordOp::shift_right:
      return a + " >> " + shift;
    case WordOp::wrap:
      return "low " + shift + " bits of " + a;
    case WordOp::invert:
      return "~" + a;
    case WordOp::any_low:
      return "any of the low " + shift + " bits of " + a;
    case WordOp::mask_lowest:
      return a + " with its lowest bit only if " + b;
    case WordOp::mux:
      return term(word.c, 0) + " ? " + a + " : " + b;
    case WordOp::less:
      return a + " < " + b;
    case WordOp::equal:
      return a + " == " + b;
    case WordOp::logic_and:
      return a + " & " + b;
    case WordOp::logic_or:
      return a + " | " + b;
    case WordOp::logic_not:
      return "not " + a;
    case WordOp::clamp:
      return "clamp " + a + " to " + range_text({word.low, word.high});
    case WordOp::table:
      return "table " + std::to_string(word.shift_b) + " of " + a;
  }
  return {};
}

}  // namespace

std::string dump_operations(const Network& network, const network::Ranges& ranges,
                            const Arithmetic& arithmetic, const Pipeline& pipeline) {
  struct Summary {
    int words = 0;
    int first = -1;
    int last = -1;
  };
  std::vector<Summary> summaries(network.nodes.size());
  for (std::size_t i = 0; i < arithmetic.owners.size(); ++i) {
    if (!pipeline.is_live(static_cast<WordId>(i))) continue;
    Summary& summary = summaries[static_cast<std::size_t>(arithmetic.owners[i])];
    ++summary.words;
    summary.first = summary.first < 0 ? pipeline.stage[i] : std::min(summary.first, pipeline.stage[i]);
    summary.last = std::max(summary.last, pipeline.stage[i]);
  }
  std::string text = "# node, operation, type, shape, proven range, words, stages\n";
  for (std::size_t i = 0; i < network.nodes.size(); ++i) {
    const Node& node = network.nodes[i];
    const Summary& summary = summaries[i];
    text += padded(node.name, 24) + padded(keyword(node.operation), 14) +
            padded(network::to_string(node.type), 8) + padded(network::to_string(node.shape), 14) +
            padded(range_text(network::hull(ranges[i])), 28);
    text += summary.words == 0
                ? "wiring\n"
                : std::to_string(summary.words) + " words, stages " + std::to_string(summary.first) + " to " +
                      std::to_string(summary.last) + "\n";
  }
  return text;
}

std::string dump_arithmetic(const Network& network, const Arithmetic& arithmetic) {
  std::string text;
  int owner = -1;
  for (std::size_t i = 0; i < arithmetic.graph.words().size(); ++i) {
    const Word& word = arithmetic.graph.words()[i];
    if (arithmetic.owners[i] != owner) {
      owner = arithmetic.owners[i];
      text += "# " + network.nodes[static_cast<std::size_t>(owner)].name + "\n";
    }
    text += padded("w" + std::to_string(i) + " = " + formula(word), 44) + padded(type_text(word.range), 5) +
            range_text(word.range) + "\n";
  }
  for (std::size_t o = 0; o < arithmetic.outputs.size(); ++o) {
    text += "# output " + std::to_string(o) + ":";
    for (const WordId word : arithmetic.outputs[o]) text += " w" + std::to_string(word);
    text += "\n";
  }
  return text;
}

std::string dump_pipeline(const Arithmetic& arithmetic, const Pipeline& pipeline) {
  const auto stages = static_cast<std::size_t>(pipeline.stages);
  std::vector<std::string> members(stages);
  std::vector<long long> crossing(stages);
  for (std::size_t i = 0; i < pipeline.stage.size(); ++i) {
    if (pipeline.stage[i] < 0 || arithmetic.graph.words()[i].op == WordOp::constant) continue;
    members[static_cast<std::size_t>(pipeline.stage[i])] += " w" + std::to_string(i);
    for (int stage = pipeline.stage[i]; stage < pipeline.last_use[i]; ++stage)
      crossing[static_cast<std::size_t>(stage)] += width_bits(arithmetic.graph.words()[i].range);
  }
  std::string text;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    text += "stage " + std::to_string(stage) + ":" + members[stage] + "\n" +
            "  registers: " + std::to_string(crossing[stage]) + " bits\n";
  }
  return text;
}

}  // namespace crible::hls
