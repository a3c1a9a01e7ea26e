#include "engine/importers/curve.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/base/error.hpp"

namespace crible::importers {

namespace {

constexpr int first_precision_bits = 128;
constexpr int last_precision_bits = 1 << 16;
constexpr std::int64_t most_steps = 1 << 16;

Integer divide_down(const Integer& numerator, const Integer& denominator) {
  return floor(Rational(numerator, denominator));
}

/// 2 * atanh(z) * 2^bits for |z| <= 1/3, within `error` units.
struct Series {
  Integer value;
  Integer error;
};

Series twice_atanh(const Rational& z, int bits) {
  Integer power = divide_down(numerator(z) << bits, denominator(z));
  const Integer square = divide_down(power * power, Integer(1) << bits);
  Series result{0, 0};
  // Each term is a quotient of rounded products: within 4 units. What is cut off is below the last term.
  for (int n = 1; power != 0 && power != -1; n += 2) {
    result.value += divide_down(2 * power, n);
    result.error += 4;
    power = divide_down(power * square, Integer(1) << bits);
  }
  result.error += 4;
  return result;
}

/// The argument at which a quantizer of one row steps up to k: curve(x) is beyond the edge from x on.
struct Place {
  enum class Kind { always, never, at_zero, at_log } kind = Kind::always;
  bool strict = false;  // at_zero: only for arguments above 0
  Rational ratio;       // at_log: x = ln(ratio), halved for tanh
};

Place place_of(const CurveQuantizer& row, std::int64_t k) {
  const Edge edge = edge_of(Integer(k) - row.argument.zero_point, row.argument.rounding);
  const Rational y = (Rational(edge.twice, 2) - row.shift) / row.factor;
  const bool is_tanh = row.curve == Curve::tanh;
  const Rational least = is_tanh ? -1 : 0;
  const Rational middle = is_tanh ? Rational(0) : Rational(1, 2);
  Place place;
  place.strict = edge.strict;
  if (y <= least) return place;
  place.kind = Place::Kind::never;
  if (y >= 1) return place;
  place.kind = Place::Kind::at_zero;
  if (y == middle) return place;
  place.kind = Place::Kind::at_log;
  place.ratio = is_tanh ? (1 + y) / (1 - y) : y / (1 - y);
  return place;
}

/// Whether arguments are beyond a place, decided with as many bits as it takes.
class Beyond {
 public:
  Beyond(const CurveQuantizer& row, Place place)
      : row_(row), place_(std::move(place)), halved_(row.curve == Curve::tanh) {}

  bool operator()(std::int64_t q) {
    if (place_.kind != Place::Kind::at_log) return beyond_zero(q);
    const Real x = row_.argument.scale * Real(Rational(q)) + row_.argument.offset;
    for (;; refine()) {
      if (Real(Rational(bounds_.high, unit_)) < x) return true;
      if (x < Real(Rational(bounds_.low, unit_))) return false;
    }
  }

  /// About where the place is, to start a search from.
  double about() {
    const double at = place_.kind == Place::Kind::at_log ? to_double(Rational(bounds_.low, unit_)) : 0;
    return (at - row_.argument.offset.to_double()) / row_.argument.scale.to_double();
  }

  void prepare() {
    if (place_.kind == Place::Kind::at_log) refine();
  }

 private:
  bool beyond_zero(std::int64_t q) const {
    if (place_.kind == Place::Kind::always) return true;
    if (place_.kind == Place::Kind::never) return false;
    const int sign = (row_.argument.scale * Real(Rational(q)) + row_.argument.offset).sign();
    return place_.strict ? sign > 0 : sign >= 0;
  }

  void refine() {
    bits_ = bits_ == 0 ? first_precision_bits : 2 * bits_;
    if (bits_ > last_precision_bits) throw Error("a step of its curve could not be decided", Fault::failure);
    bounds_ = log_bounds(place_.ratio, bits_);
    unit_ = Integer(halved_ ? 2 : 1) << bits_;
  }

  const CurveQuantizer& row_;
  Place place_;
  bool halved_;
  int bits_ = 0;
  LogBounds bounds_;
  Integer unit_ = 1;
};

/// The smallest q of the range for which a predicate that turns once, from false to true, holds; range.high +
/// 1 when there is none. Looks around `guess` first.
template <class Predicate>
std::int64_t first_true(network::Interval range, double guess, Predicate holds) {
  std::int64_t below = range.low - 1;  // does not hold, or is outside
  std::int64_t above = range.high + 1;
  if (guess > static_cast<double>(range.low) && guess < static_cast<double>(range.high)) {
    const auto near = static_cast<std::int64_t>(guess);
    for (std::int64_t step = 1; step < (std::int64_t{1} << 40); step *= 4) {
      const std::int64_t left = std::max(below, near - step);
      const std::int64_t right = std::min(above, near + step);
      const bool left_holds = left > below && holds(left);
      const bool right_holds = right >= above || holds(right);
      if (left > below && !left_holds) below = left;
      if (left_holds) above = left;
      if (!left_holds && right < above && right_holds) above = right;
      if (!right_holds) below = right;
      if (!left_holds && right_holds) break;
    }
  }
  while (above - below > 1) {
    const std::int64_t middle = below + (above - below) / 2;
    (holds(middle) ? above : below) = middle;
  }
  return above;
}

}  // namespace

LogBounds log_bounds(const Rational& value, int bits) {
  // value = m * 2^e with m in [2/3, 4/3], so that the series gains two bits and more with each term.
  int e = static_cast<int>(msb(numerator(value))) - static_cast<int>(msb(denominator(value)));
  const auto scaled = [&] {
    return e >= 0 ? value / Rational(Integer(1) << e) : value * Rational(Integer(1) << -e);
  };
  while (scaled() > Rational(4, 3)) ++e;
  while (scaled() < Rational(2, 3)) --e;
  const Rational m = scaled();
  const Series fraction = twice_atanh((m - 1) / (m + 1), bits);
  const Series two = twice_atanh(Rational(1, 3), bits);
  const Integer sum = fraction.value + e * two.value;
  const Integer error = fraction.error + std::abs(e) * two.error;
  return {sum - error, sum + error};
}

ThresholdRows as_thresholds(const std::vector<CurveQuantizer>& rows) {
  std::vector<std::vector<std::int64_t>> thresholds;
  ThresholdRows result;
  for (const CurveQuantizer& row : rows) {
    const StepFunction& argument = row.argument;
    if (argument.high - argument.low > most_steps)
      throw Error("its quantizer follows a curve and has more than 65536 steps; use at most 16 bits");
    const int sign = argument.scale.sign();
    const bool rising = sign >= 0;
    std::int64_t lowest = argument.low;
    std::int64_t highest = argument.low;
    auto& list = thresholds.emplace_back();
    for (std::int64_t k = argument.low + 1; k <= argument.high; ++k) {
      Beyond beyond(row, place_of(row, k));
      beyond.prepare();
      const auto holds = [&](std::int64_t q) { return beyond(q) == rising; };
      if (sign == 0) {  // one argument for all
        if (beyond(0)) lowest = highest = k;
        continue;
      }
      const std::int64_t at = first_true(argument.range, beyond.about(), holds);
      // Rising: beyond from `at` on. Falling: beyond up to there.
      const bool everywhere = rising ? at == argument.range.low : at > argument.range.high;
      const bool nowhere = rising ? at > argument.range.high : at == argument.range.low;
      if (everywhere) lowest = k;
      if (!nowhere) highest = k;
      if (!everywhere && !nowhere) list.push_back(at);
    }
    std::sort(list.begin(), list.end());
    result.steps = std::max(result.steps, static_cast<int>(list.size()));
    result.base.push_back(rising ? lowest : highest);
    result.sign.push_back(rising ? 1 : -1);
  }
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // Rows with fewer steps are filled with a threshold that the range never reaches.
    thresholds[i].resize(static_cast<std::size_t>(result.steps), rows[i].argument.range.high + 1);
    result.thresholds.insert(result.thresholds.end(), thresholds[i].begin(), thresholds[i].end());
  }
  return result;
}

}  // namespace crible::importers
