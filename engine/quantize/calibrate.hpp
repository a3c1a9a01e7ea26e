#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "engine/network/types.hpp"
#include "engine/quantize/evaluate.hpp"
#include "engine/quantize/program.hpp"

namespace crible::quantize {

/// Real inputs of many events: for each input of the program its values, event after event.
struct Rows {
  std::size_t events = 0;
  std::vector<std::vector<double>> inputs;

  /// One event, as Evaluator::run takes it.
  std::vector<std::span<const double>> event(std::size_t index) const;
};

/// Which part of what calibration saw a type must hold.
struct RangeRule {
  enum class Kind { all, percentile, least_error } kind = Kind::least_error;
  double percentile = 100;  // of the values, on either side
};

/// The values of one tensor over all calibration rows.
class Distribution {
 public:
  /// First pass: the limits. Zero is always inside.
  void widen(const std::vector<double>& values);
  /// Second pass: the shape between the limits.
  void count(const std::vector<double>& values);

  double low() const { return low_; }
  double high() const { return high_; }

  /// The type of `bits` bits, unsigned when nothing is negative, whose power-of-two step is best by the rule.
  network::Type type(int bits, const RangeRule& rule) const;

 private:
  static constexpr std::size_t bins = 4096;

  double centre(std::size_t bin) const;
  double squared_error(network::Type type) const;

  double low_ = 0;
  double high_ = 0;
  std::vector<std::size_t> counts_;
};

/// Evaluates the program on all rows, twice. `progress` is called with the number of events done of
/// 2 * rows.events. Throws Error when a value is not finite, naming the step and the event.
class Calibration {
 public:
  Calibration(const Program& program, const Rows& rows,
              const std::function<void(std::size_t)>& progress = {});

  const Distribution& of(StepId step, Slot slot = result_slot) const {
    return distributions_[static_cast<std::size_t>(step)][slot];
  }

 private:
  std::vector<std::vector<Distribution>> distributions_;
};

/// The largest fraction with which `bits` bits hold [low, high] after rounding.
int fitting_fraction(double low, double high, int bits, bool is_signed);

}  // namespace crible::quantize
