#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

/// Integer sums of variables, for the second checker.
namespace crible::sim::recheck {

using Number = __int128;

/// What a step does not show.
class NotShown : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Interval {
  Number low = 0;
  Number high = 0;
};

/// constant + sum of coefficient * variable; no coefficient is 0.
struct Sum {
  std::map<int, Number> terms;
  Number constant = 0;

  bool operator==(const Sum&) const = default;
  bool is_constant() const { return terms.empty(); }
};

/// Throws NotShown for a number beyond +-2^100.
Number bounded(Number value);
Number times(Number a, Number b);

/// to += factor * of
void add(Sum& to, const Sum& of, Number factor);
Interval interval_of(const Sum& sum, const std::vector<Interval>& variables);

/// The sum without its constant, divided by the common factor, the first coefficient positive.
Sum primitive(const Sum& sum);
/// a such that sum = a * of + c modulo 2^bits, for a primitive `of`; false when there is none.
bool multiple_of(const Sum& sum, const Sum& of, int bits, Number& a);

/// The integer that the lowest `bits` bits of a value in this interval show, as value + result: they are read
/// with or without sign. Throws NotShown when it is not the same shift for all values.
Number shift_of(Interval interval, int bits, bool is_signed);

std::string to_text(Number value);

}  // namespace crible::sim::recheck
