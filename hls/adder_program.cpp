#include "hls/adder_program.hpp"

#include <algorithm>
#include <cstdlib>
#include <queue>

#include "hls/pattern_counts.hpp"

namespace crible::hls {

std::vector<Digit> canonical_digits(std::int64_t number) {
  std::vector<Digit> digits;
  auto rest = static_cast<__int128>(number);
  for (int shift = 0; rest != 0; ++shift, rest /= 2) {
    if (rest % 2 == 0) continue;
    const bool negative = ((rest % 4) + 4) % 4 == 3;
    digits.push_back({0, shift, negative});
    rest -= negative ? -1 : 1;
  }
  return digits;
}

namespace {

/// Two digits of a row up to a common sign and shift: x + (y << shift), or with a minus. x <= y, and the
/// shift is positive when both are the same value; it may be negative otherwise.
struct Pattern {
  int x = 0;
  int y = 0;
  int shift = 0;
  bool subtract = false;

  std::uint64_t key() const {
    return (static_cast<std::uint64_t>(x) << 36) | (static_cast<std::uint64_t>(y) << 8) |
           (static_cast<std::uint64_t>(shift + 64) << 1) | (subtract ? 1u : 0u);
  }
  static Pattern of(std::uint64_t key) {
    return {static_cast<int>(key >> 36), static_cast<int>((key >> 8) & 0xfffffff),
            static_cast<int>((key >> 1) & 0x7f) - 64, (key & 1) != 0};
  }
  static Pattern of(Digit a, Digit b) {
    if (std::tie(a.value, a.shift) > std::tie(b.value, b.shift)) std::swap(a, b);
    return {a.value, b.value, b.shift - a.shift, a.negative != b.negative};
  }
};

/// What is known of an input or a step.
struct Value {
  Interval range;
  int depth = 0;  // adders before it
};

Interval sum_range(const Value& lower, const Value& upper, int shift, bool subtract) {
  const std::int64_t factor = std::int64_t{1} << shift;
  const Interval high = subtract ? Interval{-upper.range.high * factor, -upper.range.low * factor}
                                 : Interval{upper.range.low * factor, upper.range.high * factor};
  return {lower.range.low + high.low, lower.range.high + high.high};
}

class Sharing {
 public:
  Sharing(std::vector<std::vector<Digit>> rows, const std::vector<Interval>& inputs, int extra_depth)
      : rows_(std::move(rows)) {
    for (const Interval& range : inputs) values_.push_back({range, 0});
    rows_of_.resize(values_.size());
    for (std::size_t r = 0; r < rows_.size(); ++r) {
      const std::vector<Digit>& row = rows_[r];
      for (const Digit& digit : row) {
        std::vector<std::size_t>& list = rows_of_[static_cast<std::size_t>(digit.value)];
        if (list.empty() || list.back() != r) list.push_back(r);
      }
      int shortest = 0;
      while ((std::size_t{1} << shortest) < row.size()) ++shortest;
      limits_.push_back(extra_depth < 0 ? 62 : shortest + extra_depth);
      for (std::size_t i = 0; i < row.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) count(row[i], row[j], 1);
      }
    }
  }

  AdderProgram run() {
    AdderProgram program;
    program.inputs = static_cast<int>(values_.size());
    while (!queue_.empty()) {
      const auto [score, key] = queue_.top();
      queue_.pop();
      const int uses = counts_[key];
      if (uses < 2) continue;
      if (const std::int64_t now = score_of(uses, key); now < score) {
        queue_.push({now, key});
        continue;
      }
      substitute(Pattern::of(key), program);
    }
    program.rows = rows_;
    return program;
  }

 private:
  struct Match {
    std::size_t row = 0;
    Digit x;
    Digit y;
  };

  /// What each use but the first saves: full-adder bits.
  std::int64_t score_of(int uses, std::uint64_t key) {
    const Pattern pattern = Pattern::of(key);
    const Value& x = values_[static_cast<std::size_t>(pattern.x)];
    const Value& y = values_[static_cast<std::size_t>(pattern.y)];
    const int distance = std::abs(pattern.shift);
    const Interval range = pattern.shift >= 0 ? sum_range(x, y, distance, pattern.subtract)
                                              : sum_range(y, x, distance, pattern.subtract);
    const int bits = std::max(width_bits(range) - distance, 1);
    return static_cast<std::int64_t>(uses - 1) * bits;
  }

  void count(Digit a, Digit b, int change) {
    const std::uint64_t key = Pattern::of(a, b).key();
    const int uses = counts_[key] += change;
    if (change > 0 && uses >= 2) queue_.push({score_of(uses, key), key});
  }

  /// The places of a pattern, no digit in two of them, and only where the row's depth allows the step.
  std::vector<Match> matches_of(const Pattern& pattern, int depth) const {
    std::vector<Match> matches;
    const std::vector<std::size_t>& with_x = rows_of_[static_cast<std::size_t>(pattern.x)];
    const std::vector<std::size_t>& with_y = rows_of_[static_cast<std::size_t>(pattern.y)];
    for (const std::size_t r : with_x.size() < with_y.size() ? with_x : with_y) {
      const std::vector<Digit>& row = rows_[r];
      std::vector<bool> used(row.size());
      std::size_t load = 0;
      for (const Digit& digit : row)
        load += std::size_t{1} << values_[static_cast<std::size_t>(digit.value)].depth;
      for (std::size_t i = 0; i < row.size(); ++i) {
        if (row[i].value != pattern.x || used[i]) continue;
        const Digit wanted{pattern.y, row[i].shift + pattern.shift, row[i].negative != pattern.subtract};
        const auto at = std::find(row.begin(), row.end(), wanted);
        const auto j = static_cast<std::size_t>(at - row.begin());
        if (at == row.end() || used[j]) continue;
        const std::size_t more = (std::size_t{1} << depth) - (std::size_t{1} << depth_of(row[i])) -
                                 (std::size_t{1} << depth_of(row[j]));
        if (load + more > (std::size_t{1} << limits_[r])) continue;
        load += more;
        used[i] = used[j] = true;
        matches.push_back({r, row[i], row[j]});
      }
    }
    return matches;
  }

  int depth_of(const Digit& digit) const { return values_[static_cast<std::size_t>(digit.value)].depth; }

  void substitute(const Pattern& pattern, AdderProgram& program) {
    const Value x = values_[static_cast<std::size_t>(pattern.x)];
    const Value y = values_[static_cast<std::size_t>(pattern.y)];
    const int depth = std::max(x.depth, y.depth) + 1;
    const std::vector<Match> matches = matches_of(pattern, depth);
    if (matches.size() < 2) {
      counts_[pattern.key()] = -1000000;  // never again: the rows only get deeper
      return;
    }
    const int distance = std::abs(pattern.shift);
    const bool x_lower = pattern.shift >= 0;
    const auto step = static_cast<int>(values_.size());
    values_.push_back(
        {x_lower ? sum_range(x, y, distance, pattern.subtract) : sum_range(y, x, distance, pattern.subtract),
         depth});
    rows_of_.emplace_back();
    program.steps.push_back(
        {x_lower ? pattern.x : pattern.y, x_lower ? pattern.y : pattern.x, distance, pattern.subtract});
    for (const Match& match : matches) {
      const Digit& lower = x_lower ? match.x : match.y;
      replace(rows_[match.row], match, {step, lower.shift, lower.negative});
      if (rows_of_.back().empty() || rows_of_.back().back() != match.row)
        rows_of_.back().push_back(match.row);
    }
  }

  void replace(std::vector<Digit>& row, const Match& match, Digit digit) {
    std::erase(row, match.x);
    std::erase(row, match.y);
    count(match.x, match.y, -1);
    for (const Digit& other : row) {
      count(match.x, other, -1);
      count(match.y, other, -1);
      count(digit, other, 1);
    }
    row.push_back(digit);
  }

  std::vector<std::vector<Digit>> rows_;
  std::vector<Value> values_;
  std::vector<std::vector<std::size_t>> rows_of_;  // [value] rows that have held it
  std::vector<int> limits_;
  PatternCounts counts_;
  std::priority_queue<std::pair<std::int64_t, std::uint64_t>> queue_;
};

/// Small steps of a generator that is the same everywhere.
std::uint32_t mixed(std::uint64_t seed) {
  seed = (seed ^ (seed >> 31)) * 0x9e3779b97f4a7c15u;
  seed = (seed ^ (seed >> 29)) * 0xbf58476d1ce4e5b9u;
  return static_cast<std::uint32_t>(seed >> 32);
}

/// As few digits as the canonical form has, but where two forms are equally short (3 = 4 - 1 = 2 + 1) the one
/// that `choice` says, the same for the same number everywhere. Choice 0 is the canonical form.
std::vector<Digit> minimal_digits(std::int64_t number, std::uint64_t choice) {
  if (choice == 0) return canonical_digits(number);
  std::vector<Digit> digits;
  const std::int64_t size = std::abs(number);
  std::int64_t rest = size;
  for (int shift = 0; rest != 0; ++shift, rest /= 2) {
    if (rest % 2 == 0) continue;
    const std::size_t down = canonical_digits((rest - 1) / 2).size();
    const std::size_t up = canonical_digits((rest + 1) / 2).size();
    const auto place = static_cast<std::uint64_t>(size) * 64 + static_cast<std::uint64_t>(shift);
    const bool negative = down == up ? mixed(choice * 0x10001 + place * 0x9e37) % 2 == 1 : up < down;
    digits.push_back({0, shift, negative != (number < 0)});
    rest -= negative ? -1 : 1;
  }
  return digits;
}

std::vector<std::vector<Digit>> digit_rows(const std::vector<std::int64_t>& weights, std::size_t inputs,
                                           std::uint64_t choice) {
  std::vector<std::vector<Digit>> rows(weights.size() / inputs);
  for (std::size_t o = 0; o < rows.size(); ++o) {
    for (std::size_t k = 0; k < inputs; ++k) {
      for (Digit digit : minimal_digits(weights[o * inputs + k], choice)) {
        digit.value = static_cast<int>(k);
        rows[o].push_back(digit);
      }
    }
  }
  return rows;
}

/// Full-adder bits of the whole product, its last sums and a constant for each included.
long long cost_of(const AdderProgram& program, const std::vector<Interval>& inputs) {
  Graph graph;
  std::vector<WordId> words;
  for (std::size_t k = 0; k < inputs.size(); ++k)
    words.push_back(graph.input(0, static_cast<int>(k), inputs[k]));
  for (const Form& row : instantiate(graph, program, words)) materialise(graph, row.plus(5));
  long long bits = 0;
  for (const Word& word : graph.words()) {
    if (word.op == WordOp::add || word.op == WordOp::subtract) bits += adder_bits(graph, word);
  }
  return bits;
}

/// Attempts differ in how numbers are written; larger matrices get fewer.
constexpr std::size_t digits_to_try = 40000;
constexpr std::size_t most_attempts = 24;
constexpr std::size_t attempts_at_one_row = 3;

/// Matrices with more pairs of digits than this are cut into blocks of columns that share among themselves.
constexpr std::size_t most_pairs = 3'000'000;

/// The best of several attempts at one block.
AdderProgram share_block(const std::vector<std::int64_t>& weights, const std::vector<Interval>& inputs,
                         int extra_depth) {
  AdderProgram best;
  long long lowest = 0;
  std::size_t attempts = 1;
  for (std::size_t attempt = 0; attempt < attempts; ++attempt) {
    std::vector<std::vector<Digit>> rows = digit_rows(weights, inputs.size(), attempt);
    if (attempt == 0) {
      std::size_t digits = 1;
      for (const std::vector<Digit>& row : rows) digits += row.size();
      attempts = std::clamp<std::size_t>(digits_to_try / digits, 1,
                                         rows.size() == 1 ? attempts_at_one_row : most_attempts);
    }
    AdderProgram program = Sharing(std::move(rows), inputs, extra_depth).run();
    const long long cost = cost_of(program, inputs);
    if (attempt > 0 && cost >= lowest) continue;
    lowest = cost;
    best = std::move(program);
  }
  return best;
}

/// How many columns a block may have.
std::size_t block_columns(const std::vector<std::int64_t>& weights, std::size_t inputs) {
  std::size_t pairs = 0;
  for (const std::vector<Digit>& row : digit_rows(weights, inputs, 0)) pairs += row.size() * row.size() / 2;
  std::size_t columns = inputs;
  for (; pairs > most_pairs && columns > 1; pairs /= 4) columns = (columns + 1) / 2;
  return columns;
}

/// Columns [first, first + count) of a matrix.
std::vector<std::int64_t> columns_of(const std::vector<std::int64_t>& weights, std::size_t inputs,
                                     std::size_t first, std::size_t count) {
  std::vector<std::int64_t> block;
  for (std::size_t row = 0; row < weights.size(); row += inputs)
    for (std::size_t k = first; k < first + count; ++k) block.push_back(weights[row + k]);
  return block;
}

/// Adds a block's program, whose inputs begin at `first` of the whole.
void append(AdderProgram& program, const AdderProgram& block, std::size_t first) {
  const int steps = static_cast<int>(program.steps.size());
  const auto renumbered = [&](int value) {
    return value < block.inputs ? value + static_cast<int>(first)
                                : value - block.inputs + program.inputs + steps;
  };
  for (AdderStep step : block.steps) {
    step.x = renumbered(step.x);
    step.y = renumbered(step.y);
    program.steps.push_back(step);
  }
  for (std::size_t o = 0; o < block.rows.size(); ++o) {
    for (Digit digit : block.rows[o]) {
      digit.value = renumbered(digit.value);
      program.rows[o].push_back(digit);
    }
  }
}

}  // namespace

std::vector<Form> instantiate(Graph& graph, const AdderProgram& program, const std::vector<WordId>& inputs) {
  std::vector<WordId> values = inputs;
  const auto at = [&](int value) { return values[static_cast<std::size_t>(value)]; };
  for (const AdderStep& step : program.steps) {
    values.push_back(step.subtract ? graph.subtract(at(step.x), at(step.y), 0, step.shift)
                                   : graph.add(at(step.x), at(step.y), 0, step.shift));
  }
  std::vector<Form> rows;
  for (const std::vector<Digit>& row : program.rows) {
    Form form;
    for (const Digit& digit : row) form.parts.push_back({at(digit.value), digit.shift, digit.negative});
    rows.push_back(std::move(form));
  }
  return rows;
}

AdderProgram share(const std::vector<std::int64_t>& weights, const std::vector<Interval>& inputs,
                   int extra_depth) {
  AdderProgram program;
  program.inputs = static_cast<int>(inputs.size());
  program.rows.resize(weights.size() / inputs.size());
  const std::size_t columns = block_columns(weights, inputs.size());
  for (std::size_t first = 0; first < inputs.size(); first += columns) {
    const std::size_t count = std::min(columns, inputs.size() - first);
    const auto begin = inputs.begin() + static_cast<std::ptrdiff_t>(first);
    append(program,
           share_block(columns_of(weights, inputs.size(), first, count),
                       {begin, begin + static_cast<std::ptrdiff_t>(count)}, extra_depth),
           first);
  }
  return program;
}

}  // namespace crible::hls
