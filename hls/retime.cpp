#include "hls/retime.hpp"

#include <algorithm>

#include "hls/min_cut.hpp"

namespace crible::hls {

namespace {

constexpr std::size_t most_sweeps = 12;
constexpr std::size_t words_to_sweep = 300'000;  // larger networks get fewer sweeps, but one

class Retiming {
 public:
  Retiming(const Arithmetic& arithmetic, int capacity, Pipeline& pipeline)
      : words_(arithmetic.graph.words()),
        capacity_(capacity),
        pipeline_(pipeline),
        readers_(words_.size()),
        is_output_(words_.size()),
        flow_node_(words_.size(), -1),
        before_(words_.size()),
        after_(words_.size()) {
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (pipeline.stage[i] < 0) continue;
      for (const std::size_t operand : operands_of(i)) readers_[operand].push_back(i);
    }
    for (const std::vector<WordId>& output : arithmetic.outputs) {
      for (const WordId word : output) is_output_[static_cast<std::size_t>(word)] = true;
    }
  }

  void run() {
    const auto sweeps = std::clamp<std::size_t>(words_to_sweep / (words_.size() + 1), 1, most_sweeps);
    for (std::size_t sweep = 0; sweep < sweeps; ++sweep) {
      changed_ = false;
      fill_stages();
      for (int boundary = 1; boundary < pipeline_.stages; ++boundary) improve(boundary);
      for (int boundary = pipeline_.stages - 2; boundary > 0; --boundary) improve(boundary);
      if (!changed_) return;
    }
  }

 private:
  /// Words that take registers: constants do not.
  std::vector<std::size_t> operands_of(std::size_t word) const {
    std::vector<std::size_t> list;
    for (const WordId operand : words_[word].operands()) {
      if (operand != no_word && words_[static_cast<std::size_t>(operand)].op != WordOp::constant)
        list.push_back(static_cast<std::size_t>(operand));
    }
    return list;
  }

  void fill_stages() {
    members_.assign(static_cast<std::size_t>(pipeline_.stages), {});
    for (std::size_t i = 0; i < words_.size(); ++i) {
      if (pipeline_.stage[i] >= 0 && words_[i].op != WordOp::constant)
        members_[static_cast<std::size_t>(pipeline_.stage[i])].push_back(i);
    }
  }

  int delay(std::size_t word) const { return std::min(delay_units(words_[word], words_), capacity_); }

  /// The longest ways into and out of each word of the window.
  void measure(const std::vector<std::size_t>& window) {
    for (const std::size_t word : window) {
      int longest = 0;
      for (const std::size_t operand : operands_of(word)) {
        if (flow_node_[operand] >= 2) longest = std::max(longest, before_[operand]);
      }
      before_[word] = longest + delay(word);
    }
    for (std::size_t i = window.size(); i-- > 0;) {
      int longest = 0;
      for (const std::size_t reader : readers_[window[i]]) {
        if (flow_node_[reader] >= 2) longest = std::max(longest, after_[reader]);
      }
      after_[window[i]] = longest + delay(window[i]);
    }
  }

  /// A cut edge of the word's width when it is on the early side and one of its readers is not.
  void add_value(MinCut& cut, std::size_t word, int node, int last_stage) {
    const int bits = width_bits(words_[word].range);
    const int crossing = cut.add_node();
    cut.add_edge(node, crossing, bits);
    if (is_output_[word]) cut.add_edge(crossing, MinCut::sink, MinCut::never);
    for (const std::size_t reader : readers_[word]) {
      const bool later = pipeline_.stage[reader] > last_stage;
      const int to = later ? MinCut::sink : flow_node_[reader];
      if (to >= 0) cut.add_edge(crossing, to, MinCut::never);
    }
  }

  /// Chooses again which words of the two stages beside a boundary come before it.
  void improve(int boundary) {
    std::vector<std::size_t>& early = members_[static_cast<std::size_t>(boundary) - 1];
    std::vector<std::size_t>& late = members_[static_cast<std::size_t>(boundary)];
    std::vector<std::size_t> window = early;
    window.insert(window.end(), late.begin(), late.end());
    std::sort(window.begin(), window.end());
    MinCut cut;
    for (const std::size_t word : window) flow_node_[word] = cut.add_node();
    measure(window);
    std::vector<std::size_t> sources;  // earlier words that the window reads
    for (const std::size_t word : window) {
      const int node = flow_node_[word];
      const bool fixed_early = words_[word].op == WordOp::input || after_[word] > capacity_;
      if (fixed_early) cut.add_edge(MinCut::source, node, MinCut::never);
      if (before_[word] > capacity_ && !fixed_early) cut.add_edge(node, MinCut::sink, MinCut::never);
      for (const std::size_t operand : operands_of(word)) {
        if (flow_node_[operand] >= 2) {
          cut.add_edge(node, flow_node_[operand], MinCut::never);
        } else {
          sources.push_back(operand);
        }
      }
      add_value(cut, word, node, boundary);
    }
    std::sort(sources.begin(), sources.end());
    sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
    for (const std::size_t word : sources) add_value(cut, word, MinCut::source, boundary);

    const std::vector<bool> side = cut.source_side();
    early.clear();
    late.clear();
    for (const std::size_t word : window) {
      const bool is_early = side[static_cast<std::size_t>(flow_node_[word])];
      const int stage = is_early ? boundary - 1 : boundary;
      changed_ |= stage != pipeline_.stage[word];
      pipeline_.stage[word] = stage;
      (is_early ? early : late).push_back(word);
      flow_node_[word] = -1;
    }
  }

  const std::vector<Word>& words_;
  const int capacity_;
  Pipeline& pipeline_;
  std::vector<std::vector<std::size_t>> readers_;
  std::vector<bool> is_output_;
  std::vector<std::vector<std::size_t>> members_;  // [stage], operands first
  std::vector<int> flow_node_;                     // of the window; -1 outside
  std::vector<int> before_;
  std::vector<int> after_;
  bool changed_ = false;
};

}  // namespace

void retime(const Arithmetic& arithmetic, int capacity, Pipeline& pipeline) {
  Retiming(arithmetic, capacity, pipeline).run();
}

}  // namespace crible::hls
