#pragma once

#include "sim/recheck/module.hpp"
#include "sim/recheck/sums.hpp"

namespace crible::sim::recheck {

/// Bits that are known to be a sum modulo 2^(number of bits).
struct Word {
  Nets nets;  // before all registers
  Sum sum;
};

/// One bit of a word.
struct Place {
  int word = 0;
  int bit = 0;
};

/// The words of a module that are known so far, and what cells make of them.
class Words {
 public:
  explicit Words(const Module& module) : module_(module) {}

  int variable(Interval bounds);
  const std::vector<Interval>& variables() const { return variables_; }
  Interval interval(const Sum& sum) const { return interval_of(sum, variables_); }

  void claim(const Nets& nets, const Sum& sum);
  const std::vector<Place>& places(Net root) const;
  const Word& operator[](int word) const { return words_[static_cast<std::size_t>(word)]; }

  /// The bits as a sum: exactly (width 0), or modulo 2^width when they are extended or cut to that width.
  /// Throws NotShown.
  Sum read(const Nets& nets, std::size_t width, bool is_signed) const;

  /// The output of a cell that adds, as far as anything reads it, and its bits. Throws NotShown.
  Word derive(const Cell& cell) const;

 private:
  bool read_word(const Nets& nets, std::size_t width, bool is_signed, int word, Sum& result) const;

  const Module& module_;
  std::vector<Interval> variables_;
  std::vector<Word> words_;
  std::map<Net, std::vector<Place>> places_;
};

}  // namespace crible::sim::recheck
