#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/report/format.hpp"
#include "bench/report/html_parts.hpp"
#include "bench/report/plots.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/svg.hpp"

namespace crible::bench {

namespace {

std::string heading(const std::string& text) {
  return "<h3>" + escaped(text) + "</h3>\n";
}

std::string table_of(const std::string& head, const std::string& rows) {
  return "<div class=\"scroll\"><table>" + head + rows + "</table></div>\n";
}

std::string wide(const std::string& svg) {
  return "<div class=\"scroll wide\">" + svg + "</div>\n";
}

std::string figure_row(const Figure& figure) {
  std::string name = "<span>" + escaped(figure.name) + "</span>";
  if (!figure.invalid.empty()) name += "<span class=\"why\">invalid: " + escaped(figure.invalid) + "</span>";
  if (figure.wrong > 0) name += "<span class=\"why\">" + count_text(figure.wrong) + " wrong answers</span>";
  const double ratio = floor_ratio(figure);
  std::string row = cell(name) + cell("<b>" + escaped(page_quantity(figure.median, figure.unit)) + "</b>");
  row +=
      cell(escaped(page_quantity(figure.low, figure.unit) + " – " + page_quantity(figure.high, figure.unit)));
  row += cell(repeats_strip(figure), "strip");
  row += cell(figure.floor ? escaped(page_quantity(figure.floor->value, figure.unit)) + "<small>" +
                                 escaped(figure.floor->name) + "</small>"
                           : "");
  row += cell(ratio > 0 ? number_text(ratio) + " &times;" : "");
  row += cell(figure.checked > 0 ? count_text(figure.checked) : "");
  return (figure.invalid.empty() && figure.wrong == 0 ? "<tr>" : "<tr class=\"invalid\">") + row + "</tr>\n";
}

std::string figures_html(const Suite& suite) {
  if (suite.figures.empty()) return {};
  std::string rows;
  for (const Figure& figure : suite.figures) rows += figure_row(figure);
  return table_of(
      head_row({"figure", "median", "95 % interval", "repeats, ±10 %", "floor", "over floor", "checked"}),
      rows);
}

std::string budget_html(const Latency& latency) {
  if (latency.stages.empty()) return {};
  std::string rows;
  double sum = 0;
  for (const Stage& stage : latency.stages) {
    sum += stage.mean;
    rows += "<tr>" +
            cell("<i class=\"swatch " + stage_class(latency, stage.name) + "\"></i>" + escaped(stage.name)) +
            cell(page_quantity(stage.mean, "ns")) +
            cell(latency.mean > 0 ? fmt::format("{:.1f} %", 100 * stage.mean / latency.mean) : "") +
            cell(page_quantity(stage.p50, "ns")) + cell(page_quantity(stage.p99, "ns")) +
            cell(page_quantity(stage.p999, "ns")) + "</tr>\n";
  }
  rows += "<tr class=\"sum\">" + cell("sum of the stages") + cell(page_quantity(sum, "ns")) +
          cell(latency.mean > 0 ? fmt::format("{:.1f} %", 100 * sum / latency.mean) : "") + cell("") +
          cell("") + cell("") + "</tr>\n";
  rows += "<tr>" + cell("the whole, measured by itself") + cell(page_quantity(latency.mean, "ns")) +
          cell("") + cell("") + cell("") + cell("") + "</tr>\n";
  std::string html = "<h4>Where the time goes: the mean of each stage</h4>\n" + wide(budget_plot(latency));
  if (std::abs(budget_gap(latency)) > largest_budget_gap)
    html += "<p class=\"warning\">The stages do not add up: their sum is " +
            change_text(budget_gap(latency)) + " from the mean of the whole.</p>\n";
  return html + table_of(head_row({"stage", "mean", "share", "p50", "p99", "p99.9"}), rows);
}

std::string percentiles_html(const Latency& latency) {
  std::string rows;
  for (const Percentile& one : latency.percentiles) {
    const double ratio = floor_ratio(latency, one);
    rows += "<tr>" + cell(percentile_name(one.p)) + cell(page_quantity(one.ns, "ns")) +
            cell(count_text(one.above)) + cell(ratio > 0 ? number_text(ratio) + " &times;" : "") + "</tr>\n";
  }
  rows += "<tr>" + cell("max") + cell(page_quantity(latency.max, "ns")) + cell("0") + cell("") + "</tr>\n";
  return "<details><summary>All percentiles</summary>" +
         table_of(head_row({"percentile", "latency", "samples above", "over floor"}), rows) + "</details>\n";
}

std::string facts(const Latency& latency) {
  std::string text =
      fmt::format("{} arrivals, {} offered, {} achieved, {} events, mean {}.", latency.arrivals,
                  page_quantity(latency.offered_hz, "Hz"), page_quantity(latency.achieved_hz, "Hz"),
                  count_text(latency.count), page_quantity(latency.mean, "ns"));
  text += fmt::format(" The sender itself was late by {} (median), {} (p99), {} at most.",
                      page_quantity(latency.lateness.p50, "ns"), page_quantity(latency.lateness.p99, "ns"),
                      page_quantity(latency.lateness.max, "ns"));
  if (latency.lateness.bound > 0)
    text += " At p99 a run is invalid beyond " + page_quantity(latency.lateness.bound, "ns") + ".";
  return "<p class=\"quiet\">" + escaped(text) + "</p>\n";
}

std::string curve_html(const Curve& curve) {
  std::string html = heading(curve.name) + wide(load_plot(curve));
  if (curve.objective && !curve.objective->highest_hz)
    html += "<p class=\"warning\">No rate held the objective " + escaped(curve.objective->text) + ".</p>\n";
  std::string rows;
  std::vector<CurvePoint> points = curve.points;
  std::sort(points.begin(), points.end(),
            [](const CurvePoint& a, const CurvePoint& b) { return a.offered_hz < b.offered_hz; });
  for (const CurvePoint& point : points) {
    std::string name = "<span>" + page_quantity(point.offered_hz, "Hz") + "</span>";
    if (!point.invalid.empty()) name += "<span class=\"why\">invalid: " + escaped(point.invalid) + "</span>";
    rows += (point.invalid.empty() ? "<tr>" : "<tr class=\"invalid\">") + cell(name) +
            cell(page_quantity(point.achieved_hz, "Hz"));
    for (const double ns : {point.p50, point.p99, point.p999, point.max})
      rows += cell(page_quantity(ns, "ns"));
    rows += "</tr>\n";
  }
  return html + "<details><summary>All rates</summary>" +
         table_of(head_row({"offered", "achieved", "p50", "p99", "p99.9", "max"}), rows) + "</details>\n";
}

std::string cell_text(const Cell& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return escaped(*text);
  const double number = std::get<double>(value);
  const bool whole = number == std::floor(number) && number >= 0 && number < 1e15;
  return whole ? count_text(static_cast<std::uint64_t>(number)) : number_text(number);
}

}  // namespace

std::string cell(const std::string& html, const std::string& css_class) {
  return (css_class.empty() ? "<td>" : "<td class=\"" + css_class + "\">") + html + "</td>";
}

std::string head_row(const std::vector<std::string>& names) {
  std::string row = "<tr>";
  for (const std::string& name : names) row += "<th>" + escaped(name) + "</th>";
  return row + "</tr>\n";
}

std::string warning_html(const std::string& invalid) {
  return invalid.empty() ? ""
                         : "<p class=\"warning\"><b>Invalid, do not use:</b> " + escaped(invalid) + "</p>\n";
}

std::string latency_html(const Latency& latency) {
  std::string html = heading(latency.name) + warning_html(latency.invalid) + facts(latency);
  html += "<div class=\"pair\">\n<div>" + percentile_plot(latency) + "</div>\n<div>" +
          histogram_plot(latency) + "</div>\n</div>\n";
  html += percentiles_html(latency) + budget_html(latency);
  if (!latency.slowest.empty())
    html +=
        fmt::format("<h4>The {} slowest events, by their number, and why</h4>\n", latency.slowest.size()) +
        waterfall_plot(latency);
  return html;
}

std::string table_html(const Table& table) {
  std::string rows;
  for (const auto& row : table.rows) {
    rows += "<tr>";
    for (const Cell& value : row) rows += cell(cell_text(value));
    rows += "</tr>\n";
  }
  const bool model = table.kind == TableKind::model;
  return (model ? "<div class=\"model\">" : "<div>") + std::string("<h3>") + escaped(table.name) +
         "<span class=\"badge\">" + (model ? "a model, not measured" : "measured") + "</span></h3>\n" +
         table_of(head_row(table.columns), rows) + "</div>\n";
}

std::string suite_anchor(std::size_t number) {
  return "suite-" + std::to_string(number + 1);
}

std::string suite_html(const Suite& suite, std::size_t number) {
  std::string html = "<section id=\"" + suite_anchor(number) + "\">\n<h2>" + escaped(suite.name) + "</h2>\n";
  if (!suite.notes.empty()) {
    html += "<ul class=\"notes\">";
    for (const std::string& note : suite.notes) html += "<li>" + escaped(note) + "</li>";
    html += "</ul>\n";
  }
  html += figures_html(suite);
  for (const Curve& curve : suite.curves) html += curve_html(curve);
  for (const Latency& latency : suite.latencies) html += latency_html(latency);
  for (const Table& table : suite.tables) html += table_html(table);
  return html + "</section>\n";
}

}  // namespace crible::bench
