#include "hls/graph.hpp"

#include <algorithm>

#include "engine/base/error.hpp"

namespace crible::hls {

namespace {

constexpr std::size_t max_words = 4'000'000;

using Wide = __int128;

/// Intervals of words are those of networks, so 63 bits and a sign hold all; a wider one is refused rather
/// than wrapped.
std::int64_t narrow(Wide value) {
  if (value < INT64_MIN || value > INT64_MAX)
    throw Error("a word of the firmware needs more than 64 bits; requantize before this sum or product");
  return static_cast<std::int64_t>(value);
}

Interval hull_of(std::initializer_list<Wide> values) {
  return {narrow(std::min(values)), narrow(std::max(values))};
}

Wide shifted(std::int64_t value, int shift) {
  return static_cast<Wide>(value) * (static_cast<Wide>(1) << shift);
}

std::int64_t clamped(std::int64_t value, std::int64_t low, std::int64_t high) {
  return std::min(std::max(value, low), high);
}

std::int64_t wrapped(std::int64_t value, int width, bool is_signed) {
  if (width >= 64) return value;
  const std::uint64_t mask = (std::uint64_t{1} << width) - 1;
  const std::uint64_t bits = static_cast<std::uint64_t>(value) & mask;
  const std::uint64_t sign = std::uint64_t{1} << (width - 1);
  return static_cast<std::int64_t>(is_signed ? (bits ^ sign) - sign : bits);
}

/// What a word is for known operands.
std::int64_t compute(const Word& word, const std::vector<std::vector<std::int64_t>>& tables, std::int64_t a,
                     std::int64_t b, std::int64_t c) {
  switch (word.op) {
    case WordOp::input:
      return 0;
    case WordOp::constant:
      return word.low;
    case WordOp::add:
      return narrow(shifted(a, word.shift_a) + shifted(b, word.shift_b));
    case WordOp::subtract:
      return narrow(shifted(a, word.shift_a) - shifted(b, word.shift_b));
    case WordOp::multiply:
      return narrow(static_cast<Wide>(a) * b);
    case WordOp::shift_left:
      return narrow(shifted(a, word.shift_a));
    case WordOp::shift_right:
      return a >> word.shift_a;
    case WordOp::wrap:
      return wrapped(a, word.shift_a, word.shift_b != 0);
    case WordOp::invert:
      return -1 - a;
    case WordOp::any_low:
      return wrapped(a, word.shift_a, false) != 0;
    case WordOp::mask_lowest:
      return b != 0 ? a : a & ~std::int64_t{1};
    case WordOp::mux:
      return c != 0 ? a : b;
    case WordOp::less:
      return a < b;
    case WordOp::equal:
      return a == b;
    case WordOp::logic_and:
      return a & b;
    case WordOp::logic_or:
      return a | b;
    case WordOp::logic_not:
      return 1 - a;
    case WordOp::clamp:
      return clamped(a, word.low, word.high);
    case WordOp::table:
      return tables[static_cast<std::size_t>(word.shift_b)][static_cast<std::size_t>(a - word.low)];
  }
  return 0;
}

}  // namespace

bool is_signed(Interval range) {
  return range.low < 0;
}

int width_bits(Interval range) {
  int width = 1;
  if (is_signed(range)) {
    while (width < 64 && (range.low < -(std::int64_t{1} << (width - 1)) ||
                          range.high > (std::int64_t{1} << (width - 1)) - 1))
      ++width;
  } else {
    while (width < 63 && range.high > (std::int64_t{1} << width) - 1) ++width;
  }
  return width;
}

int delay_units(const Word& word, const std::vector<Word>& words) {
  switch (word.op) {
    case WordOp::add:
    case WordOp::subtract:
    case WordOp::less:
    case WordOp::equal:
    case WordOp::table:
      return adder_delay_units;
    case WordOp::multiply: {
      const auto width = [&](WordId id) { return width_bits(words[static_cast<std::size_t>(id)].range); };
      int levels = 1;
      for (int rows = std::min(width(word.a), width(word.b)); rows > 2; rows = (rows + 1) / 2) ++levels;
      return levels * adder_delay_units;
    }
    case WordOp::any_low:
    case WordOp::mask_lowest:
    case WordOp::mux:
    case WordOp::logic_and:
    case WordOp::logic_or:
    case WordOp::clamp:
      return 1;
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

WordId Graph::append(Word word) {
  const auto [at, is_new] = known_.try_emplace(word.key(), static_cast<WordId>(words_.size()));
  if (!is_new) return at->second;
  const bool foldable =
      word.op != WordOp::input && word.op != WordOp::constant && word.range.low == word.range.high;
  if (foldable) {
    const WordId value = constant(word.range.low);
    at->second = value;
    return value;
  }
  if (words_.size() >= max_words) {
    throw Error("the unrolled network has more than " + std::to_string(max_words) +
                " words; firmware of such a size would fit no device, use a smaller network");
  }
  for (const WordId operand : word.operands()) {
    if (operand != no_word) word.arrival = std::max(word.arrival, this->word(operand).arrival);
  }
  word.arrival += delay_units(word, words_);
  words_.push_back(word);
  return static_cast<WordId>(words_.size()) - 1;
}

WordId Graph::input(int port, int element, Interval range) {
  return append({.op = WordOp::input, .shift_a = port, .shift_b = element, .range = range});
}

WordId Graph::constant(std::int64_t value) {
  return append({.op = WordOp::constant, .low = value, .range = {value, value}});
}

/// An operand's own left shift joins that of the sum.
void Graph::absorb_shift(WordId& a, int& shift) const {
  if (word(a).op != WordOp::shift_left) return;
  shift += word(a).shift_a;
  a = word(a).a;
}

WordId Graph::add(WordId a, WordId b, int shift_a, int shift_b) {
  absorb_shift(a, shift_a);
  absorb_shift(b, shift_b);
  const Interval x = word(a).range;
  const Interval y = word(b).range;
  if (x == Interval{0, 0}) return shift_left(b, shift_b);
  if (y == Interval{0, 0}) return shift_left(a, shift_a);
  const int common = std::min(shift_a, shift_b);
  if (common > 0) return shift_left(add(a, b, shift_a - common, shift_b - common), common);
  if (std::tie(a, shift_a) > std::tie(b, shift_b)) {
    std::swap(a, b);
    std::swap(shift_a, shift_b);
  }
  const Interval left = word(a).range;
  const Interval right = word(b).range;
  return append({.op = WordOp::add,
                 .a = a,
                 .b = b,
                 .shift_a = shift_a,
                 .shift_b = shift_b,
                 .range = {narrow(shifted(left.low, shift_a) + shifted(right.low, shift_b)),
                           narrow(shifted(left.high, shift_a) + shifted(right.high, shift_b))}});
}

WordId Graph::subtract(WordId a, WordId b, int shift_a, int shift_b) {
  absorb_shift(a, shift_a);
  absorb_shift(b, shift_b);
  const Interval x = word(a).range;
  const Interval y = word(b).range;
  if (y == Interval{0, 0}) return shift_left(a, shift_a);
  if (a == b && shift_a == shift_b) return constant(0);
  if (is_constant(b)) return add(a, constant(narrow(-static_cast<Wide>(y.low))), shift_a, shift_b);
  const int common = std::min(shift_a, shift_b);
  if (common > 0) return shift_left(subtract(a, b, shift_a - common, shift_b - common), common);
  return append({.op = WordOp::subtract,
                 .a = a,
                 .b = b,
                 .shift_a = shift_a,
                 .shift_b = shift_b,
                 .range = {narrow(shifted(x.low, shift_a) - shifted(y.high, shift_b)),
                           narrow(shifted(x.high, shift_a) - shifted(y.low, shift_b))}});
}

WordId Graph::multiply(WordId a, WordId b) {
  if (a > b) std::swap(a, b);
  const Interval x = word(a).range;
  const Interval y = word(b).range;
  Interval range = hull_of({static_cast<Wide>(x.low) * y.low, static_cast<Wide>(x.low) * y.high,
                            static_cast<Wide>(x.high) * y.low, static_cast<Wide>(x.high) * y.high});
  if (a == b) {
    const bool through_zero = x.low <= 0 && x.high >= 0;
    const Wide low = static_cast<Wide>(x.low) * x.low;
    const Wide high = static_cast<Wide>(x.high) * x.high;
    range = {through_zero ? 0 : narrow(std::min(low, high)), narrow(std::max(low, high))};
  }
  return append({.op = WordOp::multiply, .a = a, .b = b, .range = range});
}

WordId Graph::shift_left(WordId a, int shift) {
  if (shift == 0) return a;
  const Word& of = word(a);
  if (of.op == WordOp::shift_left) return shift_left(of.a, of.shift_a + shift);
  return append({.op = WordOp::shift_left,
                 .a = a,
                 .shift_a = shift,
                 .range = hull_of({shifted(of.range.low, shift), shifted(of.range.high, shift)})});
}

WordId Graph::shift_right(WordId a, int shift) {
  if (shift == 0) return a;
  const Word& of = word(a);
  if (of.op == WordOp::shift_left)
    return of.shift_a >= shift ? shift_left(of.a, of.shift_a - shift) : shift_right(of.a, shift - of.shift_a);
  if (of.op == WordOp::shift_right) return shift_right(of.a, std::min(of.shift_a + shift, 63));
  return append({.op = WordOp::shift_right,
                 .a = a,
                 .shift_a = shift,
                 .range = {of.range.low >> shift, of.range.high >> shift}});
}

WordId Graph::wrap(WordId a, network::Type type) {
  const Interval range = word(a).range;
  if (contains(type, range)) return a;
  const Interval ends{wrapped(range.low, type.width, type.is_signed),
                      wrapped(range.high, type.width, type.is_signed)};
  // An interval within one period moves as a whole.
  const bool one_period =
      static_cast<Wide>(range.high) - range.low == static_cast<Wide>(ends.high) - ends.low;
  return append({.op = WordOp::wrap,
                 .a = a,
                 .shift_a = type.width,
                 .shift_b = type.is_signed ? 1 : 0,
                 .range = one_period ? ends : Interval{lowest(type), highest(type)}});
}

WordId Graph::invert(WordId a) {
  const Word& of = word(a);
  if (of.op == WordOp::invert) return of.a;
  return append({.op = WordOp::invert, .a = a, .range = {-1 - of.range.high, -1 - of.range.low}});
}

WordId Graph::any_low(WordId a, int bits) {
  if (bits <= 0) return constant(0);
  if (word(a).op == WordOp::shift_left) return any_low(word(a).a, bits - word(a).shift_a);
  const Interval range = word(a).range;
  Interval result{0, 1};
  if (range.low == range.high) {
    const std::int64_t any = wrapped(range.low, bits, false) != 0;
    result = {any, any};
  }
  return append({.op = WordOp::any_low, .a = a, .shift_a = bits, .range = result});
}

WordId Graph::mask_lowest(WordId a, WordId keep) {
  if (is_constant(keep)) return word(keep).low != 0 ? a : shift_left(shift_right(a, 1), 1);
  const Interval range = word(a).range;
  return append(
      {.op = WordOp::mask_lowest, .a = a, .b = keep, .range = {range.low & ~std::int64_t{1}, range.high}});
}

WordId Graph::mux(WordId condition, WordId a, WordId b) {
  if (is_constant(condition)) return word(condition).low != 0 ? a : b;
  if (a == b) return a;
  const Interval x = word(a).range;
  const Interval y = word(b).range;
  if (x == Interval{1, 1} && y == Interval{0, 0}) return condition;
  if (x == Interval{0, 0} && y == Interval{1, 1}) return logic_not(condition);
  return append({.op = WordOp::mux,
                 .a = a,
                 .b = b,
                 .c = condition,
                 .range = {std::min(x.low, y.low), std::max(x.high, y.high)}});
}

WordId Graph::less(WordId a, WordId b) {
  const Interval x = word(a).range;
  const Interval y = word(b).range;
  if (x.high < y.low) return constant(1);
  if (a == b || x.low >= y.high) return constant(0);
  return append({.op = WordOp::less, .a = a, .b = b, .range = {0, 1}});
}

WordId Graph::equal(WordId a, WordId b) {
  if (a == b) return constant(1);
  if (a > b) std::swap(a, b);
  const Interval x = word(a).range;
  const Interval y = word(b).range;
  if (x.high < y.low || y.high < x.low) return constant(0);
  if (x.low == x.high && x == y) return constant(1);
  return append({.op = WordOp::equal, .a = a, .b = b, .range = {0, 1}});
}

WordId Graph::logic_and(WordId a, WordId b) {
  if (a > b) std::swap(a, b);
  if (is_constant(a)) return word(a).low != 0 ? b : a;
  if (is_constant(b)) return word(b).low != 0 ? a : b;
  if (a == b) return a;
  return append({.op = WordOp::logic_and, .a = a, .b = b, .range = {0, 1}});
}

WordId Graph::logic_or(WordId a, WordId b) {
  if (a > b) std::swap(a, b);
  if (is_constant(a)) return word(a).low != 0 ? a : b;
  if (is_constant(b)) return word(b).low != 0 ? b : a;
  if (a == b) return a;
  return append({.op = WordOp::logic_or, .a = a, .b = b, .range = {0, 1}});
}

WordId Graph::logic_not(WordId a) {
  const Word& of = word(a);
  if (of.op == WordOp::constant) return constant(1 - of.low);
  if (of.op == WordOp::logic_not) return of.a;
  return append({.op = WordOp::logic_not, .a = a, .range = {0, 1}});
}

WordId Graph::clamp(WordId a, std::int64_t low, std::int64_t high) {
  const Interval range = word(a).range;
  low = std::max(low, std::min(range.low, high));
  high = std::min(high, std::max(range.high, low));
  if (range.low >= low && range.high <= high) return a;
  return append({.op = WordOp::clamp,
                 .a = a,
                 .low = low,
                 .high = high,
                 .range = {clamped(range.low, low, high), clamped(range.high, low, high)}});
}

WordId Graph::table(WordId a, std::int64_t first, const std::vector<std::int64_t>& entries) {
  const Interval range = word(a).range;
  // The word's own interval may be wider than what the network proves; nothing comes from out there, so the
  // last entries are repeated.
  const std::int64_t last = static_cast<std::int64_t>(entries.size()) - 1;
  std::vector<std::int64_t> used;
  for (std::int64_t x = range.low; x <= range.high; ++x)
    used.push_back(entries[static_cast<std::size_t>(std::clamp<std::int64_t>(x - first, 0, last))]);
  const auto [low, high] = std::minmax_element(used.begin(), used.end());
  const Interval result{*low, *high};
  bool identity = true;
  for (std::size_t i = 0; i < used.size(); ++i)
    identity &= used[i] == range.low + static_cast<std::int64_t>(i);
  if (identity) return a;
  const auto [at, is_new] =
      table_numbers_.try_emplace(std::pair(range.low, used), static_cast<int>(tables_.size()));
  if (is_new) tables_.push_back(used);
  return append({.op = WordOp::table, .a = a, .shift_b = at->second, .low = range.low, .range = result});
}

std::vector<std::int64_t> evaluate(const Graph& graph, const std::vector<std::vector<std::int64_t>>& inputs) {
  std::vector<std::int64_t> values;
  values.reserve(graph.words().size());
  const auto at = [&](WordId id) { return id == no_word ? 0 : values[static_cast<std::size_t>(id)]; };
  for (const Word& word : graph.words()) {
    if (word.op == WordOp::input) {
      values.push_back(
          inputs[static_cast<std::size_t>(word.shift_a)][static_cast<std::size_t>(word.shift_b)]);
    } else {
      values.push_back(compute(word, graph.tables(), at(word.a), at(word.b), at(word.c)));
    }
    const std::int64_t value = values.back();
    if (value < word.range.low || value > word.range.high)
      throw Error(
          "word " + std::to_string(values.size() - 1) + " left its proven range; this is a fault of crible",
          Fault::failure);
  }
  return values;
}

}  // namespace crible::hls
