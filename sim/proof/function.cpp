#include "sim/proof/function.hpp"

#include <algorithm>
#include <map>

namespace crible::sim::proof {

namespace {

void mix(std::size_t& hash, Integer value) {
  hash ^= static_cast<std::size_t>(value) + 0x9e3779b97f4a7c15U + (hash << 6U) + (hash >> 2U);
  hash ^= static_cast<std::size_t>(value >> 64) * 31;
}

Integer slice_of(const Function& function, Integer value) {
  const Integer shifted = floor_shift(value, function.low);
  if (function.width == 0) return shifted;
  return function.kind == FunctionKind::slice_sign ? low_bits_signed(shifted, function.width)
                                                   : low_bits(shifted, function.width);
}

Bounds hull(std::initializer_list<Integer> values) {
  return {std::min(values), std::max(values)};
}

Bounds slice_bounds(const Function& function, Bounds operand) {
  const Bounds shifted{floor_shift(operand.low, function.low), floor_shift(operand.high, function.low)};
  if (function.width == 0) return shifted;
  const Integer low = slice_of(function, operand.low);
  const Integer high = slice_of(function, operand.high);
  if (shifted.size() <= power_of_two(function.width) && high - low == shifted.high - shifted.low) {
    return {low, high};
  }
  const Integer half = power_of_two(function.width - 1);
  if (function.kind == FunctionKind::slice_sign) return {-half, half - 1};
  return {0, 2 * half - 1};
}

Bounds table_bounds(const Function& function, Bounds operand) {
  const Integer last = static_cast<Integer>(function.values.size()) - 1;
  const auto place = [&](Integer t) {
    return function.values.begin() +
           static_cast<std::ptrdiff_t>(std::clamp<Integer>(t - function.constant, 0, last));
  };
  const auto [least, most] = std::minmax_element(place(operand.low), place(operand.high) + 1);
  return {*least, *most};
}

/// The smallest 2^n - 1 that is at least the value.
Integer all_ones_above(Integer value) {
  Integer mask = 0;
  while (mask < value) mask = 2 * mask + 1;
  return mask;
}

Bounds bitwise_bounds(FunctionKind kind, Bounds a, Bounds b) {
  if (a.low == a.high && b.low == b.high) {
    const Integer value = kind == FunctionKind::bit_and  ? a.low & b.low
                          : kind == FunctionKind::bit_or ? a.low | b.low
                                                         : a.low ^ b.low;
    return {value, value};
  }
  if (a.low >= 0 && b.low >= 0) {
    if (kind == FunctionKind::bit_and) return {0, std::min(a.high, b.high)};
    return {0, all_ones_above(std::max(a.high, b.high))};
  }
  if (kind == FunctionKind::bit_and && a.low >= 0) return {0, a.high};
  if (kind == FunctionKind::bit_and && b.low >= 0) return {0, b.high};
  const Integer reach = all_ones_above(std::max({-a.low, a.high, -b.low, b.high}));
  return {-reach - 1, reach};
}

}  // namespace

Integer apply(const Function& function, const Integer* x) {
  switch (function.kind) {
    case FunctionKind::argument:
      return x[0];
    case FunctionKind::linear: {
      Integer sum = function.constant;
      for (std::size_t i = 0; i < function.coefficients.size(); ++i) {
        sum = checked(sum + product(function.coefficients[i], x[i]));
      }
      return sum;
    }
    case FunctionKind::slice:
    case FunctionKind::slice_sign:
      return slice_of(function, x[0]);
    case FunctionKind::less:
      return x[0] < x[1] ? 1 : 0;
    case FunctionKind::equal:
      return x[0] == x[1] ? 1 : 0;
    case FunctionKind::choose:
      return x[0] != 0 ? x[1] : x[2];
    case FunctionKind::minimum:
      return std::min(x[0], x[1]);
    case FunctionKind::maximum:
      return std::max(x[0], x[1]);
    case FunctionKind::bit_and:
      return x[0] & x[1];
    case FunctionKind::bit_or:
      return x[0] | x[1];
    case FunctionKind::bit_xor:
      return x[0] ^ x[1];
    case FunctionKind::multiply:
      return product(x[0], x[1]);
    case FunctionKind::table: {
      const Integer last = static_cast<Integer>(function.values.size()) - 1;
      const Integer index = std::clamp<Integer>(x[0] - function.constant, 0, last);
      return function.values[static_cast<std::size_t>(index)];
    }
  }
  return 0;
}

std::size_t Functions::Hash::operator()(const Function& function) const {
  std::size_t hash = static_cast<std::size_t>(function.kind);
  for (const FunctionId operand : function.operands) mix(hash, operand);
  for (const Integer coefficient : function.coefficients) mix(hash, coefficient);
  mix(hash, function.constant);
  mix(hash, function.low * 1000 + function.width);
  for (const Integer value : function.values) mix(hash, value);
  return hash;
}

Functions::Functions() {
  intern(Function{});
}

FunctionId Functions::intern(Function function) {
  const auto found = ids_.find(function);
  if (found != ids_.end()) return found->second;
  const auto id = static_cast<FunctionId>(all_.size());
  all_.push_back(function);
  ids_.emplace(std::move(function), id);
  return id;
}

std::optional<Integer> Functions::constant_of(FunctionId id) const {
  const Function& function = (*this)[id];
  if (function.kind == FunctionKind::linear && function.operands.empty()) return function.constant;
  return std::nullopt;
}

FunctionId Functions::constant(Integer value) {
  return linear({}, value);
}

FunctionId Functions::linear(const std::vector<std::pair<FunctionId, Integer>>& terms, Integer constant) {
  std::map<FunctionId, Integer> sum;
  const auto add = [&sum](FunctionId id, Integer coefficient) { sum[id] = checked(sum[id] + coefficient); };
  for (const auto& [id, coefficient] : terms) {
    const Function& function = (*this)[id];
    if (function.kind != FunctionKind::linear) {
      add(id, coefficient);
      continue;
    }
    constant = checked(constant + product(coefficient, function.constant));
    for (std::size_t i = 0; i < function.operands.size(); ++i) {
      add(function.operands[i], product(coefficient, function.coefficients[i]));
    }
  }
  Function result;
  result.kind = FunctionKind::linear;
  result.constant = constant;
  for (const auto& [id, coefficient] : sum) {
    if (coefficient == 0) continue;
    result.operands.push_back(id);
    result.coefficients.push_back(coefficient);
  }
  if (constant == 0 && result.operands.size() == 1 && result.coefficients[0] == 1) return result.operands[0];
  return intern(std::move(result));
}

FunctionId Functions::slice(FunctionId operand, int low, int width, bool sign) {
  if (low == 0 && width == 0) return operand;
  if (width > 0) operand = modulo(operand, low + width);
  Function result;
  result.kind = sign ? FunctionKind::slice_sign : FunctionKind::slice;
  result.operands = {operand};
  result.low = low;
  result.width = width;
  if (const auto value = constant_of(operand)) return constant(slice_of(result, *value));
  return intern(std::move(result));
}

/// A linear operand with its coefficients reduced modulo 2^bits, where only so many bits of it are looked at.
FunctionId Functions::modulo(FunctionId operand, int bits) {
  const Function of = (*this)[operand];
  if (of.kind != FunctionKind::linear || of.operands.empty() || bits > 100) return operand;
  std::vector<std::pair<FunctionId, Integer>> terms;
  for (std::size_t i = 0; i < of.operands.size(); ++i) {
    terms.emplace_back(of.operands[i], low_bits_signed(of.coefficients[i], bits + 1));
  }
  return linear(terms, of.constant);
}

std::optional<int> Functions::deciding_bits(FunctionId root) const {
  struct Dependence {
    bool decided = false;    // by t mod 2^bits
    bool congruent = false;  // its lowest m bits are decided by t mod 2^max(m, bits)
    int bits = 0;
  };
  std::map<FunctionId, Dependence> all;
  for (const FunctionId id : order_of({root})) {
    const Function& function = (*this)[id];
    Dependence result{true, true, 0};
    for (const FunctionId operand : function.operands) {
      const Dependence& of = all[operand];
      result.decided = result.decided && of.decided;
      result.congruent = result.congruent && (of.congruent || of.decided);
      result.bits = std::max(result.bits, of.bits);
    }
    if (function.kind == FunctionKind::argument) {
      result.decided = false;
    } else if ((function.kind == FunctionKind::slice || function.kind == FunctionKind::slice_sign) &&
               function.width > 0 && result.congruent && !result.decided) {
      result = {true, true, std::max(result.bits, function.low + function.width)};
    } else if (function.kind != FunctionKind::linear && function.kind != FunctionKind::multiply) {
      result.congruent = result.decided;
    }
    all[id] = result;
  }
  const Dependence& of = all.at(root);
  return of.decided ? std::optional<int>(of.bits) : std::nullopt;
}

FunctionId Functions::scaled_argument(FunctionId root, Integer factor) {
  std::map<FunctionId, FunctionId> made;
  for (const FunctionId id : order_of({root})) {
    const Function of = (*this)[id];
    const auto operand = [&](std::size_t i) { return made.at(of.operands[i]); };
    switch (of.kind) {
      case FunctionKind::argument:
        made[id] = linear({{argument(), factor}}, 0);
        break;
      case FunctionKind::linear: {
        std::vector<std::pair<FunctionId, Integer>> terms;
        for (std::size_t i = 0; i < of.operands.size(); ++i)
          terms.emplace_back(operand(i), of.coefficients[i]);
        made[id] = linear(terms, of.constant);
        break;
      }
      case FunctionKind::slice:
      case FunctionKind::slice_sign:
        made[id] = slice(operand(0), of.low, of.width, of.kind == FunctionKind::slice_sign);
        break;
      case FunctionKind::choose:
        made[id] = choose(operand(0), operand(1), operand(2));
        break;
      case FunctionKind::table:
        made[id] = table(operand(0), of.constant, of.values);
        break;
      case FunctionKind::less:
      case FunctionKind::equal:
      case FunctionKind::minimum:
      case FunctionKind::maximum:
      case FunctionKind::bit_and:
      case FunctionKind::bit_or:
      case FunctionKind::bit_xor:
      case FunctionKind::multiply:
        made[id] = binary(of.kind, operand(0), operand(1));
        break;
    }
  }
  return made.at(root);
}

FunctionId Functions::binary(FunctionKind kind, FunctionId a, FunctionId b) {
  Function result;
  result.kind = kind;
  result.operands = {a, b};
  const auto x = constant_of(a);
  const auto y = constant_of(b);
  if (x && y) {
    const Integer values[] = {*x, *y};
    return constant(apply(result, values));
  }
  if (kind == FunctionKind::multiply && x) return linear({{b, *x}}, 0);
  if (kind == FunctionKind::multiply && y) return linear({{a, *y}}, 0);
  return intern(std::move(result));
}

FunctionId Functions::choose(FunctionId condition, FunctionId yes, FunctionId no) {
  if (const auto value = constant_of(condition)) return *value != 0 ? yes : no;
  if (yes == no) return yes;
  Function result;
  result.kind = FunctionKind::choose;
  result.operands = {condition, yes, no};
  return intern(std::move(result));
}

FunctionId Functions::table(FunctionId operand, Integer first, std::vector<Integer> values) {
  Function result;
  result.kind = FunctionKind::table;
  result.operands = {operand};
  result.constant = first;
  result.values = std::move(values);
  return intern(std::move(result));
}

std::vector<FunctionId> Functions::order_of(const std::vector<FunctionId>& roots, FunctionId cut) const {
  // Operands have smaller ids, so that ascending ids are an order of evaluation.
  std::vector<FunctionId> order;
  std::vector<FunctionId> open = roots;
  std::map<FunctionId, bool> seen;
  while (!open.empty()) {
    const FunctionId id = open.back();
    open.pop_back();
    if (seen[id]) continue;
    seen[id] = true;
    order.push_back(id);
    if (id == cut) continue;
    const Function& function = (*this)[id];
    open.insert(open.end(), function.operands.begin(), function.operands.end());
  }
  std::sort(order.begin(), order.end());
  return order;
}

Integer Functions::evaluate(FunctionId id, Integer t) const {
  return evaluate(id, std::vector{t}).front();
}

std::vector<Integer> Functions::evaluate(FunctionId id, const std::vector<Integer>& points) const {
  return evaluate(id, points, argument());
}

std::vector<Integer> Functions::evaluate(FunctionId id, const std::vector<Integer>& points,
                                         FunctionId cut) const {
  const std::vector<FunctionId> order = order_of({id}, cut);
  std::map<FunctionId, std::size_t> place;
  for (std::size_t i = 0; i < order.size(); ++i) place[order[i]] = i;
  std::vector<std::vector<std::size_t>> operands(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] == cut) continue;
    for (const FunctionId operand : (*this)[order[i]].operands) operands[i].push_back(place[operand]);
  }
  std::vector<Integer> values(order.size());
  std::vector<Integer> x;
  std::vector<Integer> results;
  results.reserve(points.size());
  for (const Integer t : points) {
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (order[i] == cut) {
        values[i] = t;
        continue;
      }
      x.clear();
      for (const std::size_t operand : operands[i]) x.push_back(values[operand]);
      values[i] = apply((*this)[order[i]], x.data());
    }
    results.push_back(values.back());
  }
  return results;
}

Bounds Functions::bounds(FunctionId id, Bounds t, FunctionId cut) const {
  const std::vector<FunctionId> order = order_of({id}, cut);
  std::map<FunctionId, Bounds> all;
  for (const FunctionId each : order) {
    const Function& function = (*this)[each];
    const auto of = [&](std::size_t operand) { return all.at(function.operands[operand]); };
    Bounds result = t;
    if (each == cut) {
      all[each] = t;
      continue;
    }
    switch (function.kind) {
      case FunctionKind::argument:
        break;
      case FunctionKind::linear:
        result = {function.constant, function.constant};
        for (std::size_t i = 0; i < function.operands.size(); ++i) {
          const Integer a = product(function.coefficients[i], of(i).low);
          const Integer b = product(function.coefficients[i], of(i).high);
          result.low = checked(result.low + std::min(a, b));
          result.high = checked(result.high + std::max(a, b));
        }
        break;
      case FunctionKind::slice:
      case FunctionKind::slice_sign:
        result = slice_bounds(function, of(0));
        break;
      case FunctionKind::less:
        result = {of(0).high < of(1).low ? 1 : 0, of(0).low < of(1).high ? 1 : 0};
        break;
      case FunctionKind::equal:
        result = {of(0).low == of(0).high && of(0) == of(1) ? 1 : 0,
                  of(0).low <= of(1).high && of(1).low <= of(0).high ? 1 : 0};
        break;
      case FunctionKind::choose:
        if (of(0).low > 0 || of(0).high < 0 || (of(0).low == 0 && of(0).high == 0)) {
          result = of(0).low == 0 && of(0).high == 0 ? of(2) : of(1);
          break;
        }
        result = {std::min(of(1).low, of(2).low), std::max(of(1).high, of(2).high)};
        break;
      case FunctionKind::minimum:
        result = {std::min(of(0).low, of(1).low), std::min(of(0).high, of(1).high)};
        break;
      case FunctionKind::maximum:
        result = {std::max(of(0).low, of(1).low), std::max(of(0).high, of(1).high)};
        break;
      case FunctionKind::bit_and:
      case FunctionKind::bit_or:
      case FunctionKind::bit_xor:
        result = bitwise_bounds(function.kind, of(0), of(1));
        break;
      case FunctionKind::multiply:
        result = hull({product(of(0).low, of(1).low), product(of(0).low, of(1).high),
                       product(of(0).high, of(1).low), product(of(0).high, of(1).high)});
        break;
      case FunctionKind::table:
        result = table_bounds(function, of(0));
        break;
    }
    all[each] = result;
  }
  return all.at(id);
}

}  // namespace crible::sim::proof
