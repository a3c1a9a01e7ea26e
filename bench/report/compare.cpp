#include "bench/report/compare.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "bench/report/format.hpp"
#include "bench/report/statistics.hpp"
#include "engine/base/error.hpp"

namespace crible::bench {

namespace {

constexpr std::size_t fewest_repeats = 3;
constexpr double fewest_above = 10;  // samples that a percentile of one run must rest on

/// What is compared: a figure, or one percentile of a latency.
struct Subject {
  std::string name;
  std::string unit;
  Better better = Better::lower;
  std::vector<double> repeats;
  double load_hz = 0;  // 0: no load
  double floor = 0;    // 0: none
  std::uint64_t wrong = 0;
  std::string unusable;  // why it must not be used
};

struct LatencyMeasure {
  const char* name;
  double LatencyRepeat::*member;
  double share_above;
};

constexpr LatencyMeasure latency_measures[] = {{" p50", &LatencyRepeat::p50, 0.5},
                                               {" p99", &LatencyRepeat::p99, 0.01},
                                               {" p99.9", &LatencyRepeat::p999, 0.001}};

/// The floor's value at a percentile; 0 when it has none.
double floor_at(const Latency& latency, double p) {
  if (!latency.floor) return 0;
  for (const Percentile& one : latency.floor->percentiles)
    if (std::abs(one.p - p) < 1e-9) return one.ns;
  return 0;
}

Subject subject(const Figure& figure) {
  Subject result{figure.name, figure.unit, figure.better, figure.repeats, 0, 0, figure.wrong, {}};
  if (figure.floor) result.floor = figure.floor->value;
  if (!figure.invalid.empty()) result.unusable = "invalid: " + figure.invalid;
  return result;
}

Subject subject(const Latency& latency, const LatencyMeasure& measure) {
  Subject result{latency.name + measure.name, "ns", Better::lower, {}, latency.offered_hz, 0, 0, {}};
  for (const LatencyRepeat& repeat : latency.repeats) result.repeats.push_back(repeat.*measure.member);
  result.floor = floor_at(latency, 100 * (1 - measure.share_above));
  const double of_each = static_cast<double>(latency.count) /
                         static_cast<double>(std::max<std::size_t>(1, latency.repeats.size()));
  if (!latency.invalid.empty()) {
    result.unusable = "invalid: " + latency.invalid;
  } else if (of_each * measure.share_above < fewest_above) {
    result.unusable = "fewer than 10 samples of a run lie above this percentile";
  }
  return result;
}

std::vector<Subject> subjects(const Suite& suite) {
  std::vector<Subject> result;
  for (const Figure& figure : suite.figures) result.push_back(subject(figure));
  for (const Latency& latency : suite.latencies)
    for (const LatencyMeasure& measure : latency_measures) result.push_back(subject(latency, measure));
  for (const Curve& curve : suite.curves)
    if (curve.objective)
      result.push_back({curve.name + " at " + curve.objective->text,
                        "Hz",
                        Better::higher,
                        {curve.objective->highest_hz.value_or(0)},
                        0,
                        0,
                        0,
                        {}});
  return result;
}

bool near(double a, double b, double smallest_change) {
  return std::abs(std::log(a / b)) < std::log1p(smallest_change);
}

/// Why the two cannot be compared by their repeats; empty when they can.
std::string obstacle(const Subject& a, const Subject& b, const CompareOptions& options) {
  if (a.wrong > 0) return "the first result has wrong answers";
  if (!a.unusable.empty()) return "in the first result " + a.unusable;
  if (!b.unusable.empty()) return "in the second result " + b.unusable;
  if (a.unit != b.unit || a.better != b.better)
    return "the unit is " + a.unit + " in the first and " + b.unit + " in the second";
  if ((a.load_hz > 0 || b.load_hz > 0) && !near(a.load_hz, b.load_hz, options.smallest_change))
    return "the offered rates differ: " + rate_text(a.load_hz) + " and " + rate_text(b.load_hz);
  const std::size_t repeats = std::min(a.repeats.size(), b.repeats.size());
  if (repeats < fewest_repeats) return "has fewer than 3 repeats, which say nothing of its spread";
  const auto no_logarithm = [](double value) { return value <= 0; };
  if (std::any_of(a.repeats.begin(), a.repeats.end(), no_logarithm) ||
      std::any_of(b.repeats.begin(), b.repeats.end(), no_logarithm))
    return "has values of zero or below, which have no ratio";
  return {};
}

/// Fills in all but what the statistics say. It is `indistinguishable` when they are to be asked.
Comparison measure(const std::string& suite, const Subject& a, const Subject& b,
                   const CompareOptions& options) {
  Comparison result;
  result.suite = suite;
  result.name = b.name;
  result.unit = b.unit;
  result.better = b.better;
  result.repeats_a = a.repeats.size();
  result.repeats_b = b.repeats.size();
  if (!a.repeats.empty()) result.a = median(a.repeats);
  if (!b.repeats.empty()) result.b = median(b.repeats);
  if (b.wrong > 0 && a.wrong == 0) {
    result.verdict = Verdict::worse;
    result.reason = "the second result has " + count_text(b.wrong) + " wrong answers";
    return result;
  }
  result.reason = obstacle(a, b, options);
  if (!result.reason.empty()) return result;
  result.change = result.b / result.a - 1;
  result.verdict = Verdict::indistinguishable;
  return result;
}

/// A figure that the statistics decide on.
struct Open {
  Comparison* comparison;
  Shift shift;
  double floor_ratio;
};

/// Widens the shifts by the scatter between the runs: that of their own suite, or of all figures when the
/// suite has too few. Returns the largest deviation.
double add_scatter(std::vector<Open>& open) {
  std::vector<Shift> all;
  std::map<std::string, std::vector<Shift>> by_suite;
  for (const Open& one : open) {
    all.push_back(one.shift);
    by_suite[one.comparison->suite].push_back(one.shift);
  }
  double largest = 0;
  for (Open& one : open) {
    const std::vector<Shift>& own = by_suite[one.comparison->suite];
    const std::vector<Shift>& like = own.size() < fewest_for_scatter ? all : own;
    const double scatter = scatter_between_runs(like);
    one.shift = widened(one.shift, scatter, like.size());
    largest = std::max(largest, scatter);
  }
  return std::sqrt(largest);
}

/// Changed: beyond chance, beyond what matters, the medians and the means agreeing on the direction, and not
/// because the floor, which no build changes, moved by as much.
void decide(Comparison& comparison, double floor_ratio, const CompareOptions& options) {
  const double ratio = 1 + comparison.change;
  if (comparison.unit == "ns" && std::abs(comparison.b - comparison.a) < options.smallest_ns) return;
  const bool up = ratio > 1;
  const bool interval_agrees = up ? comparison.low > 0 : comparison.high < 0;
  if (comparison.probability >= options.error_rate || !interval_agrees ||
      near(ratio, 1, options.smallest_change))
    return;
  const double beyond_floor = ratio / floor_ratio;
  if (near(beyond_floor, 1, options.smallest_change) || (beyond_floor > 1) != up) {
    comparison.reason =
        "its floor changed by " + change_text(floor_ratio - 1) + ": the machine, not the build";
    return;
  }
  comparison.verdict = up == (comparison.better == Better::higher) ? Verdict::better : Verdict::worse;
}

void note_difference(std::vector<std::string>& notes, const std::string& what, const std::string& a,
                     const std::string& b) {
  if (a != b) notes.push_back(what + ": " + (a.empty() ? "none" : a) + " / " + (b.empty() ? "none" : b));
}

using Texts = std::map<std::string, std::string>;

/// Of what both name; what one alone names is not a difference of these two runs' common figures.
void note_differences(std::vector<std::string>& notes, const std::string& what, const Texts& a,
                      const Texts& b) {
  for (const auto& [name, text] : a)
    if (const auto other = b.find(name); other != b.end())
      note_difference(notes, what + name, text, other->second);
}

void compare_machines(const Machine& a, const Machine& b, Comparisons& result) {
  note_difference(result.differences, "cpu", a.cpu, b.cpu);
  note_difference(result.differences, "cores", std::to_string(a.cores), std::to_string(b.cores));
  note_difference(result.differences, "governor", a.governor, b.governor);
  note_difference(result.differences, "kernel", a.kernel, b.kernel);
  note_difference(result.differences, "memory", quantity(static_cast<double>(a.memory_bytes), "bytes"),
                  quantity(static_cast<double>(b.memory_bytes), "bytes"));
  note_difference(result.differences, "clock", a.clock, b.clock);
  note_differences(result.differences, "library ", a.libraries, b.libraries);
  note_differences(result.differences, "network ", a.networks, b.networks);
  note_differences(result.differences, "menu ", a.menus, b.menus);
  note_difference(result.builds, "commit", a.commit, b.commit);
  note_difference(result.builds, "compiler", a.compiler, b.compiler);
  note_difference(result.builds, "flags", a.compiler_flags, b.compiler_flags);
}

const Suite* find_suite(const Result& result, const std::string& name) {
  for (const Suite& suite : result.suites)
    if (suite.name == name) return &suite;
  return nullptr;
}

std::map<std::string, Subject> by_name(const Suite* suite) {
  std::map<std::string, Subject> result;
  if (suite)
    for (Subject& one : subjects(*suite)) result.emplace(one.name, std::move(one));
  return result;
}

/// Adds to `only` what `suite` has and `other` has not.
void note_missing(const Suite& suite, const std::map<std::string, Subject>& other,
                  std::vector<std::string>& only) {
  for (const Subject& one : subjects(suite))
    if (!other.contains(one.name)) only.push_back(suite.name + ": " + one.name);
}

}  // namespace

const char* word(Verdict verdict) {
  switch (verdict) {
    case Verdict::better:
      return "better";
    case Verdict::worse:
      return "worse";
    case Verdict::indistinguishable:
      return "indistinguishable";
    case Verdict::not_compared:
      return "not compared";
  }
  return "";
}

std::size_t Comparisons::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      figures.begin(), figures.end(), [verdict](const Comparison& one) { return one.verdict == verdict; }));
}

Comparisons compare(const Result& a, const Result& b, const CompareOptions& options) {
  Comparisons result;
  result.options = options;
  compare_machines(a.machine, b.machine, result);
  for (const Suite& suite : a.suites) note_missing(suite, by_name(find_suite(b, suite.name)), result.only_a);
  std::vector<std::pair<Subject, Subject>> pairs;
  for (const Suite& suite : b.suites) {
    const auto first = by_name(find_suite(a, suite.name));
    note_missing(suite, first, result.only_b);
    for (const Subject& second : subjects(suite)) {
      const auto found = first.find(second.name);
      if (found == first.end()) continue;
      pairs.emplace_back(found->second, second);
      result.figures.push_back(measure(suite.name, found->second, second, options));
    }
  }
  std::vector<Open> open;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const auto& [first, second] = pairs[i];
    if (result.figures[i].verdict != Verdict::indistinguishable) continue;
    open.push_back({&result.figures[i], shift_of_logarithms(first.repeats, second.repeats),
                    first.floor > 0 && second.floor > 0 ? second.floor / first.floor : 1});
  }
  result.scatter = add_scatter(open);
  std::vector<double> probabilities;
  for (const Open& one : open) probabilities.push_back(one.shift.probability());
  const std::vector<double> corrected = holm(probabilities);
  for (std::size_t i = 0; i < open.size(); ++i) {
    Comparison& comparison = *open[i].comparison;
    comparison.low = open[i].shift.low() - 1;
    comparison.high = open[i].shift.high() - 1;
    comparison.probability = corrected[i];
    decide(comparison, open[i].floor_ratio, options);
  }
  return result;
}

int exit_status(const Comparisons& comparisons) {
  if (comparisons.count(Verdict::not_compared) == comparisons.figures.size())
    throw Error(
        "the two results have no figure that can be compared; run the same suites of `crible bench` for "
        "both, "
        "with at least 3 repeats");
  return comparisons.count(Verdict::worse) > 0 ? 1 : 0;
}

}  // namespace crible::bench
