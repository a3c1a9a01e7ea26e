#include "engine/detector/unit.hpp"

#include <cmath>
#include <numeric>

namespace crible::detector {

namespace {

constexpr int most_digits = 18;  // fit an int64

}  // namespace

std::optional<Ratio> parse_decimal(std::string_view text) {
  Ratio ratio;
  int digits = 0;
  bool point = false;
  for (const char c : text) {
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9' || ++digits > most_digits) return std::nullopt;
    ratio.numerator = ratio.numerator * 10 + (c - '0');
    if (point) ratio.denominator *= 10;
  }
  if (digits == 0 || text.back() == '.') return std::nullopt;
  const std::int64_t divisor = std::gcd(ratio.numerator, ratio.denominator);
  return Ratio{ratio.numerator / divisor, ratio.denominator / divisor};
}

std::optional<Ratio> exact_ratio(double value) {
  if (!std::isfinite(value) || value <= 0) return std::nullopt;
  int exponent = 0;
  const double fraction = std::frexp(value, &exponent);
  auto mantissa = static_cast<std::int64_t>(std::ldexp(fraction, 53));
  exponent -= 53;
  while (mantissa % 2 == 0) {
    mantissa /= 2;
    ++exponent;
  }
  if (exponent < -62) return std::nullopt;
  if (exponent <= 0) return Ratio{mantissa, std::int64_t{1} << -exponent};
  if (exponent > 62 || mantissa > (std::int64_t{1} << (62 - exponent))) return std::nullopt;
  return Ratio{mantissa << exponent, 1};
}

}  // namespace crible::detector
