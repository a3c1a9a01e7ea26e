#pragma once

#include <string>
#include <vector>

#include "bench/report/svg.hpp"

namespace crible::bench {

/// Where the data of a chart lies: the axes of the two charts of a latency share these edges.
struct Frame {
  double width = 560;
  double height = 330;
  double left = 66;
  double right = 36;
  double top = 34;
  double bottom = 44;

  double x0() const { return left; }
  double x1() const { return width - right; }
  double y0() const { return height - bottom; }  // the lower edge
  double y1() const { return top; }
};

/// A drawing with two axes, a grid and a legend above.
class Chart {
 public:
  Chart(const Frame& frame, Axis x, Axis y, const std::string& title);

  void label_axes(const std::string& x, const std::string& y);

  /// Joins the points by lines of this class; adds the class with `label` to the legend when there is one.
  void curve(const std::vector<Point>& points, const std::string& css_class, const std::string& label);
  void marker(Point value, const std::string& css_class, const std::string& hint);
  void crossed(Point value, const std::string& css_class, const std::string& hint);
  void bar(double from, double to, double height, const std::string& css_class, const std::string& hint);

  /// Lines across the whole chart, with a label at their end; in `row` of rows, so that near ones can be
  /// read.
  void horizontal(double y, const std::string& css_class, const std::string& label);
  void vertical(double x, const std::string& css_class, const std::string& label, int row = 0);

  std::string str() const { return svg_.str(); }

 private:
  Point px(Point value) const { return {x_.px(value.x), y_.px(value.y)}; }
  void legend(const std::string& css_class, const std::string& label);

  Frame frame_;
  Axis x_;
  Axis y_;
  Svg svg_;
  double legend_px_;
};

}  // namespace crible::bench
