#pragma once

#include <string>
#include <vector>

namespace crible::bench {

/// `text` for the body or an attribute of HTML and XML: markup is escaped, and what XML forbids (control
/// characters, bytes that are no UTF-8) becomes U+FFFD.
std::string escaped(const std::string& text);

struct Point {
  double x = 0;
  double y = 0;
};

enum class Anchor { start, middle, end };

/// An inline drawing that grows with its container. Colours and fonts come from the page, by class.
class Svg {
 public:
  /// `title` says to those who do not see it what it shows.
  Svg(double width, double height, const std::string& title);

  void line(Point from, Point to, const std::string& css_class);
  /// `hint` is shown where the pointer rests; none when empty. The same below.
  void rectangle(Point corner, double width, double height, const std::string& css_class,
                 const std::string& hint = {});
  void circle(Point centre, double radius, const std::string& css_class, const std::string& hint = {});
  void cross(Point centre, double radius, const std::string& css_class, const std::string& hint);
  void path(const std::vector<Point>& points, const std::string& css_class);
  void text(Point at, const std::string& text, const std::string& css_class, Anchor anchor = Anchor::start);
  /// Turned to read upwards.
  void text_upwards(Point at, const std::string& text, const std::string& css_class);

  /// The whole element.
  std::string str() const;

 private:
  void element(const std::string& tag, const std::string& attributes, const std::string& hint);

  std::string body_;
};

struct Tick {
  double value = 0;
  std::string label;  // empty: only a line
};

/// Maps values to pixels. Values outside are held at the ends.
class Axis {
 public:
  /// From zero to a round number that is not below `highest`.
  static Axis linear(double highest, const std::string& unit, double from_px, double to_px);
  /// From a round number not above `lowest` to one not below `highest`; both above zero.
  static Axis logarithmic(double lowest, double highest, const std::string& unit, double from_px,
                          double to_px);
  /// Percentiles by the number of their nines, 0 to `nines`: 90 %, 99 %, 99.9 % lie equally far apart.
  static Axis by_nines(double nines, double from_px, double to_px);

  double px(double value) const;
  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  Axis(double low, double high, double from_px, double to_px, bool logarithmic);

  double low_;  // in decades when logarithmic
  double high_;
  double from_px_;
  double to_px_;
  bool logarithmic_;
  std::vector<Tick> ticks_;
};

/// How many nines a percentile has: 90 has one, 99.9 three.
double nines(double p);

/// `quantity` of format.hpp as it is read on a page and at an axis: "20 µs" where the terminal has "20.0 us".
std::string page_quantity(double value, const std::string& unit);
std::string axis_quantity(double value, const std::string& unit);

}  // namespace crible::bench
