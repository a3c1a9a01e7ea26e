#include "hls/verilog_expression.hpp"

#include <algorithm>
#include <cstdio>

#include "hls/text.hpp"

namespace crible::hls {

namespace {

std::uint64_t mask(int low, int high) {
  const std::uint64_t upper = high >= 63 ? ~std::uint64_t{0} : (std::uint64_t{1} << (high + 1)) - 1;
  return upper & ~((std::uint64_t{1} << low) - 1);
}

}  // namespace

std::string literal(std::int64_t value, int width) {
  if (value >= 0) return number(width) + "'d" + std::to_string(value);
  char digits[20];
  std::snprintf(digits, sizeof digits, "%llx",
                static_cast<unsigned long long>(static_cast<std::uint64_t>(value) & mask(0, width - 1)));
  return number(width) + "'h" + digits;
}

std::string Signals::name(WordId word, int delay) const {
  const std::string& base = names_[static_cast<std::size_t>(word)];
  return delay == 0 ? base : base + "_r" + number(delay);
}

void Signals::use_all(WordId word, int delay) {
  used_[{word, delay}] |= mask(0, width(word) - 1);
}

std::string Signals::signal(WordId word, int stage, int low, int high) {
  const int delay = stage - pipeline_.stage[static_cast<std::size_t>(word)];
  used_[{word, delay}] |= mask(low, high);
  return name(word, delay);
}

/// Bits [high:low] of a word, beyond its width as its sign extension (but at least one bit of it).
std::string Signals::bits(WordId word, int stage, int high, int low) {
  const int top = width(word) - 1;
  high = std::min(high, top);
  low = std::min(low, top);
  const std::string text = signal(word, stage, low, high);
  if (top == 0 || (low == 0 && high == top)) return text;
  return text + "[" + (high == low ? number(low) : number(high) + ":" + number(low)) + "]";
}

std::string Signals::operand(WordId id, int stage, int to) {
  const Word& word = graph_.word(id);
  if (word.op == WordOp::constant) return literal(word.low, to);
  const int own = width(id);
  if (own == to) return whole(id, stage);
  return number(to) + "'(" + signal(id, stage, 0, std::min(own, to) - 1) + ")";
}

/// An operand of a product: signed whatever it is, so that the product is a signed one.
std::string Signals::factor(WordId id, int stage, int to) {
  if (is_signed(graph_.word(id).range)) return operand(id, stage, to);
  return number(to) + "'($signed({1'b0, " + whole(id, stage) + "}))";
}

std::string Signals::sum(const Word& word, int stage, int to) {
  const auto term = [&](WordId id, int shift) {
    if (graph_.is_constant(id)) return literal(graph_.word(id).low * (std::int64_t{1} << shift), to);
    const std::string text = operand(id, stage, to);
    return shift == 0 ? text : "(" + text + " <<< " + number(shift) + ")";
  };
  return term(word.a, word.shift_a) + (word.op == WordOp::add ? " + " : " - ") + term(word.b, word.shift_b);
}

std::string Signals::comparison(const Word& word, int stage, const char* symbol) {
  const Interval a = graph_.word(word.a).range;
  const Interval b = graph_.word(word.b).range;
  const Interval both{std::min(a.low, b.low), std::max(a.high, b.high)};
  const int to = width_bits(both);
  const auto side = [&](WordId id) {
    const std::string text = operand(id, stage, to);
    return is_signed(both) ? "$signed(" + text + ")" : text;
  };
  return side(word.a) + " " + symbol + " " + side(word.b);
}

std::string Signals::clamp(const Word& word, int stage, int to) {
  const Interval range = graph_.word(word.a).range;
  const int top = width(word.a) - 1;
  const bool cuts_low = range.low < word.low;
  const bool cuts_high = range.high > word.high;
  const auto beyond = [&](const char* symbol, std::int64_t limit) {
    const std::string x = whole(word.a, stage);
    const std::string text = literal(limit, top + 1);
    return is_signed(range) ? "$signed(" + x + ") " + symbol + " $signed(" + text + ")"
                            : x + " " + symbol + " " + text;
  };
  std::string text;
  if (cuts_low) {
    const std::string below = word.low == 0 ? bits(word.a, stage, top, top) : beyond("<", word.low);
    text += "(" + below + ") ? " + literal(word.low, to) + " : ";
  }
  if (cuts_high) {
    const std::int64_t over = word.high + 1;
    const bool power = over > 0 && (over & (over - 1)) == 0 && word.low == 0;
    const int highest = is_signed(range) ? top - 1 : top;  // a negative x is cut before
    const std::string above = power ? "|" + bits(word.a, stage, highest, to) : beyond(">", word.high);
    text += "(" + above + ") ? " + literal(word.high, to) + " : ";
  }
  return text + (to <= top + 1 ? bits(word.a, stage, to - 1, 0) : operand(word.a, stage, to));
}

std::string Signals::expression(WordId id) {
  const Word& word = graph_.word(id);
  const int stage = pipeline_.stage[static_cast<std::size_t>(id)];
  const int to = width_bits(word.range);
  const auto a = [&] { return operand(word.a, stage, to); };
  const auto b = [&] { return operand(word.b, stage, to); };
  const auto bit = [&](WordId of) { return operand(of, stage, 1); };
  switch (word.op) {
    case WordOp::input:
      return {};
    case WordOp::constant:
      return literal(word.low, to);
    case WordOp::add:
    case WordOp::subtract:
      return sum(word, stage, to);
    case WordOp::multiply:
      return factor(word.a, stage, to) + " * " + factor(word.b, stage, to);
    case WordOp::shift_left:
      return a() + " <<< " + number(word.shift_a);
    case WordOp::shift_right:
      return bits(word.a, stage, word.shift_a + to - 1, word.shift_a);
    case WordOp::wrap:
      return bits(word.a, stage, to - 1, 0);
    case WordOp::invert:
      return "~(" + a() + ")";  // Yosys reads ~4'(x) as (~4)'(x)
    case WordOp::any_low:
      return "|" + bits(word.a, stage, word.shift_a - 1, 0);
    case WordOp::mask_lowest: {
      const std::string keep = bit(word.b);
      return a() + " & " + (to == 1 ? keep : "{{" + number(to - 1) + "{1'b1}}, " + keep + "}");
    }
    case WordOp::mux:
      return bit(word.c) + " ? " + a() + " : " + b();
    case WordOp::less:
      if (graph_.word(word.b).range == Interval{0, 0}) return bits(word.a, stage, 63, 63);
      return comparison(word, stage, "<");
    case WordOp::equal:
      return comparison(word, stage, "==");
    case WordOp::logic_and:
      return bit(word.a) + " & " + bit(word.b);
    case WordOp::logic_or:
      return bit(word.a) + " | " + bit(word.b);
    case WordOp::logic_not:
      return "~" + bit(word.a);
    case WordOp::clamp:
      return clamp(word, stage, to);
    case WordOp::table:
      return table_names_[static_cast<std::size_t>(word.shift_b)] + "(" + whole(word.a, stage) + ")";
  }
  return {};
}

std::string Signals::table_function(const Word& word) const {
  const std::vector<std::int64_t>& entries = graph_.tables()[static_cast<std::size_t>(word.shift_b)];
  const int from = width(word.a);
  const int to = width_bits(word.range);
  const std::string& name = table_names_[static_cast<std::size_t>(word.shift_b)];
  std::string text = "  function automatic logic " + std::string(is_signed(word.range) ? "signed " : "") +
                     range_text(to) + name + "(input logic " + range_text(from) +
                     "index);\n    case (index)\n";
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const bool last = i + 1 == entries.size();
    text += "      " + (last ? "default" : literal(word.low + static_cast<std::int64_t>(i), from)) + ": " +
            name + " = " + literal(entries[i], to) + ";\n";
  }
  return text + "    endcase\n  endfunction\n\n";
}

std::vector<std::string> Signals::unused_bits() const {
  std::vector<std::string> list;
  for (std::size_t i = 0; i < graph_.words().size(); ++i) {
    const auto id = static_cast<WordId>(i);
    if (!pipeline_.is_live(id) || graph_.is_constant(id)) continue;
    for (int delay = 0; delay <= pipeline_.registers(id); ++delay) {
      const auto at = used_.find({id, delay});
      const std::uint64_t used = at == used_.end() ? 0 : at->second;
      const int top = width(id) - 1;
      for (int low = 0; low <= top;) {
        if ((used >> low) & 1) {
          ++low;
          continue;
        }
        int high = low;
        while (high < top && !((used >> (high + 1)) & 1)) ++high;
        const bool all = low == 0 && high == top;
        list.push_back(
            name(id, delay) +
            (all ? "" : "[" + (high == low ? number(low) : number(high) + ":" + number(low)) + "]"));
        low = high + 1;
      }
    }
  }
  return list;
}

}  // namespace crible::hls
