#include "bench/report/svg.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "bench/report/format.hpp"

namespace crible::bench {

namespace {

constexpr const char* replacement = "\xEF\xBF\xBD";

/// Bytes of the UTF-8 code point at `at` that XML allows; 0 when there is none.
std::size_t code_point_bytes(const std::string& text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t length = first >= 0xF0 && first < 0xF5 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (first >= 0xF5 || length == 0) return 0;
  unsigned code = first & (0xFFu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3Fu);
  }
  const bool overlong = code < std::array{0u, 0u, 0x80u, 0x800u, 0x10000u}[length];
  const bool forbidden = (code >= 0x80 && code < 0xA0) || (code >= 0xD800 && code < 0xE000) ||
                         code == 0xFFFE || code == 0xFFFF || code > 0x10FFFF;
  return overlong || forbidden ? 0 : length;
}

const char* word(Anchor anchor) {
  switch (anchor) {
    case Anchor::start:
      return "start";
    case Anchor::middle:
      return "middle";
    case Anchor::end:
      return "end";
  }
  return "";
}

/// 1, 2 or 5 times a power of ten: the nearest not above (`up` false) or not below `value`.
double round_number(double value, bool up) {
  const double decade = std::pow(10, std::floor(std::log10(value)));
  const double digits = value / decade;
  constexpr double tolerance = 1e-9;
  if (up) {
    for (const double step : {1.0, 2.0, 5.0})
      if (digits <= step * (1 + tolerance)) return step * decade;
    return 10 * decade;
  }
  for (const double step : {5.0, 2.0})
    if (digits >= step * (1 - tolerance)) return step * decade;
  return decade;
}

}  // namespace

std::string escaped(const std::string& text) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t bytes = code_point_bytes(text, at);
    if (bytes == 0) {
      result += replacement;
    } else if (text[at] == '<') {
      result += "&lt;";
    } else if (text[at] == '>') {
      result += "&gt;";
    } else if (text[at] == '&') {
      result += "&amp;";
    } else if (text[at] == '"') {
      result += "&quot;";
    } else if (text[at] == '\'') {
      result += "&#39;";
    } else {
      result.append(text, at, bytes);
    }
    at += std::max<std::size_t>(1, bytes);
  }
  return result;
}

Svg::Svg(double width, double height, const std::string& title)
    : body_(fmt::format("<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:g} {:g}\" role=\"img\" "
                        "aria-label=\"{}\">\n",
                        width, height, escaped(title))) {}

void Svg::element(const std::string& tag, const std::string& attributes, const std::string& hint) {
  body_ += "<" + tag + " " + attributes;
  body_ += hint.empty() ? "/>\n" : "><title>" + escaped(hint) + "</title></" + tag + ">\n";
}

void Svg::line(Point from, Point to, const std::string& css_class) {
  element("line",
          fmt::format("class=\"{}\" x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\"", css_class,
                      from.x, from.y, to.x, to.y),
          {});
}

void Svg::rectangle(Point corner, double width, double height, const std::string& css_class,
                    const std::string& hint) {
  element("rect",
          fmt::format("class=\"{}\" x=\"{:.2f}\" y=\"{:.2f}\" width=\"{:.2f}\" height=\"{:.2f}\"", css_class,
                      corner.x, corner.y, std::max(0.0, width), std::max(0.0, height)),
          hint);
}

void Svg::circle(Point centre, double radius, const std::string& css_class, const std::string& hint) {
  element("circle",
          fmt::format("class=\"{}\" cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:g}\"", css_class, centre.x, centre.y,
                      radius),
          hint);
}

void Svg::cross(Point centre, double radius, const std::string& css_class, const std::string& hint) {
  element("path",
          fmt::format("class=\"{}\" d=\"M{:.1f} {:.1f}l{:g} {:g}m0 {:g}l{:g} {:g}\"", css_class,
                      centre.x - radius, centre.y - radius, 2 * radius, 2 * radius, -2 * radius, -2 * radius,
                      2 * radius),
          hint);
}

void Svg::path(const std::vector<Point>& points, const std::string& css_class) {
  if (points.size() < 2) return;
  std::string steps;
  for (const Point& point : points)
    steps += fmt::format("{}{:.1f} {:.1f}", steps.empty() ? "M" : "L", point.x, point.y);
  element("path", fmt::format("class=\"{}\" d=\"{}\"", css_class, steps), {});
}

void Svg::text(Point at, const std::string& text, const std::string& css_class, Anchor anchor) {
  body_ += fmt::format("<text class=\"{}\" x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                       css_class, at.x, at.y, word(anchor), escaped(text));
}

void Svg::text_upwards(Point at, const std::string& text, const std::string& css_class) {
  body_ += fmt::format(
      "<text class=\"{}\" transform=\"translate({:.1f} {:.1f}) rotate(-90)\" "
      "text-anchor=\"middle\">{}</text>\n",
      css_class, at.x, at.y, escaped(text));
}

std::string Svg::str() const {
  return body_ + "</svg>\n";
}

Axis::Axis(double low, double high, double from_px, double to_px, bool logarithmic)
    : low_(low), high_(high), from_px_(from_px), to_px_(to_px), logarithmic_(logarithmic) {}

Axis Axis::linear(double highest, const std::string& unit, double from_px, double to_px) {
  const double step = round_number(std::max(highest, 1e-12) / 5, true);
  const double steps = std::ceil(std::max(highest, 1e-12) / step - 1e-9);
  Axis axis(0, step * steps, from_px, to_px, false);
  for (int i = 0; i <= static_cast<int>(steps); ++i)
    axis.ticks_.push_back({i * step, axis_quantity(i * step, unit)});
  return axis;
}

Axis Axis::logarithmic(double lowest, double highest, const std::string& unit, double from_px, double to_px) {
  const double low = round_number(lowest, false);
  const double high = std::max(round_number(highest, true), low * 2);
  Axis axis(std::log10(low), std::log10(high), from_px, to_px, true);
  const bool few = high / low < 250;
  for (double decade = std::pow(10, std::floor(axis.low_ + 1e-9)); decade <= high * 1.0001; decade *= 10)
    for (const double step : {1.0, 2.0, 5.0}) {
      const double value = decade * step;
      const bool labelled = step == 1 || (few && high / low < 60) || (few && step != 5);
      if (value >= low * 0.9999 && value <= high * 1.0001)
        axis.ticks_.push_back({value, labelled ? axis_quantity(value, unit) : ""});
    }
  return axis;
}

Axis Axis::by_nines(double count, double from_px, double to_px) {
  Axis axis(0, std::max(1.0, count), from_px, to_px, false);
  axis.ticks_.push_back({0, "0"});
  axis.ticks_.push_back({nines(50), "50 %"});
  for (int n = 1; n <= static_cast<int>(axis.high_ + 1e-9); ++n)
    axis.ticks_.push_back(
        {double(n), fmt::format("{:.{}f} %", 100 - std::pow(10, 2 - n), std::max(0, n - 2))});
  return axis;
}

double Axis::px(double value) const {
  const double at = logarithmic_ ? std::log10(std::max(value, 1e-300)) : value;
  const double share = std::clamp((at - low_) / (high_ - low_), 0.0, 1.0);
  return from_px_ + share * (to_px_ - from_px_);
}

double nines(double p) {
  return -std::log10(std::max(1e-12, 1 - p / 100));
}

std::string page_quantity(double value, const std::string& unit) {
  std::string text = quantity(value, unit);
  if (text.ends_with(" us")) text.replace(text.size() - 2, 2, "µs");
  return text;
}

std::string axis_quantity(double value, const std::string& unit) {
  if (unit.empty() && value >= 1) return count_text(static_cast<std::uint64_t>(std::llround(value)));
  std::string text = page_quantity(value, unit);
  const std::size_t blank = text.find(' ');
  std::string number = text.substr(0, blank);
  if (number.find('.') != std::string::npos && number.find('e') == std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.back() == '.') number.pop_back();
  }
  return blank == std::string::npos ? number : number + text.substr(blank);
}

}  // namespace crible::bench
