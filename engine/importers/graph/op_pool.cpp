#include <algorithm>

#include "engine/base/error.hpp"
#include "engine/importers/graph/arithmetic.hpp"

namespace crible::importers::graph {

namespace {

/// Coefficients that are the same within each channel, so that windows do not mix different scales.
bool by_channel(const Coefficients& a) {
  const Spread spread = spread_of(a);
  return spread.kind == Spread::Kind::tensor || (spread.kind == Spread::Kind::axis && spread.axis == 1);
}

bool none_negative(const Coefficients& a) {
  return std::all_of(a.values.begin(), a.values.end(), [](const Real& value) { return value.sign() >= 0; });
}

void require_computed(const Scope& scope) {
  if (scope.in(0).is_constant()) throw Error("its input is a constant; fold constants before the import");
}

Value max_pool_of(const Scope& scope, const ConvolutionAttributes& attributes, bool round_up) {
  Lowering& lowering = scope.lowering();
  const Value& x = scope.in(0);
  const network::Window window = window_of(x, attributes, round_up);
  Value input = lowering.emit(x);
  // The maximum of reals is that of the integers where the scale is not negative; a relu may come later.
  if (!by_channel(input.scale) || !by_channel(input.offset) || !none_negative(input.scale))
    input = lowering.emit_plain(x);
  Value result = input;
  result.shape = window_result(x, window);
  result.node = lowering.builder().add(lowering.next_name(), network::Pool{network::PoolKind::max, window},
                                       {input.node});
  return result;
}

void max_pool(const Scope& scope) {
  require_computed(scope);
  const Operator& op = scope.op();
  if (op.outputs.size() > 1 && !op.outputs[1].empty())
    throw Error("it also gives indices, which are not supported");
  scope.out(max_pool_of(scope, convolution_attributes(op), op.integer("ceil_mode", 0) != 0));
}

ConvolutionAttributes whole_space(const Value& x) {
  ConvolutionAttributes attributes;
  attributes.auto_pad = "NOTSET";
  if (x.rank() < 3) throw Error("its input has no spatial axis");
  attributes.kernel.assign(x.shape.begin() + 2, x.shape.end());
  return attributes;
}

/// Positions of each window along one axis that lie in [first, last).
std::vector<std::int64_t> covered(const network::Window& window, std::size_t axis, std::int64_t positions,
                                  std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> counts;
  for (std::int64_t position = 0; position < positions; ++position) {
    std::int64_t count = 0;
    for (std::int64_t k = 0; k < window.kernel[axis]; ++k) {
      const std::int64_t at =
          position * window.stride[axis] + k * window.dilation[axis] - window.pad_before[axis];
      count += at >= first && at < last;
    }
    counts.push_back(count);
  }
  return counts;
}

/// How many positions of each window count, over all spatial axes.
Coefficients window_counts(const Value& x, const Extents& shape, const network::Window& window,
                           const std::vector<std::int64_t>& margin_before,
                           const std::vector<std::int64_t>& margin_after) {
  Coefficients counts = Coefficients::uniform(x.rank(), 1);
  for (std::size_t axis = 0; axis < window.kernel.size(); ++axis) {
    Coefficients along{Extents(x.rank(), 1), {}};
    along.shape[axis + 2] = shape[axis + 2];
    for (const std::int64_t count :
         covered(window, axis, shape[axis + 2], -margin_before[axis], x.shape[axis + 2] + margin_after[axis]))
      along.values.push_back(Real(Rational(count)));
    counts = simplify(combine(counts, simplify(along), [](const Real& a, const Real& b) { return a * b; }));
  }
  return counts;
}

Value average_pool_of(Lowering& lowering, const Value& x, const ConvolutionAttributes& attributes,
                      bool round_up, bool count_pads) {
  const network::Window exact = window_of(x, attributes, false);
  const network::Window window = window_of(x, attributes, round_up);
  Value input = lowering.emit_unclamped(x);
  if (!by_channel(input.scale) || !by_channel(input.offset)) input = lowering.emit_plain(x);
  Value result = input;
  result.is_integer = false;
  result.shape = window_result(x, window);
  const std::vector<std::int64_t> none(window.kernel.size(), 0);
  // Padding counts as real zeros, but never the margin that only rounding up adds.
  const Coefficients inside = window_counts(x, result.shape, window, none, none);
  const Coefficients counted =
      count_pads ? window_counts(x, result.shape, window, {exact.pad_before.begin(), exact.pad_before.end()},
                                 {exact.pad_after.begin(), exact.pad_after.end()})
                 : inside;
  // sum over the window of (scale * q + offset) = scale * sum(q) + offset * inside; then divided by the
  // count.
  result.scale = simplify(combine(input.scale, counted, [](const Real& s, const Real& n) { return s / n; }));
  const Coefficients share = combine(inside, counted, [](const Real& i, const Real& n) { return i / n; });
  result.offset =
      simplify(combine(input.offset, share, [](const Real& o, const Real& part) { return o * part; }));
  result.node = lowering.builder().add(lowering.next_name(), network::Pool{network::PoolKind::sum, window},
                                       {input.node});
  return result;
}

void average_pool(const Scope& scope) {
  require_computed(scope);
  scope.out(average_pooled(scope.lowering(), scope.in(0), scope.op()));
}

void global_average_pool(const Scope& scope) {
  require_computed(scope);
  scope.out(globally_averaged(scope.lowering(), scope.in(0)));
}

void global_max_pool(const Scope& scope) {
  require_computed(scope);
  scope.out(max_pool_of(scope, whole_space(scope.in(0)), false));
}

}  // namespace

Value average_pooled(Lowering& lowering, const Value& x, const Operator& op) {
  return average_pool_of(lowering, x, convolution_attributes(op), op.integer("ceil_mode", 0) != 0,
                         op.integer("count_include_pad", 0) != 0);
}

Value globally_averaged(Lowering& lowering, const Value& x) {
  return average_pool_of(lowering, x, whole_space(x), false, false);
}

std::vector<OperatorEntry> pool_operators() {
  return {
      {"", "MaxPool", max_pool},
      {"", "AveragePool", average_pool},
      {"", "GlobalAveragePool", global_average_pool},
      {"", "GlobalMaxPool", global_max_pool},
  };
}

}  // namespace crible::importers::graph
