#include "bench/report/rules.hpp"

#include <set>

namespace crible::bench {

namespace {

std::string place(const Suite& suite, const std::string& name) {
  return "suite '" + suite.name + "', '" + name + "'";
}

template <class T>
std::string repeated_name(const Suite& suite, const std::vector<T>& items, const char* what) {
  std::set<std::string> names;
  for (const T& item : items)
    if (!names.insert(item.name).second) return place(suite, item.name) + ": two " + what + " have this name";
  return {};
}

std::string broken_percentiles(const std::vector<Percentile>& percentiles) {
  for (std::size_t i = 0; i < percentiles.size(); ++i) {
    const Percentile& one = percentiles[i];
    if (one.p < 0 || one.p > 100) return "a percentile is not between 0 and 100";
    if (i > 0 && (one.p <= percentiles[i - 1].p || one.ns < percentiles[i - 1].ns))
      return "the percentiles do not rise";
  }
  return {};
}

std::string broken_latency(const Latency& latency) {
  if (std::string broken = broken_percentiles(latency.percentiles); !broken.empty()) return broken;
  if (latency.floor)
    if (std::string broken = broken_percentiles(latency.floor->percentiles); !broken.empty())
      return broken + " (those of its floor)";
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < latency.histogram.size(); ++i) {
    if (i > 0 && latency.histogram[i].upper_edge_ns <= latency.histogram[i - 1].upper_edge_ns)
      return "the edges of its histogram do not rise";
    count += latency.histogram[i].count;
  }
  if (!latency.histogram.empty() && count != latency.count)
    return "its histogram holds " + std::to_string(count) + " samples, its count is " +
           std::to_string(latency.count);
  return {};
}

std::string broken_suite(const Suite& suite) {
  if (std::string broken = repeated_name(suite, suite.figures, "figures"); !broken.empty()) return broken;
  if (std::string broken = repeated_name(suite, suite.latencies, "latencies"); !broken.empty()) return broken;
  if (std::string broken = repeated_name(suite, suite.curves, "curves"); !broken.empty()) return broken;
  for (const Figure& figure : suite.figures)
    if (figure.wrong > figure.checked)
      return place(suite, figure.name) + ": more wrong answers than checked ones";
  for (const Latency& latency : suite.latencies)
    if (std::string broken = broken_latency(latency); !broken.empty())
      return place(suite, latency.name) + ": " + broken;
  for (const Table& table : suite.tables)
    for (const auto& row : table.rows)
      if (row.size() != table.columns.size())
        return place(suite, table.name) + ": a row has " + std::to_string(row.size()) + " cells, not " +
               std::to_string(table.columns.size());
  return {};
}

}  // namespace

std::string broken_rule(const Result& result) {
  std::set<std::string> names;
  for (const Suite& suite : result.suites) {
    if (!names.insert(suite.name).second) return "suite '" + suite.name + "': stands twice";
    if (std::string broken = broken_suite(suite); !broken.empty()) return broken;
  }
  return {};
}

}  // namespace crible::bench
