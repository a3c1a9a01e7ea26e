#pragma once

#include <string>

namespace crible::hls {

inline std::string number(long long value) {
  return std::to_string(value);
}

/// "[7:0] " in front of a name that is 8 bits wide, nothing for one bit.
inline std::string range_text(int width) {
  return width == 1 ? "" : "[" + number(width - 1) + ":0] ";
}

/// Between two entries of a list written from the last to the first, eight on a line (Verilator reads 64 KiB
/// of one), and after entry 0.
inline std::string after_entry(std::size_t entry, const std::string& end) {
  return entry == 0 ? end : entry % 8 == 0 ? ",\n    " : ", ";
}

}  // namespace crible::hls
