#include "engine/network/types.hpp"

#include <charconv>
#include <limits>

#include "engine/base/error.hpp"
#include "engine/network/limits.hpp"

namespace crible::network {

bool is_valid(Type type) {
  const bool stored = type.width >= 1 && type.width <= 32;
  const bool wide = type.is_signed && type.width == 64;
  return (stored || wide) && type.fraction >= -max_fraction && type.fraction <= max_fraction;
}

std::int64_t lowest(Type type) {
  if (!type.is_signed) return 0;
  if (type.width >= 64) return std::numeric_limits<std::int64_t>::min();
  return -(std::int64_t{1} << (type.width - 1));
}

std::int64_t highest(Type type) {
  const int magnitude_bits = type.is_signed ? type.width - 1 : type.width;
  if (magnitude_bits >= 63) return std::numeric_limits<std::int64_t>::max();
  return (std::int64_t{1} << magnitude_bits) - 1;
}

bool contains(Type type, std::int64_t value) {
  return value >= lowest(type) && value <= highest(type);
}

bool contains(Type type, Interval interval) {
  return contains(type, interval.low) && contains(type, interval.high);
}

Type smallest_type(Interval interval, int fraction) {
  Type type{interval.low < 0, 1, fraction};
  while (type.width < 32 && !contains(type, interval)) ++type.width;
  if (!contains(type, interval)) type = {true, 64, fraction};
  return type;
}

std::string to_string(Type type) {
  return (type.is_signed ? "s" : "u") + std::to_string(type.width) + "." + std::to_string(type.fraction);
}

namespace {

/// Reads one decimal integer and moves `begin` behind it.
bool read_number(const char*& begin, const char* end, int& number) {
  const auto [rest, status] = std::from_chars(begin, end, number);
  begin = rest;
  return status == std::errc{};
}

}  // namespace

Type parse_type(const std::string& text) {
  const char* begin = text.data();
  const char* end = begin + text.size();
  Type type;
  bool good = begin != end && (*begin == 's' || *begin == 'u');
  if (good) type.is_signed = *begin++ == 's';
  good = good && read_number(begin, end, type.width);
  good = good && begin != end && *begin++ == '.';
  good = good && read_number(begin, end, type.fraction) && begin == end;
  if (!good || !is_valid(type)) {
    throw Error("'" + text +
                "' is not a type: write s or u, the width (1 to 32, or s64), a point, and the fraction bits, "
                "as in s16.10");
  }
  return type;
}

std::size_t storage_bytes(Type type) {
  if (type.width <= 8) return 1;
  if (type.width <= 16) return 2;
  return type.width <= 32 ? 4 : 8;
}

std::string to_string(const Shape& shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

std::size_t element_count(const Shape& shape) {
  constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
  std::size_t count = 1;
  for (const int extent : shape) {
    if (extent <= 0) return 0;
    const auto factor = static_cast<std::size_t>(extent);
    count = count > most / factor ? most : count * factor;
  }
  return count;
}

}  // namespace crible::network
