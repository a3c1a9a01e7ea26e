#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace crible::sim::proof {

/// The numbers of a proof. Every result is checked against +-2^120, so that nothing wraps unnoticed.
using Integer = __int128;

inline constexpr Integer largest_integer = static_cast<Integer>(1) << 120;

/// What the checker cannot treat; caught where a cell or a node is left unproven with this reason.
class Untreated : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

inline Integer checked(Integer value) {
  if (value > largest_integer || value < -largest_integer) throw Untreated("a number outgrows 120 bits");
  return value;
}

inline Integer product(Integer a, Integer b) {
  Integer result = 0;
  if (__builtin_mul_overflow(a, b, &result)) throw Untreated("a number outgrows 120 bits");
  return checked(result);
}

inline Integer power_of_two(int exponent) {
  if (exponent > 119) throw Untreated("a word is wider than 119 bits");
  return static_cast<Integer>(1) << exponent;
}

/// Floor of value / 2^shift.
inline Integer floor_shift(Integer value, int shift) {
  return shift > 126 ? (value < 0 ? -1 : 0) : value >> shift;
}

/// Value mod 2^width, in 0 ... 2^width - 1.
inline Integer low_bits(Integer value, int width) {
  return value & (power_of_two(width) - 1);
}

/// The low bits of value read as a signed number of that width.
inline Integer low_bits_signed(Integer value, int width) {
  const Integer sign = power_of_two(width - 1);
  return (low_bits(value, width) ^ sign) - sign;
}

/// Number of factors two in a value; 126 for zero.
int factors_of_two(Integer value);

std::string to_string(Integer value);

/// Bounds of a closed interval.
struct Bounds {
  Integer low = 0;
  Integer high = 0;

  bool operator==(const Bounds&) const = default;
  Integer size() const { return high - low + 1; }
  bool contains(Bounds other) const { return low <= other.low && other.high <= high; }
};

}  // namespace crible::sim::proof
