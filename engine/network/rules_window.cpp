#include <algorithm>

#include "engine/network/limits.hpp"
#include "engine/network/rules.hpp"
#include "engine/network/window.hpp"

/// Conv and pool. Output positions whose windows meet equal intervals are analysed once.
namespace crible::network::rules {

namespace {

/// Input intervals of one channel under the window at an output position; `padding` outside.
void gather_channel(const WindowPlan& plan, const std::vector<Interval>& range, int channel, int row,
                    int column, Interval padding, std::vector<Interval>& patch) {
  for (int ky = 0; ky < plan.y.kernel; ++ky) {
    const int y = plan.y.position(row, ky);
    for (int kx = 0; kx < plan.x.kernel; ++kx) {
      const int x = plan.x.position(column, kx);
      const bool inside = y >= 0 && x >= 0;
      const auto at = (static_cast<std::size_t>(channel) * static_cast<std::size_t>(plan.y.extent) +
                       static_cast<std::size_t>(inside ? y : 0)) *
                          static_cast<std::size_t>(plan.x.extent) +
                      static_cast<std::size_t>(inside ? x : 0);
      patch.push_back(inside ? range[at] : padding);
    }
  }
}

/// Fills the result's ranges: `analyse(row, column)` gives the intervals of all result channels at one
/// position, and is called once for each pair of classes.
template <class Analyse>
std::vector<Interval> spread(const WindowPlan& plan, const WindowClasses& classes, Analyse analyse) {
  const auto channels = static_cast<std::size_t>(plan.result[0]);
  const std::size_t column_classes = classes.first_column.size();
  std::vector<std::vector<Interval>> by_class;
  for (const int row : classes.first_row) {
    for (const int column : classes.first_column) by_class.push_back(analyse(row, column));
  }
  std::vector<Interval> range;
  range.reserve(element_count(plan.result));
  for (std::size_t channel = 0; channel < channels; ++channel) {
    for (const int row_class : classes.row_class) {
      for (const int column_class : classes.column_class) {
        const std::size_t pair =
            static_cast<std::size_t>(row_class) * column_classes + static_cast<std::size_t>(column_class);
        range.push_back(by_class[pair][channel]);
      }
    }
  }
  return range;
}

void check_conv(const Call& call, const Conv& conv, const WindowPlan& plan) {
  if (call[0].type().width > 32) call.fail("has a 64-bit input; requantize it to at most 32 bits first");
  call.require(conv.filters > 0 && conv.groups > 0, "has no filters or groups; both are at least 1");
  call.require(conv.filters % conv.groups == 0 && plan.channels % conv.groups == 0,
               "has filters or channels that its groups do not divide");
  const auto wanted =
      static_cast<std::size_t>(conv.filters) * static_cast<std::size_t>(plan.channels / conv.groups);
  call.require(conv.weights.size() % wanted == 0 && conv.weights.size() / wanted == plan.taps(),
               "has not filters x channels / groups x kernel weights");
  call.require(conv.bias.size() == static_cast<std::size_t>(conv.filters),
               "has not one bias for each filter");
  constexpr Type weight_type{true, 32, 0};
  for (const std::int64_t weight : conv.weights) {
    call.require(contains(weight_type, weight), "has a weight that needs more than 32 bits; rescale it");
  }
  call.require(contains(call[0].type(), conv.pad_value), "has a pad_value outside the type of its input");
  call.require(conv.weight_fraction >= -max_fraction && conv.weight_fraction <= max_fraction,
               "has fraction bits beyond 4096; rescale its weights");
}

}  // namespace

Result conv_rule(const Call& call, const Conv& conv) {
  call.require_inputs(1);
  const WindowPlan plan = plan_window(call, conv.window, conv.filters);
  check_conv(call, conv, plan);
  Result result;
  result.type_rule = TypeRule::accumulator;
  result.type.fraction = call[0].type().fraction + conv.weight_fraction;
  result.shape = plan.result;
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller

  call.require_operations(element_count(result.shape), conv.weights.size() / conv.bias.size());
  const std::vector<Interval>& range = *call[0].range;
  const int group_channels = plan.channels / conv.groups;
  const int group_filters = conv.filters / conv.groups;
  const std::size_t terms = static_cast<std::size_t>(group_channels) * plan.taps();
  std::vector<Interval> patch;
  const auto analyse = [&](int row, int column) {
    std::vector<Interval> filters;
    for (int group = 0; group < conv.groups; ++group) {
      patch.clear();
      for (int channel = 0; channel < group_channels; ++channel) {
        gather_channel(plan, range, group * group_channels + channel, row, column,
                       {conv.pad_value, conv.pad_value}, patch);
      }
      for (int filter = group * group_filters; filter < (group + 1) * group_filters; ++filter) {
        const auto f = static_cast<std::size_t>(filter);
        const LinearBounds bounds =
            linear_bounds(conv.weights.data() + f * terms, patch.data(), terms, conv.bias[f]);
        include(result.sums, bounds.sums);
        filters.push_back(narrow(bounds.total));
      }
    }
    return filters;
  };
  result.range = spread(plan, classify(plan, range), analyse);
  return result;
}

Result pool_rule(const Call& call, const Pool& pool) {
  call.require_inputs(1);
  const Operand& input = call[0];
  const WindowPlan plan = plan_window(call, pool.window, input.shape().empty() ? 1 : input.shape()[0]);
  for (const WindowAxis* axis : {&plan.y, &plan.x}) {
    const long long reach = static_cast<long long>(axis->kernel - 1) * axis->dilation;
    call.require(axis->pad_before <= reach && axis->pad_after <= reach,
                 "has more padding than its window reaches over; pad less");
    for (int output = 0; output < axis->outputs; ++output) {
      bool inside = false;
      for (int tap = 0; tap < axis->kernel && !inside; ++tap) inside = axis->position(output, tap) >= 0;
      call.require(inside, "has a window that lies in the padding alone; pad less");
    }
  }
  Result result;
  result.shape = plan.result;
  result.type = input.type();
  if (element_count(result.shape) > max_elements) return result;  // refused by the caller
  call.require_operations(element_count(result.shape), plan.taps());

  std::vector<Interval> patch;
  const auto analyse = [&](int row, int column) {
    std::vector<Interval> channels;
    for (int channel = 0; channel < plan.channels; ++channel) {
      patch.clear();
      constexpr Interval outside{0, -1};
      gather_channel(plan, *input.range, channel, row, column, outside, patch);
      std::erase(patch, outside);
      if (pool.kind == PoolKind::max) {
        Interval most = patch[0];
        for (const Interval& tap : patch) most = {std::max(most.low, tap.low), std::max(most.high, tap.high)};
        channels.push_back(most);
      } else {
        LinearBounds bounds;
        for (const Interval& tap : patch) add_term(bounds.total, bounds.sums, tap.low, tap.high);
        include(result.sums, bounds.sums);
        channels.push_back(narrow(bounds.total));
      }
    }
    return channels;
  };
  result.range = spread(plan, classify(plan, *input.range), analyse);
  if (pool.kind == PoolKind::sum) result.type_rule = TypeRule::accumulator;
  return result;
}

}  // namespace crible::network::rules
