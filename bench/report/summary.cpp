#include "bench/report/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "bench/report/format.hpp"

namespace crible::bench {

namespace {

constexpr std::size_t columns = 100;
constexpr std::size_t name_columns = 41;

/// The name in its column, or on a line of its own when it is longer.
std::string name_cell(const std::string& name, std::size_t indent = 2) {
  const std::string blanks(indent, ' ');
  if (name.size() + indent < name_columns + 2) return left(blanks + name, name_columns + 2);
  return wrapped(name, columns, indent) + std::string(name_columns + 2, ' ');
}

std::string invalid_line(const std::string& why) {
  return wrapped("INVALID, do not use: " + why, columns, 6);
}

std::string figure_rows(const Suite& suite) {
  if (suite.figures.empty()) return {};
  std::string text = "  " + left("", name_columns) + right("median", 11) + right("95 % interval", 25) +
                     right("floor", 11) + right("ratio", 9) + "\n";
  for (const Figure& figure : suite.figures) {
    const double ratio = floor_ratio(figure);
    text += line(name_cell(figure.name) + right(quantity(figure.median, figure.unit), 11) +
                 right(quantity(figure.low, figure.unit) + " .. " + quantity(figure.high, figure.unit), 25) +
                 right(figure.floor ? quantity(figure.floor->value, figure.unit) : "", 11) +
                 right(ratio > 0 ? number_text(ratio) : "", 9));
    if (!figure.invalid.empty()) text += invalid_line(figure.invalid);
    if (figure.wrong > 0)
      text += wrapped(
          fmt::format("WRONG: {} of {} answers", count_text(figure.wrong), count_text(figure.checked)),
          columns, 6);
  }
  return text;
}

/// The percentiles of the summary, as far as they were measured.
std::string latency_row(const std::string& name, const std::function<std::string(double)>& cell) {
  std::string text = name;
  for (const double p : {50.0, 99.0, 99.9, 99.99, 100.0}) text += right(cell(p), 11);
  return line(text);
}

const Percentile* at(const std::vector<Percentile>& percentiles, double p) {
  for (const Percentile& one : percentiles)
    if (std::abs(one.p - p) < 1e-9) return &one;
  return nullptr;
}

std::string budget_line(const Latency& latency) {
  if (latency.stages.empty()) return {};
  std::string text = "mean " + time_text(latency.mean) + ":";
  const char* separator = " ";
  for (const Stage& stage : latency.stages) {
    const double share = latency.mean > 0 ? stage.mean / latency.mean : 0;
    text += fmt::format("{}{} {:.0f} %", separator, stage.name, 100 * share);
    separator = ", ";
  }
  if (std::abs(budget_gap(latency)) > largest_budget_gap)
    text += fmt::format("; THE STAGES DO NOT ADD UP: {}", change_text(budget_gap(latency)));
  return wrapped(text, columns, 6);
}

std::string latency_rows(const Suite& suite) {
  if (suite.latencies.empty()) return {};
  std::string text = latency_row("  " + left("", name_columns), percentile_name);
  for (const Latency& latency : suite.latencies) {
    text += latency_row(name_cell(latency.name), [&](double p) {
      if (p == 100) return time_text(latency.max);
      const Percentile* one = at(latency.percentiles, p);
      return one ? time_text(one->ns) : "";
    });
    if (latency.floor)
      text += latency_row(name_cell("over " + latency.floor->name, 6), [&](double p) {
        const Percentile* one = at(latency.percentiles, p);
        const double ratio = one ? floor_ratio(latency, *one) : 0;
        return ratio > 0 ? "x " + number_text(ratio) : "";
      });
    text += wrapped(
        fmt::format("{}, offered {}, achieved {}, {} events", latency.arrivals, rate_text(latency.offered_hz),
                    rate_text(latency.achieved_hz), count_text(latency.count)),
        columns, 6);
    text += budget_line(latency);
    if (!latency.invalid.empty()) text += invalid_line(latency.invalid);
  }
  return text;
}

std::string curve_rows(const Suite& suite) {
  std::string text;
  for (const Curve& curve : suite.curves) {
    std::string words = fmt::format("{}: {} rates", curve.name, curve.points.size());
    if (curve.objective)
      words += curve.objective->highest_hz
                   ? ", " + curve.objective->text + " holds up to " + rate_text(*curve.objective->highest_hz)
                   : ", " + curve.objective->text + " holds at no rate";
    text += wrapped(words, columns, 2);
  }
  return text;
}

std::string cell_text(const Cell& cell) {
  if (const auto* number = std::get_if<double>(&cell))
    return *number == std::floor(*number) && *number < 1e15 && *number >= 0
               ? count_text(static_cast<std::uint64_t>(*number))
               : number_text(*number);
  return std::get<std::string>(cell);
}

/// As wide as the widest cell; when they do not all fit, the widest columns are cut to one width.
std::vector<std::size_t> column_widths(const std::vector<std::vector<std::string>>& lines) {
  std::vector<std::size_t> widths(lines.front().size());
  for (const auto& cells : lines)
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  const auto fits = [&] {
    std::size_t sum = 2;
    for (const std::size_t width : widths) sum += 2 + width;
    return sum <= columns;
  };
  while (!fits()) {
    std::size_t& widest = *std::max_element(widths.begin(), widths.end());
    if (widest <= 4) break;
    --widest;
  }
  return widths;
}

std::string table_rows(const Table& table) {
  const char* kind = table.kind == TableKind::model ? " (A MODEL, not measured)" : " (measured)";
  std::string text = wrapped(table.name + kind, columns, 2);
  if (table.columns.empty()) return text;
  std::vector<std::vector<std::string>> lines{table.columns};
  for (const auto& row : table.rows) {
    lines.emplace_back();
    for (const Cell& cell : row) lines.back().push_back(cell_text(cell));
  }
  const std::vector<std::size_t> widths = column_widths(lines);
  for (const auto& cells : lines) {
    std::string row = "  ";
    for (std::size_t i = 0; i < cells.size(); ++i) row += "  " + right(cells[i], widths[i]);
    text += line(row);
  }
  return text;
}

std::string head(const Result& result) {
  const Machine& machine = result.machine;
  return wrapped(fmt::format("{}: {:.0f} s, {}", result.command, result.duration_s, result.created), columns,
                 0) +
         wrapped(fmt::format("{}, {} cores, governor {}, {}, Linux {}", machine.cpu, machine.cores,
                             machine.governor.empty() ? "unknown" : machine.governor,
                             quantity(static_cast<double>(machine.memory_bytes), "bytes"), machine.kernel),
                 columns, 0) +
         wrapped(fmt::format("clock {}; {} {}; commit {}", machine.clock, machine.compiler,
                             machine.compiler_flags, machine.commit),
                 columns, 0);
}

}  // namespace

Checks checks(const Result& result) {
  Checks sum;
  for (const Suite& suite : result.suites) {
    for (const Figure& figure : suite.figures) {
      sum.checked += figure.checked;
      sum.wrong += figure.wrong;
      sum.invalid += figure.invalid.empty() ? 0 : 1;
    }
    for (const Latency& latency : suite.latencies) sum.invalid += latency.invalid.empty() ? 0 : 1;
    for (const Curve& curve : suite.curves)
      for (const CurvePoint& point : curve.points) sum.invalid += point.invalid.empty() ? 0 : 1;
  }
  return sum;
}

std::string checks_text(const Checks& checks) {
  return fmt::format("answers checked: {}, wrong: {}; invalid results: {}", count_text(checks.checked),
                     count_text(checks.wrong), count_text(checks.invalid));
}

double floor_ratio(const Figure& figure) {
  return figure.floor && figure.floor->value > 0 ? figure.median / figure.floor->value : 0;
}

double floor_ratio(const Latency& latency, const Percentile& percentile) {
  if (!latency.floor) return 0;
  const Percentile* floor = at(latency.floor->percentiles, percentile.p);
  return floor && floor->ns > 0 ? percentile.ns / floor->ns : 0;
}

double budget_gap(const Latency& latency) {
  if (latency.stages.empty() || latency.mean <= 0) return 0;
  double sum = 0;
  for (const Stage& stage : latency.stages) sum += stage.mean;
  return sum / latency.mean - 1;
}

std::string terminal_summary(const Result& result) {
  std::string text = head(result);
  for (const Suite& suite : result.suites) {
    text +=
        "\n" + wrapped(suite.name, columns, 0) + figure_rows(suite) + latency_rows(suite) + curve_rows(suite);
    for (const Table& table : suite.tables) text += table_rows(table);
    for (const std::string& note : suite.notes) text += wrapped("note: " + note, columns, 2);
  }
  return text + "\n" + checks_text(checks(result)) + "\n";
}

}  // namespace crible::bench
