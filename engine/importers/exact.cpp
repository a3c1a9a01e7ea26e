#include "engine/importers/exact.hpp"

#include <cmath>
#include <limits>

#include "engine/base/error.hpp"

namespace crible::importers {

namespace {

Integer floor_divide(const Integer& numerator, const Integer& denominator) {
  Integer quotient, remainder;
  boost::multiprecision::divide_qr(numerator, denominator, quotient, remainder);
  if (remainder != 0 && ((remainder < 0) != (denominator < 0))) --quotient;
  return quotient;
}

/// A power of two as a rational; the exponent may be negative.
Rational two_to(int exponent) {
  const Integer power = Integer(1) << std::abs(exponent);
  return exponent >= 0 ? Rational(power) : Rational(Integer(1), power);
}

bool is_power_of_two(const Integer& value) {
  return value > 0 && (value & (value - 1)) == 0;
}

/// A lower bound of sqrt(value), within 2^-64 of it relative to values of at least one.
Rational square_root_below(const Rational& value) {
  const Integer scaled = (numerator(value) * denominator(value)) << 256;
  return Rational(boost::multiprecision::sqrt(scaled), denominator(value) << 128);
}

}  // namespace

Rational to_rational(double value) {
  if (!std::isfinite(value)) throw Error("a constant is infinite or not a number");
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  const auto integer = static_cast<std::int64_t>(std::ldexp(mantissa, 53));
  return Rational(Integer(integer)) * two_to(exponent - 53);
}

double to_double(const Rational& value) {
  return value.convert_to<double>();
}

std::optional<double> exact_double(const Rational& value) {
  const double nearest = to_double(value);
  if (!std::isfinite(nearest) || to_rational(nearest) != value) return std::nullopt;
  return nearest;
}

Integer floor(const Rational& value) {
  return floor_divide(numerator(value), denominator(value));
}

Rational gcd(const Rational& a, const Rational& b) {
  const Integer common = boost::multiprecision::gcd(Integer(numerator(a) * denominator(b)),
                                                    Integer(numerator(b) * denominator(a)));
  return Rational(common, Integer(denominator(a) * denominator(b)));
}

std::optional<int> exponent_of_two(const Rational& value) {
  const Integer top = numerator(value);
  const Integer bottom = denominator(value);
  if (!is_power_of_two(top) || !is_power_of_two(bottom)) return std::nullopt;
  return static_cast<int>(msb(top)) - static_cast<int>(msb(bottom));
}

std::optional<std::int64_t> to_int64(const Integer& value) {
  if (value < std::numeric_limits<std::int64_t>::min() || value > std::numeric_limits<std::int64_t>::max())
    return std::nullopt;
  return value.convert_to<std::int64_t>();
}

Real::Real(Rational a, Rational b, Rational radicand)
    : a_(std::move(a)), b_(std::move(b)), radicand_(std::move(radicand)) {
  if (b_.is_zero()) radicand_ = 0;
}

Real Real::square_root(const Rational& radicand) {
  if (radicand < 0) throw Error("the square root of a negative number");
  const Integer top = boost::multiprecision::sqrt(numerator(radicand));
  const Integer bottom = boost::multiprecision::sqrt(denominator(radicand));
  if (top * top == numerator(radicand) && bottom * bottom == denominator(radicand))
    return Real(Rational(top, bottom));
  return Real(0, 1, radicand);
}

int Real::sign() const {
  const int sign_a = a_.sign();
  const int sign_b = b_.sign();
  if (sign_b == 0 || sign_a == sign_b) return sign_a;
  if (sign_a == 0) return sign_b;
  const Rational difference = a_ * a_ - b_ * b_ * radicand_;
  return sign_a * difference.sign();
}

Integer Real::floor() const {
  if (is_rational()) return importers::floor(a_);
  const Rational root = square_root_below(b_ * b_ * radicand_);
  Integer candidate = importers::floor(b_.sign() > 0 ? a_ + root : a_ - root);
  while ((*this - Real(Rational(candidate))).sign() < 0) --candidate;
  while ((*this - Real(Rational(candidate + 1))).sign() >= 0) ++candidate;
  return candidate;
}

double Real::to_double() const {
  if (is_rational()) return importers::to_double(a_);
  const Rational root = square_root_below(b_ * b_ * radicand_);
  return importers::to_double(b_.sign() > 0 ? a_ + root : a_ - root);
}

void Real::check_size() const {
  constexpr unsigned most_bits = 1U << 16;
  for (const Rational* part : {&a_, &b_, &radicand_}) {
    const Integer top = abs(numerator(*part));
    if ((top != 0 && msb(top) > most_bits) || msb(denominator(*part)) > most_bits)
      throw Error("a constant needs more than 65536 bits to be exact");
  }
}

Real Real::operator-() const {
  return Real(-a_, -b_, radicand_);
}

bool operator==(const Real& x, const Real& y) {
  // 1 and two roots that are no rational multiples of each other are linearly independent over the rationals.
  return x.a_ == y.a_ && x.b_.sign() == y.b_.sign() && x.b_ * x.b_ * x.radicand_ == y.b_ * y.b_ * y.radicand_;
}

Real Real::over(const Rational& radicand) const {
  if (is_rational() || radicand_ == radicand) return *this;
  const Real ratio = square_root(radicand_ / radicand);
  if (!ratio.is_rational()) throw Error("two different square roots meet before a quantizer rounds them");
  return Real(a_, b_ * ratio.a_, radicand);
}

Real operator+(const Real& x, const Real& y) {
  if (x.is_rational()) return Real(x.a_ + y.a_, y.b_, y.radicand_);
  const Real z = y.over(x.radicand_);
  return Real(x.a_ + z.a_, x.b_ + z.b_, x.radicand_);
}

Real operator-(const Real& x, const Real& y) {
  return x + -y;
}

Real operator*(const Real& x, const Real& y) {
  if (x.is_rational()) return Real(x.a_ * y.a_, x.a_ * y.b_, y.radicand_);
  const Real z = y.over(x.radicand_);
  return Real(x.a_ * z.a_ + x.b_ * z.b_ * x.radicand_, x.a_ * z.b_ + x.b_ * z.a_, x.radicand_);
}

Real operator/(const Real& x, const Real& y) {
  if (y.sign() == 0) throw Error("a division by zero");
  if (y.is_rational()) return Real(x.a_ / y.a_, x.b_ / y.a_, x.radicand_);
  const Rational norm = y.a_ * y.a_ - y.b_ * y.b_ * y.radicand_;
  return x * Real(y.a_ / norm, -y.b_ / norm, y.radicand_);
}

}  // namespace crible::importers
