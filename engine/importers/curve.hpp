#pragma once

#include <string>
#include <vector>

#include "engine/importers/step.hpp"

namespace crible::importers {

/// Curves whose quantized values an integer network holds as steps.
enum class Curve { sigmoid, tanh };

/// A quantizer behind a curve: k(q) = clamp(round(curve(scale * q + offset) * factor + shift) + zero_point,
/// low, high). The numbers of the step function are those of the curve's argument.
struct CurveQuantizer {
  Curve curve = Curve::sigmoid;
  StepFunction argument;
  Rational factor = 1;  // of the curve's value: 1 / the quantizer's step
  Rational shift = 0;   // the zero point inside the rounding
};

/// An interval of integers [low, high] that holds ln(value) * 2^bits; value > 0. It is a few units wide.
struct LogBounds {
  Integer low;
  Integer high;
};
LogBounds log_bounds(const Rational& value, int bits);

/// The breakpoints of each row, exactly. The curve's value at a rational or algebraic argument is
/// transcendental (but for argument 0), so it never lies on a rounding edge, and intervals of rising
/// precision decide each step. Throws Error when a row has more than 65536 steps.
ThresholdRows as_thresholds(const std::vector<CurveQuantizer>& rows);

}  // namespace crible::importers
