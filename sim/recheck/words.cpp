#include "sim/recheck/words.hpp"

#include <algorithm>

namespace crible::sim::recheck {

namespace {

bool is_constant(const Nets& nets) {
  return std::all_of(nets.begin(), nets.end(), [](Net net) { return net == 0 || net == 1; });
}

Sum constant_of(const Nets& nets, bool is_signed) {
  Sum sum;
  for (std::size_t i = 0; i < nets.size(); ++i) {
    const bool negative = is_signed && i + 1 == nets.size();
    if (nets[i] == 1) sum.constant += (negative ? -1 : 1) * (Number{1} << i);
  }
  return sum;
}

Sum scaled(const Sum& sum, Number factor) {
  Sum result;
  add(result, sum, factor);
  return result;
}

constexpr std::size_t widest = 60;

}  // namespace

int Words::variable(Interval bounds) {
  variables_.push_back(bounds);
  return static_cast<int>(variables_.size()) - 1;
}

void Words::claim(const Nets& nets, const Sum& sum) {
  const auto word = static_cast<int>(words_.size());
  words_.push_back({module_.roots(nets), sum});
  for (std::size_t i = 0; i < nets.size(); ++i) {
    const Net root = words_.back().nets[i];
    if (root > 1) places_[root].push_back({word, static_cast<int>(i)});
  }
}

const std::vector<Place>& Words::places(Net root) const {
  static const std::vector<Place> none;
  const auto found = places_.find(root);
  return found == places_.end() ? none : found->second;
}

Sum Words::read(const Nets& given, std::size_t width, bool is_signed) const {
  Nets nets = module_.roots(given);
  if (width > 0 && nets.size() > width) nets.resize(width);
  if (nets.empty() || nets.size() > widest || width > widest) throw NotShown("a word is too wide");
  if (is_constant(nets)) return constant_of(nets, is_signed || nets.size() == width);
  const auto zeros = static_cast<std::size_t>(
      std::find_if(nets.begin(), nets.end(), [](Net net) { return net != 0; }) - nets.begin());
  const Nets rest(nets.begin() + static_cast<std::ptrdiff_t>(zeros), nets.end());
  for (const Place& place : places(rest[0])) {
    Sum result;
    if (place.bit == 0 && read_word(rest, width > 0 ? width - zeros : 0, is_signed, place.word, result))
      return scaled(result, Number{1} << zeros);
  }
  throw NotShown("bits are not those of a word");
}

/// The bits as the lowest ones of a word, repeated or filled with zeros above its end.
bool Words::read_word(const Nets& nets, std::size_t width, bool is_signed, int number, Sum& result) const {
  const Word& word = (*this)[number];
  std::size_t equal = 0;
  while (equal < nets.size() && equal < word.nets.size() && nets[equal] == word.nets[equal]) ++equal;
  result = word.sum;
  if (equal == nets.size() && equal == width) return true;  // nothing is extended: equal modulo 2^width
  bool as_signed = is_signed;
  bool filled = false;
  if (equal < nets.size()) {
    const auto above = [&](Net net) {
      return std::all_of(nets.begin() + static_cast<std::ptrdiff_t>(equal), nets.end(),
                         [net](Net each) { return each == net; });
    };
    filled = true;
    as_signed = above(nets[equal - 1]);
    if (!as_signed && !above(0)) return false;
  }
  try {
    const Interval range = interval(word.sum);
    const Number shift = shift_of(range, static_cast<int>(equal), as_signed);
    result.constant = bounded(result.constant + shift);
    // A repeated sign that is then extended by zeros is another number unless there is none.
    const bool extended = width == 0 || nets.size() < width;
    return !(filled && as_signed && !is_signed && extended) || range.low + shift >= 0;
  } catch (const NotShown&) {
    return false;
  }
}

Word Words::derive(const Cell& cell) const {
  Word word;
  word.nets = cell.output;
  while (word.nets.size() > 1 && !module_.is_read(word.nets.back())) word.nets.pop_back();
  const std::size_t width = word.nets.size();
  // Bits that a cell does not make itself are not cut off: only sums are the same from below.
  const auto operand = [&](const char* port) { return read(cell.in(port), width, cell.is_signed()); };
  if (cell.type == "$add" || cell.type == "$sub") {
    word.sum = operand("A");
    add(word.sum, operand("B"), cell.type == "$sub" ? -1 : 1);
  } else if (cell.type == "$neg") {
    word.sum = scaled(operand("A"), -1);
  } else if (cell.type == "$not") {
    word.sum = scaled(operand("A"), -1);
    word.sum.constant -= 1;
  } else if (cell.type == "$pos") {
    word.sum = operand("A");
  } else if (cell.type == "$mul") {
    const Sum a = operand("A");
    const Sum b = operand("B");
    if (!a.is_constant() && !b.is_constant()) throw NotShown("a product of two words");
    word.sum = a.is_constant() ? scaled(b, a.constant) : scaled(a, b.constant);
  } else if ((cell.type == "$shl" || cell.type == "$sshl") && is_constant(cell.in("B"))) {
    const Number by = constant_of(cell.in("B"), false).constant;
    if (by >= static_cast<Number>(width)) throw NotShown("a shift by more than the word");
    word.sum =
        scaled(read(cell.in("A"), width, cell.number("A_SIGNED") != 0), Number{1} << static_cast<int>(by));
  } else {
    throw NotShown("a " + cell.type + " cell is no sum");
  }
  return word;
}

}  // namespace crible::sim::recheck
