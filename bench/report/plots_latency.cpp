#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "bench/report/chart.hpp"
#include "bench/report/format.hpp"
#include "bench/report/plots.hpp"

namespace crible::bench {

namespace {

constexpr std::uint64_t few_samples = 10;
constexpr double bins_per_decade = 24;

/// The lowest and highest of what shall be seen; only values above zero, which have a logarithm.
struct Extent {
  double low = 0;
  double high = 0;

  void add(double value) {
    if (value <= 0) return;
    low = low > 0 ? std::min(low, value) : value;
    high = std::max(high, value);
  }
  bool empty() const { return high <= 0; }
};

/// Nines that the largest of `count` samples stands for.
double nines_of_max(std::uint64_t count) {
  return std::log10(std::max<double>(10, static_cast<double>(count)));
}

std::vector<Point> points(const std::vector<Percentile>& percentiles) {
  std::vector<Point> result;
  for (const Percentile& one : percentiles)
    if (one.ns > 0 && one.p < 100) result.push_back({nines(one.p), one.ns});
  return result;
}

}  // namespace

std::string percentile_plot(const Latency& latency) {
  Extent extent;
  for (const Percentile& one : latency.percentiles) extent.add(one.ns);
  extent.add(latency.max);
  if (latency.floor)
    for (const Percentile& one : latency.floor->percentiles) extent.add(one.ns);
  if (extent.empty()) return {};
  double right = nines_of_max(latency.count);
  for (const Percentile& one : latency.percentiles)
    if (one.p < 100) right = std::max(right, nines(one.p));
  const Frame frame;
  Chart chart(frame, Axis::by_nines(right, frame.x0(), frame.x1()),
              Axis::logarithmic(extent.low, extent.high, "ns", frame.y0(), frame.y1()),
              "Latency by percentile: " + latency.name);
  chart.label_axes("percentile, by its nines", "latency");
  if (latency.floor) chart.curve(points(latency.floor->percentiles), "curve floor", latency.floor->name);
  std::vector<Point> measured = points(latency.percentiles);
  measured.push_back({nines_of_max(latency.count), latency.max});
  std::sort(measured.begin(), measured.end(), [](const Point& a, const Point& b) { return a.x < b.x; });
  chart.curve(measured, "curve main", "measured");
  for (const Percentile& one : latency.percentiles) {
    if (one.ns <= 0 || one.p >= 100) continue;
    chart.marker({nines(one.p), one.ns}, one.above < few_samples ? "dot hollow" : "dot main",
                 fmt::format("{}: {}, {} samples above", percentile_name(one.p), page_quantity(one.ns, "ns"),
                             count_text(one.above)));
  }
  chart.marker({nines_of_max(latency.count), latency.max}, "dot hollow",
               "maximum of " + count_text(latency.count) + ": " + page_quantity(latency.max, "ns"));
  return chart.str();
}

std::string histogram_plot(const Latency& latency) {
  std::map<int, std::uint64_t> bins;
  for (const HistogramBucket& bucket : latency.histogram)
    if (bucket.upper_edge_ns > 0 && bucket.count > 0)
      bins[static_cast<int>(std::floor(std::log10(bucket.upper_edge_ns * 0.99999) * bins_per_decade))] +=
          bucket.count;
  if (bins.empty()) return {};
  const auto edge = [](int bin) { return std::pow(10, bin / bins_per_decade); };
  std::uint64_t most = 1;
  for (const auto& [bin, count] : bins) most = std::max(most, count);
  const Frame frame;
  Chart chart(frame,
              Axis::logarithmic(edge(bins.begin()->first), edge(bins.rbegin()->first + 1), "ns", frame.x0(),
                                frame.x1()),
              Axis::logarithmic(0.5, static_cast<double>(most), "", frame.y0(), frame.y1()),
              "Histogram of latencies: " + latency.name);
  chart.label_axes("latency", "events");
  for (const auto& [bin, count] : bins)
    chart.bar(edge(bin), edge(bin + 1), static_cast<double>(count), "bar",
              fmt::format("{} to {}: {} events", page_quantity(edge(bin), "ns"),
                          page_quantity(edge(bin + 1), "ns"), count_text(count)));
  int row = 0;
  for (const Percentile& one : latency.percentiles)
    if (one.p == 50 || one.p == 99 || one.p == 99.9)
      chart.vertical(one.ns, "marked", percentile_name(one.p), row++);
  return chart.str();
}

std::string load_plot(const Curve& curve) {
  struct Series {
    const char* name;
    double CurvePoint::*member;
    const char* colour;
  };
  constexpr Series series[] = {{"p50", &CurvePoint::p50, "k0"},
                               {"p99", &CurvePoint::p99, "k1"},
                               {"p99.9", &CurvePoint::p999, "k2"},
                               {"max", &CurvePoint::max, "k3"}};
  std::vector<CurvePoint> sorted = curve.points;
  std::sort(sorted.begin(), sorted.end(),
            [](const CurvePoint& a, const CurvePoint& b) { return a.offered_hz < b.offered_hz; });
  Extent times, rates;
  for (const CurvePoint& point : sorted) {
    rates.add(point.offered_hz);
    for (const Series& one : series) times.add(point.*one.member);
  }
  if (times.empty() || rates.empty()) return {};
  if (curve.objective) times.add(curve.objective->limit_ns * 1.3);  // its label stands above the line
  Frame frame;
  frame.width = 1120;
  frame.height = 380;
  const bool wide = rates.high / rates.low > 8;
  Chart chart(frame,
              wide ? Axis::logarithmic(rates.low, rates.high, "Hz", frame.x0(), frame.x1())
                   : Axis::linear(rates.high, "Hz", frame.x0(), frame.x1()),
              Axis::logarithmic(times.low, times.high, "ns", frame.y0(), frame.y1()),
              "Latency by offered rate: " + curve.name);
  chart.label_axes("offered rate, events per second", "latency");
  if (curve.objective) {
    chart.horizontal(curve.objective->limit_ns, "objective", "objective " + curve.objective->text);
    if (curve.objective->highest_hz)
      chart.vertical(*curve.objective->highest_hz, "objective",
                     "holds up to " + page_quantity(*curve.objective->highest_hz, "Hz"));
  }
  for (const Series& one : series) {
    std::vector<Point> valid;
    for (const CurvePoint& point : sorted)
      if (point.invalid.empty() && point.*one.member > 0)
        valid.push_back({point.offered_hz, point.*one.member});
    chart.curve(valid, std::string("curve ") + one.colour, one.name);
    for (const CurvePoint& point : sorted) {
      if (point.*one.member <= 0) continue;
      const Point at{point.offered_hz, point.*one.member};
      const std::string hint =
          fmt::format("{} at {} offered, {} achieved: {}", one.name, page_quantity(point.offered_hz, "Hz"),
                      page_quantity(point.achieved_hz, "Hz"), page_quantity(at.y, "ns"));
      if (point.invalid.empty()) {
        chart.marker(at, std::string("dot ") + one.colour, hint);
      } else {
        chart.crossed(at, "crossed", hint + "; invalid: " + point.invalid);
      }
    }
  }
  return chart.str();
}

}  // namespace crible::bench
