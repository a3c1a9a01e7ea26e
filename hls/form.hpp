#pragma once

#include <cstdint>
#include <vector>

#include "hls/graph.hpp"

/// A number as a sum that is not carried out yet. Whoever needs it as a word adds what else belongs to it
/// first (a rounding constant, a second sum), so that constants and signs cost nothing of their own.
namespace crible::hls {

/// sign * (word << shift)
struct Part {
  WordId word = no_word;
  int shift = 0;
  bool negative = false;
};

struct Form {
  std::vector<Part> parts;
  std::int64_t offset = 0;

  static Form of(WordId word) { return {{{word, 0, false}}, 0}; }
  static Form constant(std::int64_t value) { return {{}, value}; }

  Form operator+(const Form& other) const;
  Form operator-() const;
  Form shifted(int shift) const;
  Form plus(std::int64_t constant) const;
};

/// Constants that do not fit 64 bits are refused.
std::int64_t product(std::int64_t a, std::int64_t b);
std::int64_t sum(std::int64_t a, std::int64_t b);

/// Carries the sum out as a tree of additions, the cheapest in bits that ends by `deadline` (in delay units),
/// or as early as the parts allow when that is later.
WordId materialise(Graph& graph, const Form& form, int deadline = 0);

/// The earliest that materialise can end.
int earliest_arrival(const Graph& graph, const Form& form);

/// Full-adder bits of an addition or subtraction: low bits that only pass through cost nothing.
int adder_bits(const Graph& graph, const Word& word);

}  // namespace crible::hls
