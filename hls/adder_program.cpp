#include "hls/adder_program.hpp"

#include <algorithm>
#include <queue>
#include <unordered_map>

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
    for (const std::vector<Digit>& row : rows_) {
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

  /// Full-adder bits that each use but the first saves.
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
    for (std::size_t r = 0; r < rows_.size(); ++r) {
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
    program.steps.push_back(
        {x_lower ? pattern.x : pattern.y, x_lower ? pattern.y : pattern.x, 0, distance, pattern.subtract});
    for (const Match& match : matches) {
      const Digit& lower = x_lower ? match.x : match.y;
      replace(rows_[match.row], match, {step, lower.shift, lower.negative});
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
  std::vector<int> limits_;
  std::unordered_map<std::uint64_t, int> counts_;
  std::priority_queue<std::pair<std::int64_t, std::uint64_t>> queue_;
};

}  // namespace

AdderProgram share(const std::vector<std::int64_t>& weights, const std::vector<Interval>& inputs,
                   int extra_depth) {
  std::vector<std::vector<Digit>> rows(weights.size() / inputs.size());
  for (std::size_t o = 0; o < rows.size(); ++o) {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      for (Digit digit : canonical_digits(weights[o * inputs.size() + k])) {
        digit.value = static_cast<int>(k);
        rows[o].push_back(digit);
      }
    }
  }
  return Sharing(std::move(rows), inputs, extra_depth).run();
}

}  // namespace crible::hls
