#include "bench/report/format.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <span>

namespace crible::bench {

namespace {

struct Scale {
  double factor;  // in the base unit
  const char* name;
};

constexpr Scale time_scales[] = {{1, "ns"}, {1e3, "us"}, {1e6, "ms"}, {1e9, "s"}};
constexpr Scale rate_scales[] = {{1, "Hz"}, {1e3, "kHz"}, {1e6, "MHz"}, {1e9, "GHz"}};
constexpr Scale byte_scales[] = {{1, "bytes"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}};

std::string scaled(double value, std::span<const Scale> scales) {
  const Scale* chosen = &scales[0];
  for (const Scale& scale : scales)
    if (std::abs(value) >= scale.factor * 0.9995) chosen = &scale;  // 999.6 ns reads 1.00 us
  return number_text(value / chosen->factor) + " " + chosen->name;
}

bool continues_code_point(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

std::size_t columns(const std::string& text) {
  std::size_t count = 0;
  for (const char c : text) count += continues_code_point(c) ? 0 : 1;
  return count;
}

/// Also those of two bytes, U+0080 to U+009F, which begin commands to some terminals.
std::string without_controls(const std::string& text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    const bool two_bytes = byte == 0xC2 && next >= 0x80 && next < 0xA0;
    const bool control = byte < 0x20 || byte == 0x7F || two_bytes;
    result += control ? '?' : text[i];
    if (two_bytes) ++i;
  }
  return result;
}

/// The first `count` code points.
std::string beginning(const std::string& text, std::size_t count) {
  std::size_t end = 0;
  while (end < text.size() && (count > 0 || continues_code_point(text[end])))
    if (!continues_code_point(text[end++])) --count;
  return text.substr(0, end);
}

}  // namespace

std::string number_text(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size >= 1e15 || size < 1e-4) return fmt::format("{:.2e}", value);
  if (size >= 1e4) return (value < 0 ? "-" : "") + count_text(static_cast<std::uint64_t>(std::llround(size)));
  const int before = static_cast<int>(std::floor(std::log10(size * 1.0005))) + 1;
  return fmt::format("{:.{}f}", value, std::max(0, 3 - before));
}

std::string time_text(double ns) {
  return scaled(ns, time_scales);
}

std::string rate_text(double hz) {
  return scaled(hz, rate_scales);
}

std::string quantity(double value, const std::string& unit) {
  if (unit == "ns") return time_text(value);
  if (unit == "s") return time_text(value * 1e9);
  if (unit == "Hz") return rate_text(value);
  if (unit == "bytes") return scaled(value, byte_scales);
  return unit.empty() ? number_text(value) : number_text(value) + " " + unit;
}

std::string count_text(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

std::string change_text(double change) {
  return fmt::format("{:+.1f} %", 100 * change);
}

std::string percentile_name(double p) {
  return p >= 100 ? "max" : fmt::format("p{:.6g}", p);
}

std::string shortened(const std::string& raw, std::size_t width) {
  const std::string text = without_controls(raw);
  if (columns(text) <= width) return text;
  return width > 3 ? beginning(text, width - 3) + "..." : beginning(text, width);
}

std::string left(const std::string& text, std::size_t width) {
  std::string result = shortened(text, width);
  return result.append(width - columns(result), ' ');
}

std::string right(const std::string& text, std::size_t width) {
  const std::string result = shortened(text, width);
  return std::string(width - columns(result), ' ') + result;
}

std::string line(std::string text) {
  text.erase(text.find_last_not_of(' ') + 1);
  return text + "\n";
}

std::string wrapped(const std::string& text, std::size_t width, std::size_t indent) {
  const std::string blanks(indent, ' ');
  std::string result, current;
  const auto flush = [&] {
    if (!current.empty()) result += blanks + current + "\n";
    current.clear();
  };
  const std::string clean = without_controls(text);
  for (std::size_t begin = 0; begin < clean.size();) {
    std::size_t end = clean.find(' ', begin);
    if (end == std::string::npos) end = clean.size();
    std::string word = clean.substr(begin, end - begin);
    begin = end + 1;
    if (!current.empty() && columns(current) + 1 + columns(word) > width - indent) flush();
    while (columns(word) > width - indent) {
      current = beginning(word, width - indent);
      word.erase(0, current.size());
      flush();
    }
    current += (current.empty() ? "" : " ") + word;
  }
  flush();
  return result;
}

}  // namespace crible::bench
