#include "sim/recheck/sums.hpp"

#include <algorithm>

namespace crible::sim::recheck {

namespace {

Number floor_divide(Number value, int bits) {
  return value >> bits;
}

Number modulo(Number value, int bits) {
  return value & ((Number{1} << bits) - 1);
}

/// The inverse of an odd number modulo 2^bits.
Number inverse(Number odd, int bits) {
  Number result = 1;
  for (int i = 0; i < 7; ++i) result = modulo(result * modulo(2 - modulo(odd * result, bits), bits), bits);
  return result;
}

}  // namespace

Number bounded(Number value) {
  constexpr Number most = Number{1} << 100;
  if (value > most || value < -most) throw NotShown("a number is too large");
  return value;
}

Number times(Number a, Number b) {
  Number result = 0;
  if (__builtin_mul_overflow(a, b, &result)) throw NotShown("a number is too large");
  return bounded(result);
}

void add(Sum& to, const Sum& of, Number factor) {
  to.constant = bounded(to.constant + times(of.constant, factor));
  for (const auto& [variable, coefficient] : of.terms) {
    Number& all = to.terms[variable];
    all = bounded(all + times(coefficient, factor));
    if (all == 0) to.terms.erase(variable);
  }
}

Interval interval_of(const Sum& sum, const std::vector<Interval>& variables) {
  Interval result{sum.constant, sum.constant};
  for (const auto& [variable, coefficient] : sum.terms) {
    const Interval of = variables[static_cast<std::size_t>(variable)];
    const Number a = times(coefficient, of.low);
    const Number b = times(coefficient, of.high);
    result.low = bounded(result.low + std::min(a, b));
    result.high = bounded(result.high + std::max(a, b));
  }
  return result;
}

Sum primitive(const Sum& sum) {
  Number divisor = 0;
  for (const auto& [variable, coefficient] : sum.terms) {
    Number a = coefficient < 0 ? -coefficient : coefficient;
    while (a != 0) {
      divisor %= a;
      std::swap(a, divisor);
    }
  }
  Sum result;
  if (divisor == 0) return result;
  if (sum.terms.begin()->second < 0) divisor = -divisor;
  for (const auto& [variable, coefficient] : sum.terms) result.terms[variable] = coefficient / divisor;
  return result;
}

bool multiple_of(const Sum& sum, const Sum& of, int bits, Number& a) {
  if (bits > 60) return false;  // so that products below stay in 128 bits
  const auto odd =
      std::find_if(of.terms.begin(), of.terms.end(), [](const auto& term) { return (term.second & 1) != 0; });
  if (odd == of.terms.end()) return false;
  const auto in = [bits](const Sum& where, int variable) {
    const auto found = where.terms.find(variable);
    return found == where.terms.end() ? Number{0} : modulo(found->second, bits);
  };
  a = modulo(in(sum, odd->first) * inverse(modulo(odd->second, bits), bits), bits);
  const auto fits = [&](const auto& term) {
    return in(sum, term.first) == modulo(a * in(of, term.first), bits);
  };
  return std::all_of(sum.terms.begin(), sum.terms.end(), fits) &&
         std::all_of(of.terms.begin(), of.terms.end(), fits);
}

Number shift_of(Interval interval, int bits, bool is_signed) {
  const Number half = is_signed ? Number{1} << (bits - 1) : 0;
  const Number period = floor_divide(interval.low + half, bits);
  if (period != floor_divide(interval.high + half, bits)) throw NotShown("a word may wrap");
  return -period * (Number{1} << bits);
}

std::string to_text(Number value) {
  if (value < 0) return "-" + to_text(-value);
  std::string digits = value >= 10 ? to_text(value / 10) : "";
  return digits + static_cast<char>('0' + static_cast<int>(value % 10));
}

}  // namespace crible::sim::recheck
