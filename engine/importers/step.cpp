#include "engine/importers/step.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/base/error.hpp"

namespace crible::importers {

namespace {

using network::Rounding;
using Wide = __int128;

constexpr int most_shift = 62;
constexpr Wide most_sum = Wide{1} << 62;

}  // namespace

Edge edge_of(const Integer& k, Rounding rounding) {
  const Integer twice = 2 * k;
  const bool positive = k > 0;
  switch (rounding) {
    case Rounding::floor:
      return {twice, false};
    case Rounding::ceil:
      return {twice - 2, true};
    case Rounding::toward_zero:
      return positive ? Edge{twice, false} : Edge{twice - 2, true};
    case Rounding::away_from_zero:
      return positive ? Edge{twice - 2, true} : Edge{twice, false};
    case Rounding::half_up:
      return {twice - 1, false};
    case Rounding::half_down:
      return {twice - 1, true};
    case Rounding::half_even:
      return {twice - 1, bit_test(Integer(abs(k)), 0)};
    case Rounding::half_away:
      return {twice - 1, !positive};
    case Rounding::half_toward_zero:
      return {twice - 1, positive};
  }
  throw Error("unknown rounding mode", Fault::failure);
}

namespace {

Integer floor_divide(const Integer& numerator, const Integer& denominator) {
  Integer quotient, remainder;
  boost::multiprecision::divide_qr(numerator, denominator, quotient, remainder);
  if (remainder != 0 && ((remainder < 0) != (denominator < 0))) --quotient;
  return quotient;
}

/// Finds for each k the last q on its side. Rational functions are put on a common denominator once,
/// irrational ones on 256 binary places with a known error, so that a breakpoint costs one product and one
/// division.
class Breakpoints {
 public:
  explicit Breakpoints(const StepFunction& function) : function_(function) {
    if (function.scale.sign() == 0) return;  // no breakpoints
    rational_ = function.scale.is_rational() && function.offset.is_rational();
    if (rational_) {
      const Rational& a = function.scale.rational();
      const Rational& b = function.offset.rational();
      const Integer common = lcm(denominator(a), denominator(b));
      factor_ = common;
      shift_ = 2 * numerator(b) * (common / denominator(b));
      divisor_ = 2 * numerator(a) * (common / denominator(a));
      return;
    }
    const Real places = Rational(Integer(1) << 256);
    factor_ = (places / function.scale).floor();
    shift_ = 2 * (places * function.offset / function.scale).floor();
    divisor_ = Integer(1) << 257;
  }

  /// Rising: the smallest q with k(q) >= k. Falling: the largest.
  std::int64_t at(std::int64_t k) const {
    const Edge edge = edge_of(Integer(k) - function_.zero_point, function_.rounding);
    const bool rising = function_.scale.sign() > 0;
    // Rising needs the ceiling (strict: floor + 1), falling the floor (strict: ceiling - 1).
    const bool floor_first = rising == edge.strict;
    Integer q = floor_first ? floor_at(edge.twice, 1) : -floor_at(edge.twice, -1);
    if (edge.strict) q += rising ? 1 : -1;
    const auto result = to_int64(q);
    if (!result) throw Error("a breakpoint lies outside 64 bits", Fault::failure);
    return *result;
  }

 private:
  /// floor(sign * (edge - offset) / scale)
  Integer floor_at(const Integer& twice_edge, int sign) const {
    const Integer numerator = sign * (twice_edge * factor_ - shift_);
    if (rational_) return floor_divide(numerator, divisor_);
    const Integer error = abs(twice_edge) + 2;
    const Integer below = floor_divide(numerator - error, divisor_);
    if (below == floor_divide(numerator + error, divisor_)) return below;
    const Real exact = (Real(Rational(twice_edge, 2)) - function_.offset) / function_.scale;
    return (sign < 0 ? -exact : exact).floor();
  }

  const StepFunction& function_;
  bool rational_ = false;
  Integer factor_, shift_, divisor_;
};

/// One side condition: with value(q) = (q * multiplier + offset) >> shift, value(inside) >= k >
/// value(outside).
struct Step {
  std::int64_t k;
  std::optional<std::int64_t> inside;
  std::optional<std::int64_t> outside;
};

struct Row {
  std::int64_t lowest = 0;  // k over the range
  std::int64_t highest = 0;
  std::vector<Step> steps;
  Real scale;
  Real offset;  // plus the zero point and one half: where the search for an offset starts
  network::Interval range;
};

constexpr std::int64_t most_steps = 1 << 16;

Row row_of(const StepFunction& function) {
  Row row{0,
          0,
          {},
          function.scale,
          function.offset + Real(Rational(function.zero_point) + Rational(1, 2)),
          function.range};
  const std::int64_t first = evaluate(function, function.range.low);
  const std::int64_t last = evaluate(function, function.range.high);
  row.lowest = std::min(first, last);
  row.highest = std::max(first, last);
  if (row.highest - row.lowest > most_steps)
    throw Error("its quantizer has " + std::to_string(row.highest - row.lowest) +
                " steps and a scale that is no power of two; use at most 16 bits or a power-of-two scale");
  const bool rising = first <= last;
  const Breakpoints breakpoints(function);
  row.steps.reserve(static_cast<std::size_t>(row.highest - row.lowest) + 2);
  for (std::int64_t k = row.lowest + 1; k <= row.highest; ++k) {
    const std::int64_t inside = breakpoints.at(k);
    row.steps.push_back({k, inside, rising ? inside - 1 : inside + 1});
  }
  // Saturation takes what passes the ends of the clamp; inside them the ends are conditions too.
  const std::int64_t lowest_at = rising ? function.range.low : function.range.high;
  const std::int64_t highest_at = rising ? function.range.high : function.range.low;
  if (row.lowest > function.low) row.steps.push_back({row.lowest, lowest_at, std::nullopt});
  if (row.highest < function.high) row.steps.push_back({row.highest + 1, std::nullopt, highest_at});
  return row;
}

Rational scaled(const Real& value, int shift) {
  // A double of an irrational number serves as well: the result is only a candidate.
  const Rational base = value.is_rational() ? value.rational() : to_rational(value.to_double());
  return base * Rational(Integer(1) << shift);
}

struct Multiplier {
  std::int64_t multiplier;
  std::int64_t offset;
};

std::optional<Multiplier> solve(const Row& row, int shift) {
  if (row.lowest == row.highest) {
    const Wide offset = static_cast<Wide>(row.lowest) << shift;
    if (offset >= most_sum || offset <= -most_sum) return std::nullopt;
    return Multiplier{0, static_cast<std::int64_t>(offset)};
  }
  const auto multiplier = to_int64(floor(scaled(row.scale, shift) + Rational(1, 2)));
  if (!multiplier || *multiplier == 0 || std::abs(*multiplier) > (std::int64_t{1} << 40)) return std::nullopt;
  const Wide m = *multiplier;
  Wide least = -most_sum;
  Wide most = most_sum;
  for (const Step& step : row.steps) {
    const Wide edge = static_cast<Wide>(step.k) << shift;
    if (step.inside) least = std::max(least, edge - m * *step.inside);
    if (step.outside) most = std::min(most, edge - m * *step.outside - 1);
    if (least > most) return std::nullopt;
  }
  const auto wished = to_int64(floor(scaled(row.offset, shift)));
  const Wide middle = wished ? static_cast<Wide>(*wished) : least + (most - least) / 2;
  const Wide offset = std::clamp(middle, least, most);
  const auto magnitude = [](Wide value) { return value < 0 ? -value : value; };
  const Wide reach =
      std::max(magnitude(m), Wide{1}) * std::max(magnitude(row.range.low), magnitude(row.range.high)) +
      magnitude(offset);
  if (reach >= most_sum) return std::nullopt;
  return Multiplier{*multiplier, static_cast<std::int64_t>(offset)};
}

/// One shift for all rows is best for every backend; the smallest keeps the products small.
std::optional<RequantizeRows> solve_with_common_shift(const std::vector<Row>& rows) {
  for (int shift = 0; shift <= most_shift; ++shift) {
    RequantizeRows result;
    for (const Row& row : rows) {
      const auto found = solve(row, shift);
      if (!found) break;
      result.multiplier.push_back(found->multiplier);
      result.offset.push_back(found->offset);
    }
    if (result.multiplier.size() == rows.size()) {
      result.shift.assign(rows.size(), shift);
      return result;
    }
  }
  return std::nullopt;
}

std::optional<RequantizeRows> solve_each(const std::vector<Row>& rows) {
  RequantizeRows result;
  for (const Row& row : rows) {
    std::optional<Multiplier> found;
    int shift = 0;
    for (; shift <= most_shift && !found; ++shift) found = solve(row, shift);
    if (!found) return std::nullopt;
    result.multiplier.push_back(found->multiplier);
    result.offset.push_back(found->offset);
    result.shift.push_back(shift - 1);
  }
  return result;
}

/// Counts the reachable integers whose exact value is within a float32 runtime's error of a rounding edge.
void count_near_edges(const StepFunction& function, const Row& row, Exactness& exactness) {
  constexpr double float32_error = 0x1p-22;
  const double scale = function.scale.to_double();
  const double offset = function.offset.to_double();
  for (const Step& step : row.steps) {
    if (!step.inside || !step.outside) continue;
    const double edge =
        edge_of(Integer(step.k) - function.zero_point, function.rounding).twice.convert_to<double>() / 2;
    for (const std::int64_t q : {*step.inside, *step.outside}) {
      const double value = scale * static_cast<double>(q) + offset;
      const double size = std::max({1.0, std::abs(edge), std::abs(offset)});
      exactness.near_edges += std::abs(value - edge) <= float32_error * size;
    }
  }
}

}  // namespace

Integer round_exactly(const Real& value, Rounding rounding) {
  const Integer below = value.floor();
  const Edge edge = edge_of(below + 1, rounding);
  const int side = (value - Real(Rational(edge.twice, 2))).sign();
  return side > 0 || (side == 0 && !edge.strict) ? below + 1 : below;
}

std::int64_t evaluate(const StepFunction& function, std::int64_t q) {
  const Integer k = round_exactly(function.scale * Real(Rational(q)) + function.offset, function.rounding) +
                    function.zero_point;
  if (k <= function.low) return function.low;
  if (k >= function.high) return function.high;
  return k.convert_to<std::int64_t>();
}

std::optional<RequantizeRows> as_shift(const std::vector<StepFunction>& rows, int sum_bits) {
  int shift = 0;
  for (const StepFunction& row : rows) {
    if (!row.scale.is_rational() || !row.offset.is_rational()) return std::nullopt;
    for (const Real* part : {&row.scale, &row.offset}) {
      const auto bits = exponent_of_two(Rational(denominator(part->rational())));
      if (!bits || *bits > most_shift) return std::nullopt;
      shift = std::max(shift, *bits);
    }
  }
  RequantizeRows result;
  const Integer most = Integer(1) << sum_bits;
  for (const StepFunction& row : rows) {
    const Rational unit(Integer(1) << shift);
    const Integer multiplier = numerator(row.scale.rational() * unit);
    const Integer offset = numerator(row.offset.rational() * unit);
    const Integer reach = std::max(abs(Integer(row.range.low)), abs(Integer(row.range.high)));
    if (abs(multiplier) * std::max(reach, Integer(1)) + abs(offset) >= most) return std::nullopt;
    result.multiplier.push_back(multiplier.convert_to<std::int64_t>());
    result.offset.push_back(offset.convert_to<std::int64_t>());
    result.zero_point.push_back(row.zero_point);
  }
  result.shift.assign(rows.size(), shift);
  result.rounding = rows.front().rounding;
  if (shift == 0) {  // nothing is rounded: the zero point is part of the offset
    result.rounding = Rounding::floor;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      result.offset[i] += result.zero_point[i];
      result.zero_point[i] = 0;
    }
  }
  return result;
}

std::optional<RequantizeRows> as_multiplier(const std::vector<StepFunction>& functions,
                                            Exactness& exactness) {
  std::vector<Row> rows;
  rows.reserve(functions.size());
  for (const StepFunction& function : functions) rows.push_back(row_of(function));
  auto result = solve_with_common_shift(rows);
  if (!result) result = solve_each(rows);
  if (!result) return std::nullopt;
  result->zero_point.assign(rows.size(), 0);
  result->rounding = Rounding::floor;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    exactness.steps += static_cast<std::size_t>(rows[i].highest - rows[i].lowest);
    count_near_edges(functions[i], rows[i], exactness);
  }
  return result;
}

ThresholdRows as_thresholds(const std::vector<StepFunction>& functions) {
  std::vector<Row> rows;
  ThresholdRows result;
  for (const StepFunction& function : functions) {
    rows.push_back(row_of(function));
    result.steps = std::max(result.steps, static_cast<int>(rows.back().highest - rows.back().lowest));
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Row& row = rows[i];
    const bool rising = functions[i].scale.sign() >= 0;
    std::vector<std::int64_t> thresholds;
    for (std::int64_t k = row.lowest + 1; k <= row.highest; ++k) {
      const Step& step = row.steps[static_cast<std::size_t>(k - row.lowest - 1)];
      thresholds.push_back(rising ? *step.inside : *step.outside);
    }
    std::sort(thresholds.begin(), thresholds.end());
    // Rows with fewer steps are filled with a threshold that the range never reaches.
    thresholds.resize(static_cast<std::size_t>(result.steps), row.range.high + 1);
    result.thresholds.insert(result.thresholds.end(), thresholds.begin(), thresholds.end());
    result.base.push_back(rising ? row.lowest : row.highest);
    result.sign.push_back(rising ? 1 : -1);
  }
  return result;
}

}  // namespace crible::importers
