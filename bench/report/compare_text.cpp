#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/report/compare.hpp"
#include "bench/report/format.hpp"

namespace crible::bench {

namespace {

constexpr std::size_t columns = 100;
constexpr std::size_t name_columns = 35;

std::string list(const std::string& head, const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += wrapped(item, columns, 2);
  return items.empty() ? "" : head + "\n" + text;
}

std::string percent(double change) {
  return fmt::format("{:+.{}f}", 100 * change, std::abs(change) < 1 ? 1 : 0);
}

std::string interval(const Comparison& comparison) {
  return percent(comparison.low) + " .. " + percent(comparison.high) + " %";
}

bool tested(const Comparison& one) {
  return one.low < one.high;
}

std::string row(const Comparison& one) {
  const bool fits = one.name.size() <= name_columns;
  std::string text = fits ? "" : wrapped(one.name, columns, 2);
  text += "  " + left(fits ? one.name : "", name_columns) + right(quantity(one.a, one.unit), 9) +
          right(quantity(one.b, one.unit), 9) + right(tested(one) ? change_text(one.change) : "", 9) +
          right(tested(one) ? interval(one) : "", 17) + "  " + word(one.verdict) + "\n";
  return one.reason.empty() ? text : text + wrapped(one.reason, columns, 6);
}

std::string statistics_in_words(const Comparisons& comparisons) {
  const CompareOptions& options = comparisons.options;
  std::string words =
      "Statistics: medians of the repeats; Welch's t test on their logarithms, widened by the scatter "
      "between "
      "the two runs ";
  words += fmt::format("({:.2g} %, from the middle of all changes), Holm's correction for {} figures. ",
                       100 * comparisons.scatter,
                       comparisons.figures.size() - comparisons.count(Verdict::not_compared));
  words += fmt::format(
      "Better or worse: the corrected probability is below {:.3g}, the medians differ by {:.3g} % or more "
      "and, "
      "for times, by {:.3g} ns, and not because the floor moved by as much. ",
      options.error_rate, 100 * options.smallest_change, options.smallest_ns);
  words +=
      "Interval: 95 %, of this figure alone. Indistinguishable is not equal: the interval says how well it "
      "is "
      "known.";
  return wrapped(words, columns, 0);
}

}  // namespace

std::string comparison_text(const Comparisons& comparisons) {
  std::string text = list("what was built (first / second):", comparisons.builds);
  text += comparisons.differences.empty()
              ? "one machine, the same libraries, networks and menus\n"
              : list("THE MACHINES DIFFER (first / second): changes may come from them, not from the build",
                     comparisons.differences);
  text += "\n  " + left("", name_columns) + right("first", 9) + right("second", 9) + right("change", 9) +
          right("interval", 17) + "  verdict\n";
  std::string suite;
  for (const Comparison& one : comparisons.figures) {
    if (one.suite != suite) text += wrapped(one.suite, columns, 0);
    suite = one.suite;
    text += row(one);
  }
  text +=
      "\n" + list("only in the first:", comparisons.only_a) + list("only in the second:", comparisons.only_b);
  text +=
      fmt::format("{} worse, {} better, {} indistinguishable, {} not compared\n",
                  comparisons.count(Verdict::worse), comparisons.count(Verdict::better),
                  comparisons.count(Verdict::indistinguishable), comparisons.count(Verdict::not_compared));
  return text + statistics_in_words(comparisons);
}

nlohmann::ordered_json to_json(const Comparisons& comparisons) {
  using Json = nlohmann::ordered_json;
  Json figures = Json::array();
  for (const Comparison& one : comparisons.figures) {
    Json entry = {{"suite", one.suite},   {"name", one.name},
                  {"unit", one.unit},     {"verdict", word(one.verdict)},
                  {"reason", one.reason}, {"first", one.a},
                  {"second", one.b},      {"repeats", {one.repeats_a, one.repeats_b}}};
    if (tested(one))
      entry.update(
          Json{{"change", one.change}, {"interval", {one.low, one.high}}, {"probability", one.probability}});
    figures.push_back(entry);
  }
  return {
      {"worse", comparisons.count(Verdict::worse)},
      {"better", comparisons.count(Verdict::better)},
      {"indistinguishable", comparisons.count(Verdict::indistinguishable)},
      {"not_compared", comparisons.count(Verdict::not_compared)},
      {"smallest_change", comparisons.options.smallest_change},
      {"error_rate", comparisons.options.error_rate},
      {"smallest_ns", comparisons.options.smallest_ns},
      {"scatter_between_runs", comparisons.scatter},
      {"method", "Welch's t on logarithms of repeats, widened by the scatter between runs, Holm-corrected"},
      {"machine_differences", comparisons.differences},
      {"build_differences", comparisons.builds},
      {"only_first", comparisons.only_a},
      {"only_second", comparisons.only_b},
      {"figures", figures}};
}

}  // namespace crible::bench
