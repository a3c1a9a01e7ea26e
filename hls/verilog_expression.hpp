#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "hls/graph.hpp"
#include "hls/pipeline.hpp"

namespace crible::hls {

/// The words as SystemVerilog signals: expressions for them, and a record of which bits are read. Every
/// operand is brought to the width of its expression by a size cast, which extends by the operand's own sign.
class Signals {
 public:
  Signals(const Graph& graph, const Pipeline& pipeline) : graph_(graph), pipeline_(pipeline) {}

  void set_names(std::vector<std::string> names) { names_ = std::move(names); }
  void set_table_names(std::vector<std::string> names) { table_names_ = std::move(names); }

  /// The signal of a word after `delay` registers.
  std::string name(WordId word, int delay) const;

  /// The word as it is in a stage, `width` bits wide.
  std::string operand(WordId word, int stage, int width);

  /// What computes the word, in its own stage.
  std::string expression(WordId word);

  /// The function that a table word calls.
  std::string table_function(const Word& word) const;

  void use_all(WordId word, int delay);
  /// "name[3:0]" for all bits of all signals that nothing reads, in order.
  std::vector<std::string> unused_bits() const;

 private:
  std::string signal(WordId word, int stage, int low, int high);
  std::string bits(WordId word, int stage, int high, int low);
  std::string whole(WordId word, int stage) { return signal(word, stage, 0, width(word) - 1); }
  std::string sum(const Word& word, int stage, int to);
  std::string comparison(const Word& word, int stage, const char* symbol);
  std::string clamp(const Word& word, int stage, int to);
  std::string factor(WordId word, int stage, int to);
  int width(WordId word) const { return width_bits(graph_.word(word).range); }

  const Graph& graph_;
  const Pipeline& pipeline_;
  std::vector<std::string> names_;
  std::vector<std::string> table_names_;
  std::map<std::pair<WordId, int>, std::uint64_t> used_;  // bits of (word, delay) that are read
};

/// "12'd5", "4'hd" for a negative number in two's complement.
std::string literal(std::int64_t value, int width);

}  // namespace crible::hls
