#pragma once

#include <cstdint>
#include <vector>

#include "hls/form.hpp"
#include "hls/graph.hpp"

/// Products of a constant matrix and a vector as shared additions: minimal signed digits, then common
/// two-term sub-expressions over the whole matrix, each computed once.
namespace crible::hls {

/// sign * (value << shift); `value` counts the program's inputs first, then its steps.
struct Digit {
  int value = 0;
  int shift = 0;
  bool negative = false;

  bool operator==(const Digit&) const = default;
};

/// value = x + (y << shift), or x - (y << shift).
struct AdderStep {
  int x = 0;
  int y = 0;
  int shift = 0;
  bool subtract = false;
};

/// A straight program of additions. The sum of rows[o] is output o; these last sums are left to whoever knows
/// what is added to them (a bias, a rounding constant, another row).
struct AdderProgram {
  int inputs = 0;
  std::vector<AdderStep> steps;
  std::vector<std::vector<Digit>> rows;
};

/// weights[outputs][inputs], C order; `inputs` are the ranges of the vector's elements (they steer what is
/// shared; the program is right for any). `extra_depth`: adder levels that a row may be deeper than
/// its shortest tree; negative: unbounded.
AdderProgram share(const std::vector<std::int64_t>& weights, const std::vector<Interval>& inputs,
                   int extra_depth);

/// The program's rows for these inputs, each an unfinished sum; the shared steps become words.
std::vector<Form> instantiate(Graph& graph, const AdderProgram& program, const std::vector<WordId>& inputs);

/// Canonical signed digits of a number, ascending: +-2^shift, no two neighbours. `value` is not used.
std::vector<Digit> canonical_digits(std::int64_t number);

}  // namespace crible::hls
