#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdint>
#include <optional>

/// Exact real numbers, as far as models need them: rationals, and the square root of batch normalisation.
namespace crible::importers {

using Integer =
    boost::multiprecision::number<boost::multiprecision::cpp_int_backend<>, boost::multiprecision::et_off>;
using Rational = boost::multiprecision::number<
    boost::multiprecision::rational_adaptor<boost::multiprecision::cpp_int_backend<>>,
    boost::multiprecision::et_off>;

/// The value of a finite double, exactly. Throws Error for NaN and infinities.
Rational to_rational(double value);

double to_double(const Rational& value);

/// The double that is exactly `value`, when there is one.
std::optional<double> exact_double(const Rational& value);

Integer floor(const Rational& value);

/// Largest g such that both are integer multiples of it; gcd(0, x) = |x|.
Rational gcd(const Rational& a, const Rational& b);

/// n when value = 2^n.
std::optional<int> exponent_of_two(const Rational& value);

std::optional<std::int64_t> to_int64(const Integer& value);

/// a + b * sqrt(radicand): closed under + - * / for one radicand, compared exactly by squares.
/// Mixing two different irrational roots throws Error.
class Real {
 public:
  Real() = default;
  Real(Rational value) : a_(std::move(value)) {}  // NOLINT: a rational is a real
  Real(int value) : a_(value) {}                  // NOLINT

  /// The square root of a rational >= 0; rational itself where the radicand is a square.
  static Real square_root(const Rational& radicand);

  bool is_rational() const { return b_.is_zero(); }

  /// Requires is_rational().
  const Rational& rational() const { return a_; }

  int sign() const;
  Integer floor() const;
  Integer ceil() const { return -(-*this).floor(); }
  double to_double() const;

  /// Throws Error when the number has grown beyond what any model needs (a chain of squarings does that).
  void check_size() const;

  Real operator-() const;
  friend Real operator+(const Real& x, const Real& y);
  friend Real operator-(const Real& x, const Real& y);
  friend Real operator*(const Real& x, const Real& y);
  /// Throws Error when y is zero.
  friend Real operator/(const Real& x, const Real& y);
  /// Defined for any two radicands.
  friend bool operator==(const Real& x, const Real& y);
  friend bool operator<(const Real& x, const Real& y) { return (x - y).sign() < 0; }

 private:
  Real(Rational a, Rational b, Rational radicand);

  /// The same number with `radicand` under the root.
  Real over(const Rational& radicand) const;

  Rational a_ = 0;
  Rational b_ = 0;
  Rational radicand_ = 0;
};

}  // namespace crible::importers
