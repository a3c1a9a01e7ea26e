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

}  // namespace crible::hls
