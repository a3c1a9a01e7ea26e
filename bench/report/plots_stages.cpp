#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/report/format.hpp"
#include "bench/report/plots.hpp"
#include "bench/report/svg.hpp"

namespace crible::bench {

namespace {

constexpr double width_px = 1120;
constexpr double letter_px = 6.6;
constexpr int stage_colours = 9;

/// The ticks of a time axis below bars.
void time_axis(Svg& svg, const Axis& axis, double top, double bottom) {
  for (const Tick& tick : axis.ticks()) {
    const double px = axis.px(tick.value);
    svg.line({px, top}, {px, bottom}, "grid");
    svg.text({px, bottom + 16}, tick.label, "tick", Anchor::middle);
  }
}

/// One stage of a bar, with its name where there is room.
void segment(Svg& svg, const Axis& axis, double from, double to, double top, double height,
             const std::string& css_class, const std::string& name, const std::string& hint) {
  const double left = axis.px(from), right = axis.px(to);
  svg.rectangle({left, top}, right - left, height, "stage " + css_class, hint);
  if (right - left > letter_px * static_cast<double>(name.size()) + 10)
    svg.text({(left + right) / 2, top + height / 2 + 4}, name, "inside " + css_class, Anchor::middle);
}

}  // namespace

std::string stage_class(const Latency& latency, const std::string& stage) {
  for (std::size_t i = 0; i < latency.stages.size(); ++i)
    if (latency.stages[i].name == stage) return "s" + std::to_string(i % stage_colours);
  return "other";
}

std::string budget_plot(const Latency& latency) {
  double sum = 0;
  for (const Stage& stage : latency.stages) sum += std::max(0.0, stage.mean);
  if (sum <= 0) return {};
  constexpr double left = 14, top = 26, height = 40;
  Svg svg(width_px, 96, "Mean time in each stage: " + latency.name);
  const Axis axis = Axis::linear(std::max(sum, latency.mean), "ns", left, width_px - 46);
  time_axis(svg, axis, top - 6, top + height + 4);
  double from = 0;
  for (const Stage& stage : latency.stages) {
    const double mean = std::max(0.0, stage.mean);
    segment(
        svg, axis, from, from + mean, top, height, stage_class(latency, stage.name), stage.name,
        fmt::format("{}: {}, {:.1f} % of the mean", stage.name, page_quantity(mean, "ns"), 100 * mean / sum));
    from += mean;
  }
  const double end = axis.px(latency.mean);
  svg.line({end, top - 10}, {end, top + height + 4}, "total");
  svg.text({end, top - 13}, "mean of the whole " + page_quantity(latency.mean, "ns"), "mark", Anchor::end);
  return svg.str();
}

std::string waterfall_plot(const Latency& latency) {
  double longest = 0;
  for (const SlowEvent& slow : latency.slowest) longest = std::max(longest, slow.total);
  if (longest <= 0) return {};
  constexpr double left = 118, top = 10, row = 46, bar = 18;
  const double bottom = top + row * static_cast<double>(latency.slowest.size());
  Svg svg(width_px, bottom + 26, "The slowest events, stage by stage: " + latency.name);
  const Axis axis = Axis::linear(longest, "ns", left, width_px - 90);
  time_axis(svg, axis, top, bottom);
  const auto letters = static_cast<std::size_t>((width_px - left) / letter_px);
  double y = top + 4;
  for (const SlowEvent& slow : latency.slowest) {
    svg.text({left - 10, y + 13}, count_text(slow.event), "tick", Anchor::end);
    double from = 0;
    for (const auto& [stage, ns] : slow.stages) {
      const double length = std::max(0.0, ns);
      segment(svg, axis, from, from + length, y, bar, stage_class(latency, stage), stage,
              fmt::format("event {}: {} {}, from {}", slow.event, stage, page_quantity(ns, "ns"),
                          page_quantity(from, "ns")));
      from += length;
    }
    svg.text({axis.px(std::max(from, slow.total)) + 8, y + 13}, page_quantity(slow.total, "ns"), "value");
    svg.text({left, y + bar + 14}, shortened(slow.cause, letters), "cause");
    y += row;
  }
  return svg.str();
}

std::string repeats_strip(const Figure& figure) {
  if (figure.repeats.empty() || figure.median <= 0) return {};
  constexpr double width = 120, height = 18, reach = 0.1;
  const auto px = [&](double value) {
    return width / 2 + std::clamp((value / figure.median - 1) / reach, -1.0, 1.0) * (width / 2 - 5);
  };
  Svg svg(width, height, fmt::format("{} repeats", figure.repeats.size()));
  svg.line({5, height / 2}, {width - 5, height / 2}, "grid");
  svg.rectangle({px(figure.low), 4}, px(figure.high) - px(figure.low), height - 8, "interval");
  svg.line({width / 2, 2}, {width / 2, height - 2}, "total");
  for (const double value : figure.repeats) {
    const bool beyond = std::abs(value / figure.median - 1) > reach;
    svg.circle({px(value), height / 2}, 2.6, beyond ? "dot beyond" : "dot main",
               page_quantity(value, figure.unit));
  }
  return svg.str();
}

}  // namespace crible::bench
