#include "engine/network/encoding.hpp"

#include <algorithm>
#include <cmath>

#include "engine/base/error.hpp"

namespace crible::network {

namespace {

std::int64_t rank(const Encoding& encoding, double x, std::size_t lane) {
  if (std::isnan(x)) {
    std::size_t longest = 0;
    for (const auto& row : encoding.edges) longest = std::max(longest, row.size());
    return static_cast<std::int64_t>(longest) + 1;
  }
  const auto& row = encoding.edges[encoding.edges.size() == 1 ? 0 : lane % encoding.edges.size()];
  return std::lower_bound(row.begin(), row.end(), x) - row.begin();
}

/// Whether a number between the whole numbers `below` and `below + 1` goes up. `above_half` is its side of
/// the middle: negative, 0 or positive.
bool rounds_up(double below, int above_half, Rounding rounding) {
  const bool odd = std::fmod(below, 2.0) != 0;
  const bool negative = below < 0;
  switch (rounding) {
    case Rounding::floor:
      return false;
    case Rounding::ceil:
      return true;
    case Rounding::toward_zero:
      return negative;
    case Rounding::away_from_zero:
      return !negative;
    case Rounding::half_up:
      return above_half >= 0;
    case Rounding::half_down:
      return above_half > 0;
    case Rounding::half_even:
      return above_half > 0 || (above_half == 0 && odd);
    case Rounding::half_away:
      return above_half > 0 || (above_half == 0 && !negative);
    case Rounding::half_toward_zero:
      return above_half > 0 || (above_half == 0 && negative);
  }
  throw Error("unknown rounding mode", Fault::failure);
}

/// Sign of distance - steps * scale: a fused operation rounds once, and so never past zero.
int side(long double distance, long double steps, long double scale) {
  const long double difference = std::fma(-steps, scale, distance);
  return difference > 0 ? 1 : difference < 0 ? -1 : 0;
}

}  // namespace

std::int64_t encode(const Encoding& encoding, Type type, double x, std::size_t lane) {
  if (!encoding.edges.empty()) return std::clamp(rank(encoding, x, lane), lowest(type), highest(type));
  if (std::isnan(x)) throw Error("a value is not a number (NaN), and the input has no integer for that");
  const long double distance = static_cast<long double>(x) - encoding.offset;
  const long double quotient = distance / encoding.scale;
  // Beyond every type, with room for the zero point.
  constexpr long double far = 0x1p62L;
  if (quotient >= far) return highest(type);
  if (quotient <= -far) return lowest(type);
  // The quotient may have been rounded across a whole number; the comparison is exact.
  long double below = std::floor(quotient);
  if (side(distance, below, encoding.scale) < 0) below -= 1;
  if (side(distance, below + 1, encoding.scale) >= 0) below += 1;
  auto q = static_cast<std::int64_t>(below);
  if (side(distance, below, encoding.scale) != 0 &&
      rounds_up(static_cast<double>(below), side(distance, below + 0.5L, encoding.scale), encoding.rounding))
    q += 1;
  if (__builtin_add_overflow(q, encoding.zero_point, &q))
    return encoding.zero_point > 0 ? highest(type) : lowest(type);
  return std::clamp(q, lowest(type), highest(type));
}

double decode(const Encoding& encoding, std::int64_t q) {
  return static_cast<double>(q - encoding.zero_point) * encoding.scale + encoding.offset;
}

}  // namespace crible::network
