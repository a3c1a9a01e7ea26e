#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "bench/report/result.hpp"

namespace crible::bench {

struct CompareOptions {
  double smallest_change = 0.05;  // a ratio less one: what is smaller does not matter to anybody
  double smallest_ns = 5;         // the same for times, absolute: reading the clock costs more
  double error_rate = 0.05;       // how often a comparison of equal builds may call any figure at all changed
};

/// `not_compared`: the files do not hold what a verdict needs; `reason` says what.
enum class Verdict { better, worse, indistinguishable, not_compared };

const char* word(Verdict verdict);

/// One figure, or one percentile of a latency, in both results.
struct Comparison {
  std::string suite;
  std::string name;
  std::string unit;
  Better better = Better::lower;
  double a = 0;  // medians of the repeats
  double b = 0;
  double change = 0;  // of the medians: b / a - 1
  double low = 0;  // 95 % interval of the change, by Welch's t on logarithms; not corrected for many figures
  double high = 0;
  double probability = 1;  // of such a difference between equal builds, after Holm's correction
  std::size_t repeats_a = 0;
  std::size_t repeats_b = 0;
  Verdict verdict = Verdict::not_compared;
  std::string reason;  // of a verdict that the numbers alone do not explain; else empty
};

struct Comparisons {
  CompareOptions options;
  std::vector<Comparison> figures;  // in the order of the second result
  double scatter =
      0;  // between the two runs beyond their repeats: the largest of the suites', as a ratio less one
  std::vector<std::string> only_a;  // "suite: name"
  std::vector<std::string> only_b;
  std::vector<std::string> differences;  // between the machines: "cpu: X / Y"
  std::vector<std::string> builds;       // differences of commit, compiler and flags: what is being compared

  std::size_t count(Verdict verdict) const;
};

/// Compares what both results hold, figure by figure. `a` is the one to compare with.
Comparisons compare(const Result& a, const Result& b, const CompareOptions& options = {});

/// 0: nothing is worse; 1: something is. Throws Error when there was nothing to compare: a check that
/// compared nothing has not passed.
int exit_status(const Comparisons& comparisons);

/// The table of at most 100 columns, what was only in one, the machines, and the statistics in words.
std::string comparison_text(const Comparisons& comparisons);

nlohmann::ordered_json to_json(const Comparisons& comparisons);

}  // namespace crible::bench
