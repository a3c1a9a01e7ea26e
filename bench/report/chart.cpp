#include "bench/report/chart.hpp"

namespace crible::bench {

namespace {

constexpr double letter_px = 6.3;  // about; for what must not overlap

}  // namespace

Chart::Chart(const Frame& frame, Axis x, Axis y, const std::string& title)
    : frame_(frame),
      x_(std::move(x)),
      y_(std::move(y)),
      svg_(frame.width, frame.height, title),
      legend_px_(frame.x0()) {
  double last_label_px = -1e9;
  for (const Tick& tick : x_.ticks()) {
    const double px = x_.px(tick.value);
    svg_.line({px, frame_.y0()}, {px, frame_.y1()}, tick.label.empty() ? "grid faint" : "grid");
    const double half = letter_px * static_cast<double>(tick.label.size()) / 2;
    if (tick.label.empty() || px - half < last_label_px + 4) continue;
    svg_.text({px, frame_.y0() + 16}, tick.label, "tick", Anchor::middle);
    last_label_px = px + half;
  }
  for (const Tick& tick : y_.ticks()) {
    const double px = y_.px(tick.value);
    svg_.line({frame_.x0(), px}, {frame_.x1(), px}, tick.label.empty() ? "grid faint" : "grid");
    svg_.text({frame_.x0() - 7, px + 4}, tick.label, "tick", Anchor::end);
  }
}

void Chart::label_axes(const std::string& x, const std::string& y) {
  svg_.text({(frame_.x0() + frame_.x1()) / 2, frame_.height - 8}, x, "axis", Anchor::middle);
  svg_.text_upwards({13, (frame_.y0() + frame_.y1()) / 2}, y, "axis");
}

void Chart::legend(const std::string& css_class, const std::string& label) {
  svg_.line({legend_px_, 16}, {legend_px_ + 18, 16}, css_class);
  svg_.text({legend_px_ + 23, 20}, label, "legend");
  legend_px_ += 40 + letter_px * static_cast<double>(label.size());
}

void Chart::curve(const std::vector<Point>& points, const std::string& css_class, const std::string& label) {
  std::vector<Point> path;
  for (const Point& point : points) path.push_back(px(point));
  svg_.path(path, css_class);
  if (!label.empty()) legend(css_class, label);
}

void Chart::marker(Point value, const std::string& css_class, const std::string& hint) {
  svg_.circle(px(value), 3.5, css_class, hint);
}

void Chart::crossed(Point value, const std::string& css_class, const std::string& hint) {
  svg_.cross(px(value), 4.5, css_class, hint);
}

void Chart::bar(double from, double to, double height, const std::string& css_class,
                const std::string& hint) {
  const double left = x_.px(from), right = x_.px(to), top = y_.px(height);
  svg_.rectangle({left, top}, right - left - 0.6, frame_.y0() - top, css_class, hint);
}

void Chart::horizontal(double y, const std::string& css_class, const std::string& label) {
  const double px = y_.px(y);
  svg_.line({frame_.x0(), px}, {frame_.x1(), px}, css_class);
  svg_.text({frame_.x0() + 6, px - 5}, label, "mark");
}

void Chart::vertical(double x, const std::string& css_class, const std::string& label, int row) {
  const double px = x_.px(x);
  svg_.line({px, frame_.y0()}, {px, frame_.y1()}, css_class);
  const bool room = px + 4 + letter_px * static_cast<double>(label.size()) < frame_.x1();
  svg_.text({px + (room ? 4 : -4), frame_.y1() + 11 + 14 * row}, label, "mark",
            room ? Anchor::start : Anchor::end);
}

}  // namespace crible::bench
