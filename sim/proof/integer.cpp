#include "sim/proof/integer.hpp"

namespace crible::sim::proof {

int factors_of_two(Integer value) {
  if (value == 0) return 126;
  int count = 0;
  while ((value & 1) == 0) {
    value >>= 1;
    ++count;
  }
  return count;
}

std::string to_string(Integer value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  std::string digits;
  for (unsigned __int128 rest = negative ? -static_cast<unsigned __int128>(value)
                                         : static_cast<unsigned __int128>(value);
       rest != 0; rest /= 10) {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
  }
  return negative ? "-" + digits : digits;
}

}  // namespace crible::sim::proof
