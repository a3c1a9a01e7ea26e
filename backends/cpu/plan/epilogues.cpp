#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "backends/cpu/plan/planner.hpp"

// What follows the sums of a product and can be done while they are still in registers: requantize where
// the proven ranges allow 32-bit shifts or 64-bit products, threshold by counting, and clamps behind them.
namespace crible::backends::cpu {

using network::Interval;
using network::Node;

namespace {

constexpr int scale_bias_bits = 62;  // lifts 64-bit values above zero: AVX2 only shifts unsigned ones

std::int64_t rounded(std::int64_t x, std::int64_t multiplier, std::int64_t offset, int shift,
                     RoundingTerms terms) {
  const std::int64_t t = x * multiplier + offset;
  const std::int64_t quotient = t >> shift;
  const std::int64_t rest = (t & ((std::int64_t{1} << shift) - 1)) + terms.plus +
                            ((t >> 63) & terms.if_negative) + (quotient & terms.if_odd);
  return quotient + (rest >> shift);
}

/// The parameters of one output of a requantize.
struct Parameters {
  std::int64_t multiplier;
  std::int64_t offset;
  int shift;
  std::int64_t zero_point;
  RoundingTerms terms;
};

Parameters parameters_of(const network::Requantize& r, const network::Shape& shape, std::uint32_t element) {
  const auto of = [&](const auto& list) { return list[entry_of(element, list.size(), shape, r.axis)]; };
  Parameters p{of(r.multiplier), of(r.offset), of(r.shift), of(r.zero_point), {}};
  p.terms = rounding_terms(r.rounding, p.shift);
  return p;
}

bool same(const Parameters& a, const Parameters& b) {
  return a.multiplier == b.multiplier && a.offset == b.offset && a.shift == b.shift &&
         a.zero_point == b.zero_point;
}

std::int32_t to_32(std::int64_t x) {
  return static_cast<std::int32_t>(std::clamp<std::int64_t>(x, std::numeric_limits<std::int32_t>::min(),
                                                            std::numeric_limits<std::int32_t>::max()));
}

/// Modulo 2^32.
std::int32_t wrapped(std::int64_t x) {
  return static_cast<std::int32_t>(static_cast<std::uint32_t>(x));
}

bool shift_is_exact(const Parameters& p, Interval sum) {
  const std::int64_t slack = p.terms.plus + 1;
  return p.multiplier == 1 && p.shift < 32 &&
         fits_32({sum.low + p.offset - slack, sum.high + p.offset + slack});
}

bool scale_is_exact(const Parameters& p, Interval sum) {
  const std::int64_t limit = std::int64_t{1} << (scale_bias_bits - 1);
  if (!fits_32({p.multiplier, p.multiplier}) || p.shift >= scale_bias_bits || p.terms.if_negative != 0)
    return false;
  if (p.terms.if_odd == 0 && p.shift == 0 && p.terms.plus != 0) return false;
  const std::int64_t a = sum.low * p.multiplier;
  const std::int64_t b = sum.high * p.multiplier;
  if (p.offset <= -limit / 2 || p.offset >= limit / 2 || p.terms.plus >= limit / 4) return false;
  return std::min(a, b) > -limit / 4 && std::max(a, b) < limit / 4;
}

/// Of each block the entries of even lanes, then those of odd ones.
std::vector<std::int64_t> evens_first(const std::vector<std::int64_t>& values, std::size_t block) {
  std::vector<std::int64_t> result;
  for (std::size_t first = 0; first < values.size(); first += block) {
    for (std::size_t parity : {0u, 1u}) {
      for (std::size_t i = parity; i < block; i += 2) result.push_back(values[first + i]);
    }
  }
  return result;
}

/// How far a shift is from 32 bits: by so much the multiplier and the offset can be enlarged instead.
int missing_to_32(const Parameters& p) {
  return std::max(0, 32 - p.shift);
}

bool high_half_is_exact(const Parameters& p, Interval sum) {
  if (!scale_is_exact(p, sum) || p.terms.if_odd != 0 || p.shift > 62) return false;
  const int more = missing_to_32(p);
  const std::int64_t limit = (std::int64_t{1} << 61) >> more;
  const std::int64_t enlarged = p.multiplier * (std::int64_t{1} << more);
  const std::int64_t largest =
      std::max(std::abs(sum.low * p.multiplier), std::abs(sum.high * p.multiplier)) + std::abs(p.offset);
  return fits_32({enlarged, enlarged}) && largest + p.terms.plus < limit;
}

}  // namespace

int only_reader(const network::Network& network, const std::vector<int>& uses, int id) {
  if (uses[static_cast<std::size_t>(id)] != 1) return -1;
  for (std::size_t i = static_cast<std::size_t>(id) + 1; i < network.nodes.size(); ++i) {
    const auto& inputs = network.nodes[i].inputs;
    if (!inputs.empty() && inputs[0] == id) return static_cast<int>(i);
    if (std::find(inputs.begin(), inputs.end(), id) != inputs.end()) return -1;
  }
  return -1;
}

bool Planner::can_requantize(const Context& context, int id, int next, const std::vector<Matrix>& matrices,
                             Finish& finish) const {
  const Node& node = context.network.nodes[static_cast<std::size_t>(next)];
  const auto& r = std::get<network::Requantize>(node.operation);
  const Interval bounds = overflow_bounds(node.type, r.overflow);
  bool all_shift = true;
  bool all_scale = true;
  bool all_high = true;
  bool some_unshifted = false;
  for (const Matrix& matrix : matrices) {
    for (std::uint32_t o = 0; o < matrix.outputs; ++o) {
      const Parameters p = parameters_of(r, node.shape, matrix.result[o]);
      Interval sum = context.ranges[static_cast<std::size_t>(id)][matrix.result[o]];
      for (std::size_t i = o; i < matrix.result.size(); i += matrix.outputs) {
        if (!same(p, parameters_of(r, node.shape, matrix.result[i]))) return false;
        sum = hull_of(sum, context.ranges[static_cast<std::size_t>(id)][matrix.result[i]]);
      }
      all_shift = all_shift && shift_is_exact(p, sum);
      all_scale = all_scale && scale_is_exact(p, sum);
      all_high = all_high && high_half_is_exact(p, sum);
      some_unshifted = some_unshifted || p.shift == 0;
      if (!all_shift && !all_scale) return false;
      const std::int64_t a = rounded(sum.low, p.multiplier, p.offset, p.shift, p.terms) + p.zero_point;
      const std::int64_t b = rounded(sum.high, p.multiplier, p.offset, p.shift, p.terms) + p.zero_point;
      const Interval result{std::min(a, b), std::max(a, b)};
      const std::int64_t room = 1 << 17;  // for the offset of the stored form
      if (!fits_32({result.low - room, result.high + room})) return false;
      if (!fits_32({p.zero_point - room, p.zero_point + room})) return false;
      if (!fits_32({result.low - p.zero_point, result.high - p.zero_point})) return false;
      if (r.overflow == network::Overflow::wrap && (result.low < bounds.low || result.high > bounds.high)) {
        return false;
      }
    }
  }
  finish = all_shift ? Finish::shift : all_high ? Finish::scale_high : Finish::scale;
  return all_shift || r.rounding != network::Rounding::half_even || !some_unshifted;
}

bool Planner::can_count(const Context& context, int id, int next, const std::vector<Matrix>& matrices) const {
  const Node& node = context.network.nodes[static_cast<std::size_t>(next)];
  const auto& t = std::get<network::Threshold>(node.operation);
  constexpr std::int64_t limit = 1 << 30;
  if (network::hull(context.ranges[static_cast<std::size_t>(id)]).high >=
      std::numeric_limits<std::int32_t>::max()) {
    return false;
  }
  for (std::int64_t base : t.base) {
    if (base <= -limit || base >= limit) return false;
  }
  for (const Matrix& matrix : matrices) {
    for (std::size_t i = 0; i < matrix.result.size(); ++i) {
      const std::uint32_t first = matrix.result[i % matrix.outputs];
      if (entry_of(first, t.base.size(), node.shape, t.axis) !=
          entry_of(matrix.result[i], t.base.size(), node.shape, t.axis)) {
        return false;
      }
    }
  }
  return true;
}

/// How far the sums of a node stay from the ends of int32.
std::int64_t Planner::early_room(const Context& context, int id) const {
  const Interval sums = network::hull(context.ranges[static_cast<std::size_t>(id)]);
  const std::int64_t top = std::numeric_limits<std::int32_t>::max();
  return std::max<std::int64_t>(0, top / 2 - std::max(std::abs(sums.low), std::abs(sums.high)));
}

Planner::Ending Planner::choose_ending(Context& context, int id, const std::vector<Matrix>& matrices) const {
  Ending ending;
  ending.node = id;
  int next = only_reader(context.network, context.uses, id);
  if (next < 0) return ending;
  const network::Operation& operation = context.network.nodes[static_cast<std::size_t>(next)].operation;
  const bool requantized = std::holds_alternative<network::Requantize>(operation) &&
                           can_requantize(context, id, next, matrices, ending.finish);
  const bool counted =
      std::holds_alternative<network::Threshold>(operation) && can_count(context, id, next, matrices);
  if (!requantized && !counted) {
    ending.finish = Finish::none;
    return ending;
  }
  if (counted) ending.finish = Finish::count;
  ending.node = ending.rounding = next;
  const Node& node = context.network.nodes[static_cast<std::size_t>(next)];
  ending.bounds = overflow_bounds(node.type, requantized ? std::get<network::Requantize>(operation).overflow
                                                         : network::Overflow::saturate);
  while ((next = only_reader(context.network, context.uses, ending.node)) >= 0) {
    const auto* clamp =
        std::get_if<network::Clamp>(&context.network.nodes[static_cast<std::size_t>(next)].operation);
    if (clamp == nullptr) break;
    ending.bounds.low = std::clamp(ending.bounds.low, clamp->low, clamp->high);
    ending.bounds.high = std::clamp(ending.bounds.high, clamp->low, clamp->high);
    context.done[static_cast<std::size_t>(ending.node)] = true;
    ending.node = next;
  }
  const Interval range = network::hull(context.ranges[static_cast<std::size_t>(ending.node)]);
  if (context.wants_packed[static_cast<std::size_t>(ending.node)]) {
    ending.form = fits(range, Form::bytes)    ? Form::bytes
                  : fits(range, Form::shorts) ? Form::shorts
                                              : Form::wide;
  }
  if (ending.form == Form::wide && !fits_32(range)) return Ending{id, -1, Form::wide, 0, Finish::none, {}, 0};
  ending.offset = offset_for(range, ending.form);
  ending.early_room = early_room(context, id);
  return ending;
}

Epilogue Planner::make_epilogue(const Context& context, const Ending& ending, const Matrix& matrix,
                                std::vector<std::int32_t>& bias, std::uint32_t padded) {
  Epilogue epilogue{};
  epilogue.finish = ending.finish;
  if (ending.finish == Finish::none) return epilogue;
  const Interval stored = ending.form == Form::bytes ? Interval{0, 255} : Interval{INT32_MIN, INT32_MAX};
  epilogue.low = to_32(std::clamp(ending.bounds.low - ending.offset, stored.low, stored.high));
  epilogue.high = to_32(std::clamp(ending.bounds.high - ending.offset, stored.low, stored.high));
  epilogue.low_bytes = wrapped(std::int64_t{epilogue.low} * 0x01010101);
  epilogue.high_bytes = wrapped(std::int64_t{epilogue.high} * 0x01010101);
  const Node& node = context.network.nodes[static_cast<std::size_t>(ending.rounding)];
  std::vector<std::int32_t> add(padded, 0);
  if (const auto* t = std::get_if<network::Threshold>(&node.operation)) {
    std::vector<std::int32_t> thresholds(std::size_t{padded} * static_cast<std::size_t>(t->steps), 0);
    std::vector<std::int32_t> sign(padded, 0);
    for (std::uint32_t o = 0; o < matrix.outputs; ++o) {
      const std::uint32_t row = entry_of(matrix.result[o], t->base.size(), node.shape, t->axis);
      for (int step = 0; step < t->steps; ++step) {
        thresholds[static_cast<std::size_t>(step) * padded + o] =
            to_32(t->thresholds[static_cast<std::size_t>(row) * static_cast<std::size_t>(t->steps) +
                                static_cast<std::size_t>(step)]);
      }
      sign[o] = t->sign[row];
      add[o] = static_cast<std::int32_t>(t->base[row] - ending.offset);
    }
    epilogue.adds = true;
    epilogue.steps = static_cast<std::uint32_t>(t->steps);
    epilogue.stride = padded;
    epilogue.thresholds = plan_.keep(thresholds);
    epilogue.sign = plan_.keep(sign);
    epilogue.add = plan_.keep(add);
    return epilogue;
  }

  const auto& r = std::get<network::Requantize>(node.operation);
  const bool is_scale = ending.finish == Finish::scale;
  const bool is_high = ending.finish == Finish::scale_high;
  std::vector<std::int32_t> shift(padded, 0), plus(padded, 0), mask(padded, 0), multiplier(padded, 0),
      correction(padded, 0);
  std::vector<std::int64_t> offset(padded, 0), wide_plus(padded, 0);
  epilogue.odd = rounding_terms(r.rounding, 1).if_odd != 0;
  epilogue.negative = rounding_terms(r.rounding, 1).if_negative != 0;
  for (std::uint32_t o = 0; o < matrix.outputs; ++o) {
    const Parameters p = parameters_of(r, node.shape, matrix.result[o]);
    const bool odd = epilogue.odd;
    const bool negative = epilogue.negative;
    shift[o] = p.shift;
    add[o] = static_cast<std::int32_t>(p.zero_point - ending.offset);
    multiplier[o] = static_cast<std::int32_t>(p.multiplier);
    if (is_scale) {
      offset[o] = p.offset + (std::int64_t{1} << scale_bias_bits) + (odd ? 0 : p.terms.plus);
      wide_plus[o] = odd ? p.terms.plus : 0;
      correction[o] = wrapped(-(std::int64_t{1} << (scale_bias_bits - p.shift)));
      continue;
    }
    if (is_high) {
      const std::int64_t more = std::int64_t{1} << missing_to_32(p);
      shift[o] = std::max(0, p.shift - 32);
      multiplier[o] = static_cast<std::int32_t>(p.multiplier * more);
      offset[o] = (p.offset + p.terms.plus) * more;
      continue;
    }
    mask[o] = static_cast<std::int32_t>(negative ? p.terms.if_negative : p.terms.if_odd);
    plus[o] = negative ? static_cast<std::int32_t>(p.terms.plus) : 0;
    bias[o] = wrapped(bias[o] + p.offset + (negative ? 0 : p.terms.plus));
    // What is added later can as well be added before the shift, unless it makes even results odd.
    const std::int64_t early = std::int64_t{add[o]} << p.shift;
    if (!negative && (!odd || add[o] % 2 == 0) &&
        ending.early_room >> p.shift > std::abs(std::int64_t{add[o]})) {
      bias[o] = wrapped(bias[o] + early);
      add[o] = 0;
    }
  }
  if (is_high && layout_ == Layout::single) offset = evens_first(offset, kernels_.block_single);
  const auto all_same = [&](const std::vector<std::int32_t>& list) {
    return std::all_of(list.begin(), list.begin() + matrix.outputs,
                       [&](std::int32_t x) { return x == list[0]; });
  };
  epilogue.uniform = all_same(shift) && all_same(mask);
  if (epilogue.uniform) {
    std::fill(shift.begin(), shift.end(), shift[0]);
    std::fill(mask.begin(), mask.end(), mask[0]);
  }
  epilogue.adds = std::any_of(add.begin(), add.end(), [](std::int32_t x) { return x != 0; });
  epilogue.shift = plan_.keep(shift);
  epilogue.plus = plan_.keep(plus);
  epilogue.mask = plan_.keep(mask);
  epilogue.multiplier = plan_.keep(multiplier);
  epilogue.offset = plan_.keep(offset);
  epilogue.wide_plus = plan_.keep(wide_plus);
  epilogue.correction = plan_.keep(correction);
  epilogue.add = plan_.keep(add);
  return epilogue;
}

}  // namespace crible::backends::cpu
