#include <string_view>
#include <unordered_map>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/strides.hpp"

/// Dense: rows with equal input intervals are analysed once.
namespace crible::network::rules {

namespace {

void check_weights(const Call& call, const std::vector<std::int64_t>& weights) {
  constexpr Type weight_type{true, 32, 0};
  for (const std::int64_t weight : weights) {
    if (!contains(weight_type, weight)) {
      call.fail("has the weight " + std::to_string(weight) + ", which needs more than 32 bits; rescale it");
    }
  }
}

void check_fraction(const Call& call, int fraction) {
  call.require(fraction >= -max_fraction && fraction <= max_fraction,
               "has fraction bits beyond 4096; rescale its weights");
}

void check_stored(const Call& call, Type type) {
  if (type.width > 32) call.fail("has a 64-bit input; requantize it to at most 32 bits first");
}

}  // namespace

Result dense_rule(const Call& call, const Dense& dense) {
  call.require_inputs(1);
  const Operand& x = call[0];
  check_stored(call, x.type());
  call.require(dense.outputs > 0 && dense.inputs > 0, "has no outputs or inputs; both are at least 1");
  const auto outputs = static_cast<std::size_t>(dense.outputs);
  const auto inputs = static_cast<std::size_t>(dense.inputs);
  if (x.shape().empty() || x.shape().back() != dense.inputs) {
    call.fail("contracts " + std::to_string(inputs) + " elements, but its input has the shape " +
              network::to_string(x.shape()) + "; its last extent must be equal");
  }
  call.require(dense.weights.size() / outputs == inputs && dense.weights.size() % outputs == 0,
               "has not outputs x inputs weights");
  call.require(dense.bias.size() == outputs, "has not one bias for each output");
  check_weights(call, dense.weights);
  check_fraction(call, dense.weight_fraction);

  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = x.type().fraction + dense.weight_fraction;
  result.shape = x.shape();
  result.shape.back() = dense.outputs;
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  call.require_operations(element_count(result.shape), inputs);

  std::unordered_map<std::string_view, std::size_t> first_with;  // input row's bytes -> its result row
  const std::size_t rows = x.range->size() / inputs;
  result.range.reserve(rows * outputs);
  for (std::size_t row = 0; row < rows; ++row) {
    const Interval* intervals = x.range->data() + row * inputs;
    const std::string_view bytes(reinterpret_cast<const char*>(intervals), inputs * sizeof(Interval));
    const auto [known, is_new] = first_with.emplace(bytes, row);
    for (std::size_t o = 0; o < outputs; ++o) {
      if (!is_new) {
        const Interval copy = result.range[known->second * outputs + o];
        result.range.push_back(copy);
        continue;
      }
      const LinearBounds bounds =
          linear_bounds(dense.weights.data() + o * inputs, intervals, inputs, dense.bias[o]);
      include(result.sums, bounds.sums);
      result.range.push_back(narrow(bounds.total));
    }
  }
  return result;
}

}  // namespace crible::network::rules
