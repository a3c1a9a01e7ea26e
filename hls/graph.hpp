#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/network/types.hpp"

/// Bit-level arithmetic: the network as words of proven width. Every word is an integer whose interval is
/// known; the interval decides its width and whether it has a sign. One event; no time, no registers.
namespace crible::hls {

using network::Interval;

/// Index of a word in Graph::words().
using WordId = int;
inline constexpr WordId no_word = -1;

enum class WordOp {
  input,        // element `index` of data input `port`
  constant,     // `value`
  add,          // (a << shift_a) + (b << shift_b)
  subtract,     // (a << shift_a) - (b << shift_b)
  multiply,     // a * b
  shift_left,   // a << shift_a
  shift_right,  // floor(a / 2^shift_a)
  wrap,         // the low `width` bits of a, read as signed when `is_signed`
  invert,       // -1 - a: every bit flipped
  any_low,      // 1 when one of the low shift_a bits of a is 1
  mask_lowest,  // a with its lowest bit cleared unless b is 1
  mux,          // c ? a : b
  less,         // a < b
  equal,        // a == b
  logic_and,    // of two bits
  logic_or,     // of two bits
  logic_not,    // of a bit
  clamp,        // min(max(a, low), high)
  table,        // tables()[table][a - low]
};

struct Word {
  WordOp op = WordOp::constant;
  WordId a = no_word;
  WordId b = no_word;
  WordId c = no_word;
  int shift_a = 0;        // also: width of wrap, port of input
  int shift_b = 0;        // also: is_signed of wrap, element of input, number of the table
  std::int64_t low = 0;   // clamp, first index of a table, value of a constant
  std::int64_t high = 0;  // clamp
  Interval range;
  int arrival = 0;  // logic delay from the inputs, in delay units

  auto key() const { return std::tuple(op, a, b, c, shift_a, shift_b, low, high); }
  std::array<WordId, 3> operands() const { return {a, b, c}; }
};

/// Delay of an operation in units of half an adder: 2 for additions and comparisons, 1 for selections, 0 for
/// wiring; a product counts as the additions of a balanced tree of its rows.
int delay_units(const Word& word, const std::vector<Word>& words);
inline constexpr int adder_delay_units = 2;

bool is_signed(Interval range);
/// Bits that hold the interval in two's complement when signed; at least 1.
int width_bits(Interval range);

/// The words of one network. Equal words exist once; what can be known without inputs is folded, and all
/// ranges are kept. Results of members are word numbers; operands come before the words that use them.
class Graph {
 public:
  WordId input(int port, int element, Interval range);
  WordId constant(std::int64_t value);
  WordId add(WordId a, WordId b, int shift_a = 0, int shift_b = 0);
  WordId subtract(WordId a, WordId b, int shift_a = 0, int shift_b = 0);
  WordId multiply(WordId a, WordId b);
  WordId shift_left(WordId a, int shift);
  WordId shift_right(WordId a, int shift);
  WordId wrap(WordId a, network::Type type);
  WordId invert(WordId a);
  WordId any_low(WordId a, int bits);
  WordId mask_lowest(WordId a, WordId keep);
  WordId mux(WordId condition, WordId a, WordId b);
  WordId less(WordId a, WordId b);
  WordId equal(WordId a, WordId b);
  WordId logic_and(WordId a, WordId b);
  WordId logic_or(WordId a, WordId b);
  WordId logic_not(WordId a);
  WordId clamp(WordId a, std::int64_t low, std::int64_t high);
  /// entries[i] for a == first + i; covers the range of a.
  WordId table(WordId a, std::int64_t first, const std::vector<std::int64_t>& entries);

  const Word& word(WordId id) const { return words_[static_cast<std::size_t>(id)]; }
  const std::vector<Word>& words() const { return words_; }
  const std::vector<std::vector<std::int64_t>>& tables() const { return tables_; }
  bool is_constant(WordId id) const { return word(id).op == WordOp::constant; }

 private:
  WordId append(Word word);
  void absorb_shift(WordId& a, int& shift) const;

  std::vector<Word> words_;
  std::vector<std::vector<std::int64_t>> tables_;
  std::map<std::pair<std::int64_t, std::vector<std::int64_t>>, int> table_numbers_;
  std::map<decltype(Word().key()), WordId> known_;
};

/// All words for one event; inputs[port][element] within the ranges given to Graph::input. The meaning of the
/// graph: tests hold it against the network's reference.
std::vector<std::int64_t> evaluate(const Graph& graph, const std::vector<std::vector<std::int64_t>>& inputs);

}  // namespace crible::hls
