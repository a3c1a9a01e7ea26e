#include <algorithm>
#include <bit>
#include <cstdlib>

#include "engine/network/strides.hpp"
#include "hls/lowering.hpp"

/// The operations that lose bits: requantize, threshold, lookup.
namespace crible::hls {

using namespace network;

namespace {

/// The entry of an attribute list for the element at `place` (C order), as SEMANTICS.md spreads them.
std::size_t entry(std::size_t entries, const Shape& shape, int axis, std::size_t place) {
  if (entries == 1) return 0;
  const auto extent = static_cast<std::size_t>(shape[static_cast<std::size_t>(axis)]);
  return entries == extent ? place / inner_count(shape, static_cast<std::size_t>(axis)) % extent : place;
}

/// Low bits that are 0 whatever the inputs are.
int known_zeros(const Form& form) {
  int zeros = form.offset == 0 ? 63 : std::countr_zero(static_cast<std::uint64_t>(form.offset));
  for (const Part& part : form.parts) zeros = std::min(zeros, part.shift);
  return zeros;
}

Form without_low_bits(Form form, int bits) {
  for (Part& part : form.parts) part.shift -= bits;
  form.offset >>= bits;
  return form;
}

/// Rounding that looks at the sign: floor((x + c) / 2^shift) with one c for x < 0 and one for the others.
Form rounded_by_sign(Graph& graph, const Form& x, int shift, std::int64_t negative, std::int64_t others) {
  const WordId word = materialise(graph, x);
  const Interval range = graph.word(word).range;
  if (range.low >= 0) return Form::of(graph.shift_right(materialise(graph, x.plus(others)), shift));
  if (range.high < 0) return Form::of(graph.shift_right(materialise(graph, x.plus(negative)), shift));
  const WordId is_negative = graph.less(word, graph.constant(0));
  const WordId constant = graph.mux(is_negative, graph.constant(negative), graph.constant(others));
  return Form::of(graph.shift_right(graph.add(word, constant), shift));
}

/// With |x| up to 2^62 the sum still has 64 bits.
constexpr std::int64_t most_shifted_zero_point = std::int64_t{1} << 61;

/// round(x / 2^shift) + zero_point. A constant that is added before the shift costs nothing of its own, so
/// the zero point goes there wherever the rounding does not notice.
Form rounded(Graph& graph, Form x, int shift, Rounding rounding, std::int64_t zero_point, int deadline) {
  const int exact = std::min(known_zeros(x), shift);
  x = without_low_bits(std::move(x), exact);
  shift -= exact;
  if (shift == 0) return x.plus(zero_point);
  if (std::abs(zero_point) > most_shifted_zero_point >> shift)
    return rounded(graph, std::move(x), shift, rounding, 0, deadline).plus(zero_point);
  const std::int64_t half = std::int64_t{1} << (shift - 1);
  const std::int64_t almost = 2 * half - 1;  // one below the divisor
  const auto shifted = [&](std::int64_t constant) {
    const Form sum = x.plus(constant + zero_point * 2 * half);
    return Form::of(graph.shift_right(materialise(graph, sum, deadline), shift));
  };
  switch (rounding) {
    case Rounding::floor:
      return shifted(0);
    case Rounding::ceil:
      return shifted(almost);
    case Rounding::half_up:
      return shifted(half);
    case Rounding::half_down:
      return shifted(half - 1);
    case Rounding::toward_zero:
      return rounded_by_sign(graph, x, shift, almost, 0).plus(zero_point);
    case Rounding::away_from_zero:
      return rounded_by_sign(graph, x, shift, 0, almost).plus(zero_point);
    case Rounding::half_away:
      return rounded_by_sign(graph, x, shift, half - 1, half).plus(zero_point);
    case Rounding::half_toward_zero:
      return rounded_by_sign(graph, x, shift, half, half - 1).plus(zero_point);
    case Rounding::half_even: {
      // Half up, and at a tie (every bit below is 0 after the half was added) down to the even one.
      const std::int64_t even_part = zero_point % 2 == 0 ? zero_point : 0;
      const WordId sum = materialise(graph, x.plus(half + even_part * 2 * half), deadline);
      const WordId no_tie = graph.any_low(sum, shift);
      const WordId result = graph.mask_lowest(graph.shift_right(sum, shift), no_tie);
      return Form::of(result).plus(zero_point - even_part);
    }
  }
  return x;
}

Form overflowed(const Lowering& at, const Form& x, Overflow overflow) {
  Graph& graph = at.graph;
  const Type type = at.node.type;
  std::int64_t low = lowest(type);
  switch (overflow) {
    case Overflow::wrap:
      return Form::of(graph.wrap(materialise(graph, x), type));
    case Overflow::saturate_symmetric:
      if (type.is_signed) low = -highest(type);
      break;
    case Overflow::saturate:
      break;
  }
  const OffsetWord word = offset_word(graph, x);
  const Interval limits{low - word.offset, highest(type) - word.offset};
  const Interval range = graph.word(word.word).range;
  if (at.saturations != nullptr && (range.low < limits.low || range.high > limits.high)) {
    at.saturations->push_back(graph.logic_or(graph.less(word.word, graph.constant(limits.low)),
                                             graph.less(graph.constant(limits.high), word.word)));
  }
  return Form::of(graph.clamp(word.word, limits.low, limits.high)).plus(word.offset);
}

/// The number of thresholds (ascending) that x reaches, found by bisection: each comparison is with a
/// threshold that the ones before select.
WordId count_reached(Graph& graph, WordId x, const std::vector<std::int64_t>& thresholds) {
  if (thresholds.empty()) return graph.constant(0);
  const std::size_t middle = thresholds.size() / 2;
  const WordId reached = graph.logic_not(graph.less(x, graph.constant(thresholds[middle])));
  const auto split = thresholds.begin() + static_cast<std::ptrdiff_t>(middle);
  const std::vector<std::int64_t> below(thresholds.begin(), split);
  const std::vector<std::int64_t> above(split + 1, thresholds.end());
  const WordId more = materialise(
      graph, Form::of(count_reached(graph, x, above)).plus(static_cast<std::int64_t>(middle) + 1));
  return graph.mux(reached, more, count_reached(graph, x, below));
}

/// The table of sign * count(x >= threshold) over the range of x.
std::vector<std::int64_t> tabulated(Interval range, const std::vector<std::int64_t>& thresholds, int sign) {
  std::vector<std::int64_t> entries;
  for (std::int64_t x = range.low; x <= range.high; ++x) {
    const auto reached = std::upper_bound(thresholds.begin(), thresholds.end(), x) - thresholds.begin();
    entries.push_back(sign * static_cast<std::int64_t>(reached));
  }
  return entries;
}

/// Up to this width of x a table of all values is smaller than comparisons.
constexpr int most_table_bits = 6;

}  // namespace

Forms lower_requantize(const Lowering& at, const Requantize& requantize) {
  const Forms& x = at.input(0).elements;
  // No element needs to be ready before the slowest one.
  int deadline = 0;
  for (const Form& form : x) deadline = std::max(deadline, earliest_arrival(at.graph, form.plus(1)));
  Forms result;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto pick = [&](const auto& list) {
      return list[entry(list.size(), at.input(0).shape, requantize.axis, i)];
    };
    const Form exact =
        scaled(at.graph, x[i], pick(requantize.multiplier), at.extra_depth).plus(pick(requantize.offset));
    const Form integer = rounded(at.graph, exact, pick(requantize.shift), requantize.rounding,
                                 pick(requantize.zero_point), deadline);
    result.push_back(overflowed(at, integer, requantize.overflow));
  }
  return result;
}

Forms lower_threshold(const Lowering& at, const Threshold& threshold) {
  Forms result;
  for (std::size_t i = 0; i < at.input(0).elements.size(); ++i) {
    const std::size_t row = entry(threshold.base.size(), at.input(0).shape, threshold.axis, i);
    const auto first = threshold.thresholds.begin() + static_cast<std::ptrdiff_t>(row) * threshold.steps;
    const WordId x = at.word(0, i);
    const Interval range = at.graph.word(x).range;
    std::vector<std::int64_t> inside;  // the others are always or never reached
    std::int64_t base = 0;
    for (auto t = first; t != first + threshold.steps; ++t) {
      if (*t <= range.low) ++base;
      if (*t > range.low && *t <= range.high) inside.push_back(*t);
    }
    const int sign = threshold.sign[row];
    const std::int64_t offset = threshold.base[row] + sign * base;
    if (width_bits(range) <= most_table_bits) {
      result.push_back(Form::of(at.graph.table(x, range.low, tabulated(range, inside, sign))).plus(offset));
    } else {
      const Form count = Form::of(count_reached(at.graph, x, inside));
      result.push_back((sign < 0 ? -count : count).plus(offset));
    }
  }
  return result;
}

Forms lower_lookup(const Lowering& at, const Lookup& lookup) {
  const auto rows = static_cast<std::size_t>(lookup.rows);
  const auto entries = static_cast<std::ptrdiff_t>(lookup.table.size() / rows);
  Forms result;
  for (std::size_t i = 0; i < at.input(0).elements.size(); ++i) {
    const auto row = static_cast<std::ptrdiff_t>(entry(rows, at.input(0).shape, lookup.axis, i));
    const auto begin = lookup.table.begin() + row * entries;
    const OffsetWord x = offset_word(at.graph, at.input(0).elements[i]);
    result.push_back(Form::of(at.graph.table(x.word, lookup.first - x.offset, {begin, begin + entries})));
  }
  return result;
}

}  // namespace crible::hls
