#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace crible::network {

/// A fixed-point type: the integer q stands for the real number q * 2^-fraction.
/// Stored values have widths 1..32; accumulators are 32 or 64 bits wide.
struct Type {
  bool is_signed = true;
  int width = 8;
  int fraction = 0;

  bool operator==(const Type&) const = default;
};

/// A stored type (width 1..32) or the 64-bit accumulator s64; the fraction within +-max_fraction.
bool is_valid(Type type);

/// Smallest and largest integer of a type.
std::int64_t lowest(Type type);
std::int64_t highest(Type type);

/// "s16.10", "u6.6", "s8.0": sign, width, fraction bits. The fraction may be negative: "s8.-2".
std::string to_string(Type type);

/// Throws Error when `text` is not a type.
Type parse_type(const std::string& text);

/// Bytes of one element in arrays that leave or enter a network (npy, batch slots, decisions):
/// 1, 2, 4 or 8, the smallest that holds the width.
std::size_t storage_bytes(Type type);

/// Extents of one event's tensor, outermost first; the event axis is never part of it.
/// Element order is C order (last index fastest) everywhere in crible.
using Shape = std::vector<int>;

/// "[18, 14]"; "[]" is a single value.
std::string to_string(const Shape& shape);

/// Product of the extents; 0 when one is not positive, the largest size_t when it does not fit.
std::size_t element_count(const Shape& shape);

/// Closed interval of integers.
struct Interval {
  std::int64_t low = 0;
  std::int64_t high = 0;

  bool operator==(const Interval&) const = default;
};

bool contains(Type type, std::int64_t value);
bool contains(Type type, Interval interval);

/// The fewest bits that hold the interval, unsigned when nothing is negative; 64 bits are always signed.
Type smallest_type(Interval interval, int fraction);

/// How `requantize` rounds to an integer. Names on the right: QONNX and ap_fixed.
enum class Rounding {
  floor,             // QONNX FLOOR, AP_TRN
  ceil,              // QONNX CEIL
  toward_zero,       // QONNX DOWN, AP_TRN_ZERO
  away_from_zero,    // QONNX UP
  half_up,           // ties toward +infinity, AP_RND
  half_down,         // ties toward -infinity, AP_RND_MIN_INF
  half_even,         // QONNX ROUND, AP_RND_CONV
  half_away,         // QONNX HALF_UP, AP_RND_INF
  half_toward_zero,  // QONNX HALF_DOWN, AP_RND_ZERO
};

/// What `requantize` does with a rounded value outside the output type.
enum class Overflow {
  wrap,
  saturate,
  saturate_symmetric,  // signed: [-(2^(w-1) - 1), 2^(w-1) - 1]; unsigned: as saturate
};

}  // namespace crible::network
