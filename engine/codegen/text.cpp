#include "engine/codegen/text.hpp"

#include <array>
#include <limits>

namespace crible::codegen {

using network::Interval;
using network::Shape;
using network::Strides;

namespace {

struct ElementText {
  const char* name;
  std::size_t bytes;
  Interval range;
};

constexpr std::array<ElementText, 7> elements{{
    {"i8", 1, {-128, 127}},
    {"u8", 1, {0, 255}},
    {"i16", 2, {-32768, 32767}},
    {"u16", 2, {0, 65535}},
    {"i32", 4, {-2147483648LL, 2147483647LL}},
    {"u32", 4, {0, 4294967295LL}},
    {"i64", 8, {std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()}},
}};

const ElementText& of(Element element) {
  return elements[static_cast<std::size_t>(element)];
}

}  // namespace

const char* name(Element element) {
  return of(element).name;
}

std::size_t bytes(Element element) {
  return of(element).bytes;
}

Element smallest_element(Interval range) {
  for (const Element element : {Element::i8, Element::u8, Element::i16, Element::u16, Element::i32}) {
    if (range.low >= of(element).range.low && range.high <= of(element).range.high) return element;
  }
  return Element::i64;
}

Element storage_element(network::Type type) {
  switch (storage_bytes(type)) {
    case 1:
      return type.is_signed ? Element::i8 : Element::u8;
    case 2:
      return type.is_signed ? Element::i16 : Element::u16;
    case 4:
      return type.is_signed ? Element::i32 : Element::u32;
  }
  return Element::i64;
}

bool fits_i32(Interval range) {
  return range.low >= of(Element::i32).range.low && range.high <= of(Element::i32).range.high;
}

std::string literal(std::int64_t value, bool wide) {
  const char* suffix = wide ? "L" : "";
  // The most negative numbers have no constant of their own in C.
  if (value == std::numeric_limits<std::int64_t>::min()) return "(-9223372036854775807L - 1)";
  if (value == of(Element::i32).range.low && !wide) return "(-2147483647 - 1)";
  return join(value, suffix);
}

std::string axis_index(const Shape& shape, std::size_t axis, std::string_view index) {
  const std::size_t inner = network::inner_count(shape, axis);
  std::string text(index);
  if (inner != 1) text = join(text, " / ", inner);
  if (network::outer_count(shape, axis) != 1) text = join(text, " % ", shape[axis]);
  return text;
}

std::string position(const Shape& shape, const Strides& strides, std::string_view index,
                     std::ptrdiff_t start) {
  // Neighbouring axes that keep together are one axis.
  Shape extents;
  Strides steps;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] == 1) continue;
    if (!extents.empty() && steps.back() == strides[axis] * shape[axis]) {
      extents.back() *= shape[axis];
      steps.back() = strides[axis];
    } else {
      extents.push_back(shape[axis]);
      steps.push_back(strides[axis]);
    }
  }
  std::string text;
  for (std::size_t axis = 0; axis < extents.size(); ++axis) {
    if (steps[axis] == 0) continue;
    if (!text.empty()) text += " + ";
    text += axis_index(extents, axis, index);
    if (steps[axis] != 1) text += join(" * ", steps[axis]);
  }
  if (text.empty()) return std::to_string(start);
  return start == 0 ? text : join(text, start < 0 ? " - " : " + ", start < 0 ? -start : start);
}

std::string identifier(std::string_view text) {
  constexpr std::size_t longest = 48;
  std::string result;
  for (const char c : text.substr(0, longest)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    result += plain ? c : '_';
  }
  return result;
}

}  // namespace crible::codegen
