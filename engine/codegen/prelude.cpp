#include "engine/codegen/prelude.hpp"

#include <string_view>

namespace crible::codegen {

namespace {

/// WORD is i32 or i64, BITS its width. The renderer has proven that no sum here overflows. Right shifts of
/// negative numbers are floors in all three dialects. For shift 0 the mask is 0, and so is every addend.
constexpr std::string_view roundings = R"(
/* value / 2^shift, rounded to an integer (BITS bits) */
FUNCTION WORD floorBITS(WORD value, i32 shift) { return value >> shift; }
FUNCTION WORD ceilBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + mask) >> shift;
}
FUNCTION WORD toward_zeroBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (value < 0 ? mask : 0)) >> shift;
}
FUNCTION WORD away_from_zeroBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (value < 0 ? 0 : mask)) >> shift;
}
FUNCTION WORD half_upBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (mask >> 1) + (mask & 1)) >> shift;
}
FUNCTION WORD half_downBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (mask >> 1)) >> shift;
}
FUNCTION WORD half_evenBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (mask >> 1) + ((value >> shift) & mask & 1)) >> shift;
}
FUNCTION WORD half_awayBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (mask >> 1) + (value < 0 ? 0 : mask & 1)) >> shift;
}
FUNCTION WORD half_toward_zeroBITS(WORD value, i32 shift) {
  const WORD mask = ((WORD)1 << shift) - 1;
  return (value + (mask >> 1) + (value < 0 ? mask & 1 : 0)) >> shift;
}

/* what does not fit: the nearest value, or the low bits read as signed or unsigned */
FUNCTION WORD clampBITS(WORD value, WORD low, WORD high) {
  return value < low ? low : value > high ? high : value;
}
FUNCTION WORD wrap_signedBITS(WORD value, i32 width) {
  const uWORD sign = (uWORD)1 << (width - 1);
  return (WORD)((((uWORD)value & (2 * sign - 1)) ^ sign) - sign);
}
FUNCTION WORD wrap_unsignedBITS(WORD value, i32 width) {
  return (WORD)((uWORD)value & (2 * ((uWORD)1 << (width - 1)) - 1));
}
)";

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

std::string of_width(std::string_view bits) {
  std::string text = replaced(std::string(roundings), "uWORD", "u" + std::string(bits));
  text = replaced(std::move(text), "WORD", "i" + std::string(bits));
  return replaced(std::move(text), "BITS", bits);
}

}  // namespace

std::string prelude() {
  return of_width("32") + of_width("64");
}

}  // namespace crible::codegen
