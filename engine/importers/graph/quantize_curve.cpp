#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/importers/curve.hpp"
#include "engine/importers/graph/lowering.hpp"

namespace crible::importers::graph {

namespace {

using network::Interval;

// Up to here a table is smaller and faster than the thresholds of eight bits.
constexpr std::int64_t most_table_entries = 4096;

Curve curve_of(const std::string& dropped) {
  if (dropped == "Tanh") return Curve::tanh;
  if (dropped == "Sigmoid") return Curve::sigmoid;
  throw Error("it quantizes a " + dropped +
              ", which has no exact integer form inside a network; end the model before it");
}

Rational rational(const Real& value) {
  if (!value.is_rational()) throw Error("it quantizes a curve with a scale that is no rational number");
  return value.rational();
}

/// One row for each group of elements with the same numbers, and the shape over which they are spread.
struct CurveRows {
  Extents shape;
  std::vector<CurveQuantizer> rows;
};

CurveRows rows_of(const Value& value, const Quantizer& quantizer, const std::vector<Interval>& ranges) {
  std::vector<Coefficients> parts{value.scale, value.offset, quantizer.scale, quantizer.zero_inside,
                                  quantizer.zero_after};
  CurveRows result;
  for (Coefficients& part : parts) {
    part = simplify(std::move(part));
    result.shape = broadcast(result.shape, part.shape);
  }
  if (result.shape.size() > value.rank()) throw Error("its scale has more axes than its input");
  result.shape = with_rank(result.shape, value.rank());
  const Coefficients probe{result.shape, std::vector<Real>(element_count(result.shape))};
  if (spread_of(probe).kind == Spread::Kind::element) result.shape = value.shape;
  for (Coefficients& part : parts) part = expand(part, result.shape);
  for (std::size_t i = 0; i < parts[0].values.size(); ++i) {
    const StepFunction argument{
        parts[0].values[i], parts[1].values[i], to_int64(parts[4].values[i].floor()).value_or(0),
        quantizer.rounding, quantizer.low,      quantizer.high,
        Interval{1, 0}};
    result.rows.push_back(
        {curve_of(value.dropped), argument, 1 / rational(parts[2].values[i]), rational(parts[3].values[i])});
  }
  const auto row_of_element = broadcast_indices(result.shape, value.shape);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    Interval& range = result.rows[row_of_element[i]].argument.range;
    range = range.low > range.high
                ? ranges[i]
                : Interval{std::min(range.low, ranges[i].low), std::max(range.high, ranges[i].high)};
  }
  return result;
}

network::Lookup as_table(const ThresholdRows& row, Interval range) {
  network::Lookup table;
  table.first = range.low;
  for (std::int64_t q = range.low; q <= range.high; ++q) {
    const auto passed =
        std::upper_bound(row.thresholds.begin(), row.thresholds.end(), q) - row.thresholds.begin();
    table.table.push_back(row.base[0] + row.sign[0] * static_cast<std::int64_t>(passed));
  }
  return table;
}

}  // namespace

Value Lowering::quantize_curve(const Value& argument, const Quantizer& quantizer) {
  Value value = emit_unclamped(argument);
  const CurveRows curves = rows_of(value, quantizer, builder_.range(value.node));
  const ThresholdRows steps = as_thresholds(curves.rows);
  const network::Type type = result_type(quantizer);
  const Interval range = curves.rows[0].argument.range;
  network::Operation operation;
  if (curves.rows.size() == 1 && range.high - range.low < most_table_entries) {
    operation = as_table(steps, range);
  } else {
    const Spread spread = spread_of({curves.shape, std::vector<Real>(element_count(curves.shape))});
    network::Threshold node;
    node.steps = steps.steps;
    node.thresholds = steps.thresholds;
    node.base = steps.base;
    node.sign = steps.sign;
    node.axis = spread.kind == Spread::Kind::axis ? axis_of(value, spread.axis) : 0;
    operation = std::move(node);
  }
  report_.exactness.tables += 1;
  value.node = builder_.add(next_name(), std::move(operation), {value.node}, type);
  value.dropped.clear();
  value.dropped_axis = -1;
  decode(value, quantizer);
  return value;
}

}  // namespace crible::importers::graph
