#include <fmt/format.h>

#include <cmath>

#include "bench/report/format.hpp"
#include "bench/report/html_parts.hpp"
#include "bench/report/summary.hpp"
#include "bench/report/svg.hpp"

namespace crible::bench {

namespace {

std::string tile(const std::string& value, const std::string& what, const char* css_class = "") {
  return fmt::format("<div class=\"tile {}\"><b>{}</b><span>{}</span></div>\n", css_class, escaped(value),
                     escaped(what));
}

const Percentile* at(const Latency& latency, double p) {
  for (const Percentile& one : latency.percentiles)
    if (std::abs(one.p - p) < 1e-9) return &one;
  return nullptr;
}

std::string latency_row(const Suite& suite, const Latency& latency) {
  std::string row =
      cell("<span>" + escaped(suite.name + ": " + latency.name) + "</span>" +
           (latency.invalid.empty() ? "" : "<span class=\"why\">" + escaped(latency.invalid) + "</span>"));
  row += cell(page_quantity(latency.offered_hz, "Hz")) + cell(page_quantity(latency.achieved_hz, "Hz"));
  for (const double p : {50.0, 99.0, 99.9, 99.99}) {
    const Percentile* one = at(latency, p);
    row += cell(one ? page_quantity(one->ns, "ns") : "");
  }
  row += cell(page_quantity(latency.max, "ns"));
  const Percentile* p99 = at(latency, 99);
  const double ratio = p99 ? floor_ratio(latency, *p99) : 0;
  row += cell(ratio > 0 ? number_text(ratio) + " &times;" : "");
  return (latency.invalid.empty() ? "<tr>" : "<tr class=\"invalid\">") + row + "</tr>\n";
}

std::string pairs(const std::map<std::string, std::string>& texts) {
  std::string html = "<ul>";
  for (const auto& [name, text] : texts)
    html += "<li>" + escaped(name) + " <code>" + escaped(text) + "</code></li>";
  return html + "</ul>";
}

}  // namespace

std::string summary_html(const Result& result) {
  const Checks sum = checks(result);
  std::string html = "<h2>Summary</h2>\n<div class=\"tiles\">\n";
  html += tile(count_text(sum.checked), "answers compared with the reference");
  html += tile(count_text(sum.wrong), "wrong answers", sum.wrong > 0 ? "bad" : sum.checked > 0 ? "good" : "");
  html += tile(count_text(sum.invalid), "invalid results", sum.invalid > 0 ? "bad" : "");
  for (const Suite& suite : result.suites)
    for (const Curve& curve : suite.curves)
      if (curve.objective)
        html +=
            tile(curve.objective->highest_hz ? page_quantity(*curve.objective->highest_hz, "Hz") : "no rate",
                 suite.name + " holds " + curve.objective->text);
  html += tile(fmt::format("{:.0f} s", result.duration_s), "the whole run") + "</div>\n";
  std::string rows;
  for (const Suite& suite : result.suites)
    for (const Latency& latency : suite.latencies) rows += latency_row(suite, latency);
  if (rows.empty()) return html;
  return html + "<div class=\"scroll\"><table>" +
         head_row(
             {"latency", "offered", "achieved", "p50", "p99", "p99.9", "p99.99", "max", "p99 over floor"}) +
         rows + "</table></div>\n";
}

std::string machine_html(const Machine& machine) {
  const auto item = [](const std::string& name, const std::string& html) {
    return "<dt>" + name + "</dt><dd>" + (html.empty() ? "<span class=\"quiet\">unknown</span>" : html) +
           "</dd>\n";
  };
  std::string html = "<dl>\n";
  html += item("processor", escaped(machine.cpu) + fmt::format(", {} cores", machine.cores));
  html += item("governor", escaped(machine.governor));
  html += item("memory", page_quantity(static_cast<double>(machine.memory_bytes), "bytes"));
  html += item("kernel", escaped(machine.kernel));
  html += item("clock", escaped(machine.clock));
  html +=
      item("compiler", escaped(machine.compiler) + " <code>" + escaped(machine.compiler_flags) + "</code>");
  html += item("commit", "<code>" + escaped(machine.commit) + "</code>");
  if (!machine.libraries.empty()) html += item("libraries", pairs(machine.libraries));
  if (!machine.networks.empty()) html += item("networks", pairs(machine.networks));
  if (!machine.menus.empty()) html += item("menus", pairs(machine.menus));
  return html + "</dl>\n";
}

}  // namespace crible::bench
