#include "hls/form.hpp"

#include <algorithm>
#include <bit>
#include <compare>

#include "engine/base/error.hpp"

namespace crible::hls {

namespace {

[[noreturn]] void refuse_constant() {
  throw Error("a constant of the firmware needs more than 64 bits; requantize before this sum or product");
}

}  // namespace

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) refuse_constant();
  return result;
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) refuse_constant();
  return result;
}

Form Form::operator+(const Form& other) const {
  Form sum = *this;
  sum.parts.insert(sum.parts.end(), other.parts.begin(), other.parts.end());
  sum.offset = crible::hls::sum(offset, other.offset);
  return sum;
}

Form Form::operator-() const {
  Form result = *this;
  for (Part& part : result.parts) part.negative = !part.negative;
  result.offset = -offset;
  return result;
}

Form Form::shifted(int shift) const {
  Form result = *this;
  for (Part& part : result.parts) part.shift += shift;
  result.offset = product(offset, std::int64_t{1} << shift);
  return result;
}

Form Form::plus(std::int64_t constant) const {
  Form result = *this;
  result.offset = sum(offset, constant);
  return result;
}

namespace {

/// For the choice between additions only, so what does not fit 64 bits may be cut: the graph refuses it.
std::int64_t cut(__int128 value) {
  return static_cast<std::int64_t>(std::clamp<__int128>(value, INT64_MIN / 4, INT64_MAX / 4));
}

Interval scaled(Interval range, int shift, bool negative) {
  const __int128 factor = static_cast<__int128>(negative ? -1 : 1) * (static_cast<__int128>(1) << shift);
  const std::int64_t low = cut(range.low * factor);
  const std::int64_t high = cut(range.high * factor);
  return {std::min(low, high), std::max(low, high)};
}

/// Adder bits of lower + (upper << shift) with this result.
int sum_bits(Interval lower, Interval result, int shift, bool subtract) {
  const bool apart = !subtract && !is_signed(lower) && width_bits(lower) <= shift;
  return apart ? 0 : std::max(width_bits(result) - shift, 1);
}

/// A part of the sum while it is being carried out; a constant has no word.
struct Item {
  WordId word = no_word;
  std::int64_t constant = 0;
  int shift = 0;
  bool negative = false;
  Interval range;  // of the word alone
  int arrival = 0;
  int serial = 0;

  bool is_constant() const { return word == no_word; }
};

/// The sum of two items: which operation, and what it costs.
struct Merge {
  Interval range;
  int shift = 0;
  bool negative = false;
  bool subtract = false;
  bool swapped = false;  // the second is the lower (or the positive) one
  int bits = 0;
};

Merge merge_constant(const Item& item, const Item& constant) {
  Merge merge;
  const int zeros =
      constant.constant == 0 ? 63 : std::countr_zero(static_cast<std::uint64_t>(constant.constant));
  merge.shift = std::min(item.shift, zeros);
  merge.negative = item.negative;
  const std::int64_t value = (item.negative ? -constant.constant : constant.constant) >> merge.shift;
  merge.range = scaled(item.range, item.shift - merge.shift, false);
  merge.range.low += value;
  merge.range.high += value;
  merge.bits = std::max(width_bits(merge.range) - std::max(item.shift, zeros) + merge.shift, 1);
  return merge;
}

Merge merge_words(const Item& a, const Item& b) {
  Merge merge;
  merge.swapped = b.shift < a.shift || (b.shift == a.shift && a.negative && !b.negative);
  const Item& lower = merge.swapped ? b : a;
  const Item& upper = merge.swapped ? a : b;
  const int distance = upper.shift - lower.shift;
  merge.shift = lower.shift;
  merge.negative = lower.negative;
  merge.subtract = lower.negative != upper.negative;
  const Interval high = scaled(upper.range, distance, merge.subtract);
  merge.range = {lower.range.low + high.low, lower.range.high + high.high};
  merge.bits = sum_bits(lower.range, merge.range, distance, merge.subtract);
  return merge;
}

Merge merge_of(const Item& a, const Item& b) {
  if (a.is_constant()) {
    Merge merge = merge_constant(b, a);
    merge.swapped = true;
    return merge;
  }
  return b.is_constant() ? merge_constant(a, b) : merge_words(a, b);
}

/// When the last of these sums ends at the earliest; `arrivals` is used up.
int earliest_end(std::vector<int> arrivals) {
  std::make_heap(arrivals.begin(), arrivals.end(), std::greater<>());
  const auto take = [&] {
    std::pop_heap(arrivals.begin(), arrivals.end(), std::greater<>());
    const int value = arrivals.back();
    arrivals.pop_back();
    return value;
  };
  while (arrivals.size() > 1) {
    take();
    arrivals.push_back(take() + adder_delay_units);
    std::push_heap(arrivals.begin(), arrivals.end(), std::greater<>());
  }
  return arrivals.empty() ? 0 : arrivals.front();
}

/// Carries out one sum.
class Summation {
 public:
  Summation(Graph& graph, const Form& form, int deadline) : graph_(graph) {
    for (const Part& part : form.parts) {
      const Word& word = graph.word(part.word);
      add_item({part.word, 0, part.shift, part.negative, word.range, word.arrival, 0});
    }
    if (form.offset != 0) add_item({no_word, form.offset, 0, false, {}, 0, 0});
    deadline_ = std::max(deadline, earliest_end(arrivals()));
  }

  /// All in one part, which keeps the sign that costs least.
  Part reduce() {
    while (items_.size() > 1) merge_cheapest();
    return {items_.front().word, items_.front().shift, items_.front().negative};
  }

  WordId run() {
    while (items_.size() > 2) merge_cheapest();
    if (items_.size() == 1) return finish(items_.front());
    return finish_two(items_[0], items_[1]);
  }

 private:
  struct Candidate {
    int bits = 0;
    int arrival = 0;
    int first = 0;  // serials
    int second = 0;
    auto operator<=>(const Candidate&) const = default;
  };

  /// Candidates stay sorted: those of the new item are merged in.
  void add_item(Item item) {
    item.serial = next_serial_++;
    const auto middle = static_cast<std::ptrdiff_t>(candidates_.size());
    for (const Item& other : items_) {
      const Merge merge = merge_of(other, item);
      candidates_.push_back({merge.bits, std::max(other.arrival, item.arrival), other.serial, item.serial});
    }
    std::sort(candidates_.begin() + middle, candidates_.end());
    std::inplace_merge(candidates_.begin(), candidates_.begin() + middle, candidates_.end());
    items_.push_back(item);
  }

  std::vector<int> arrivals() const {
    std::vector<int> list;
    for (const Item& item : items_) list.push_back(item.arrival);
    return list;
  }

  bool in_time(const Candidate& candidate) const {
    std::vector<int> list;
    for (const Item& item : items_) {
      if (item.serial != candidate.first && item.serial != candidate.second) list.push_back(item.arrival);
    }
    list.push_back(candidate.arrival + adder_delay_units);
    return earliest_end(std::move(list)) <= deadline_;
  }

  void merge_cheapest() {
    const auto chosen =
        std::find_if(candidates_.begin(), candidates_.end(), [&](const Candidate& c) { return in_time(c); });
    const Item first = take(chosen->first);
    const Item second = take(chosen->second);
    std::erase_if(candidates_, [&](const Candidate& c) {
      return c.first == first.serial || c.second == first.serial || c.first == second.serial ||
             c.second == second.serial;
    });
    add_item(merged(first, second));
  }

  Item take(int serial) {
    const auto at =
        std::find_if(items_.begin(), items_.end(), [&](const Item& item) { return item.serial == serial; });
    const Item item = *at;
    items_.erase(at);
    return item;
  }

  Item merged(const Item& a, const Item& b) {
    const Merge merge = merge_of(a, b);
    const Item& lower = merge.swapped ? b : a;
    const Item& upper = merge.swapped ? a : b;
    WordId word = no_word;
    if (upper.is_constant()) {
      const std::int64_t value = (lower.negative ? -upper.constant : upper.constant) >> merge.shift;
      word = graph_.add(lower.word, graph_.constant(value), lower.shift - merge.shift, 0);
    } else if (merge.subtract) {
      word = graph_.subtract(lower.word, upper.word, 0, upper.shift - lower.shift);
    } else {
      word = graph_.add(lower.word, upper.word, 0, upper.shift - lower.shift);
    }
    return item_of(word, merge.shift, merge.negative);
  }

  Item item_of(WordId word, int shift, bool negative) const {
    return {word, 0, shift, negative, graph_.word(word).range, graph_.word(word).arrival, 0};
  }

  WordId finish(const Item& item) {
    if (item.is_constant()) return graph_.constant(item.constant);
    if (!item.negative) return graph_.shift_left(item.word, item.shift);
    return graph_.shift_left(graph_.subtract(graph_.constant(0), item.word), item.shift);
  }

  /// The last sum has the right sign whenever one of the two is positive.
  WordId finish_two(const Item& a, const Item& b) {
    if (a.is_constant() || b.is_constant()) {
      const Item& word = a.is_constant() ? b : a;
      const Item& constant = a.is_constant() ? a : b;
      if (!word.negative) return finish(merged(word, constant));
      return graph_.subtract(graph_.constant(constant.constant), word.word, 0, word.shift);
    }
    const Merge merge = merge_of(a, b);
    if (!merge.negative || a.negative == b.negative) return finish(merged(a, b));
    const Item& positive = a.negative ? b : a;
    const Item& negative = a.negative ? a : b;
    return graph_.subtract(positive.word, negative.word, positive.shift, negative.shift);
  }

  Graph& graph_;
  std::vector<Item> items_;
  std::vector<Candidate> candidates_;
  int next_serial_ = 0;
  int deadline_ = 0;
};

/// Whether the sum comes out negated: the part with the lowest bits keeps its sign, so that these bits need
/// no adder.
bool comes_out_negative(const Form& form) {
  int lowest = 64;
  for (const Part& part : form.parts) lowest = std::min(lowest, part.shift);
  return std::none_of(form.parts.begin(), form.parts.end(),
                      [&](const Part& part) { return part.shift == lowest && !part.negative; });
}

/// Sums of many parts are carried out in groups of neighbours, because all pairs are looked at.
constexpr std::size_t most_parts = 64;
constexpr std::size_t group_parts = 32;

void carry_out_groups(Graph& graph, Form& form) {
  while (form.parts.size() > most_parts) {
    std::stable_sort(form.parts.begin(), form.parts.end(), [&](const Part& a, const Part& b) {
      return std::pair(graph.word(a.word).arrival, a.shift) < std::pair(graph.word(b.word).arrival, b.shift);
    });
    std::vector<Part> sums;
    for (std::size_t first = 0; first < form.parts.size(); first += group_parts) {
      const auto begin = form.parts.begin() + static_cast<std::ptrdiff_t>(first);
      const std::size_t count = std::min(group_parts, form.parts.size() - first);
      sums.push_back(Summation(graph, {{begin, begin + static_cast<std::ptrdiff_t>(count)}, 0}, 0).reduce());
    }
    form.parts = std::move(sums);
  }
}

/// Parts without shifts of their own and without constants.
Form normalised(const Graph& graph, const Form& form) {
  Form result{{}, form.offset};
  for (Part part : form.parts) {
    const Word* word = &graph.word(part.word);
    if (word->op == WordOp::shift_left) {
      part.shift += word->shift_a;
      part.word = word->a;
      word = &graph.word(part.word);
    }
    if (word->op == WordOp::constant) {
      const std::int64_t value = product(word->low, std::int64_t{1} << part.shift);
      result.offset = sum(result.offset, part.negative ? -value : value);
    } else {
      result.parts.push_back(part);
    }
  }
  return result;
}

}  // namespace

int earliest_arrival(const Graph& graph, const Form& form) {
  std::vector<int> arrivals;
  for (const Part& part : form.parts) arrivals.push_back(graph.word(part.word).arrival);
  if (form.offset != 0) arrivals.push_back(0);
  return earliest_end(std::move(arrivals));
}

WordId materialise(Graph& graph, const Form& form, int deadline) {
  Form sum = normalised(graph, form);
  if (sum.parts.empty()) return graph.constant(sum.offset);
  carry_out_groups(graph, sum);
  // -x - 1 is x with every bit flipped: a negated sum costs no adder when there is a constant to put the 1
  // in.
  if (sum.offset != 0 && comes_out_negative(sum))
    return graph.invert(Summation(graph, (-sum).plus(-1), deadline).run());
  return Summation(graph, sum, deadline).run();
}

int adder_bits(const Graph& graph, const Word& word) {
  const Word& a = graph.word(word.a);
  const Word& b = graph.word(word.b);
  const bool a_lower = word.shift_a <= word.shift_b;
  if (a.op == WordOp::constant || b.op == WordOp::constant) {
    const Word& constant = a.op == WordOp::constant ? a : b;
    const int shift = a.op == WordOp::constant ? word.shift_b : word.shift_a;
    const int own = a.op == WordOp::constant ? word.shift_a : word.shift_b;
    const int zeros = own + std::countr_zero(static_cast<std::uint64_t>(constant.low));
    const bool negated = word.op == WordOp::subtract && a.op == WordOp::constant;
    return std::max(width_bits(word.range) - (negated ? shift : std::max(shift, zeros)), 1);
  }
  const int distance = std::abs(word.shift_a - word.shift_b);
  const bool subtract = word.op == WordOp::subtract;
  if (subtract && !a_lower) return width_bits(word.range);
  return sum_bits(a_lower ? a.range : b.range, word.range, distance, subtract);
}

}  // namespace crible::hls
