#include <algorithm>
#include <map>

#include "sim/proof/function.hpp"

/// Equality of two functions over an interval, by pieces or by every value.
namespace crible::sim::proof {

namespace {

/// c + k * q
struct Affine {
  Integer c = 0;
  Integer k = 0;

  Integer at(Integer q) const { return c + k * q; }
  bool constant() const { return k == 0; }
};

constexpr Integer every_value_limit = Integer{1} << 18;
/// So many different results of a slice are split into pieces rather than residues: the first that leaves few
/// residues.
constexpr Integer piece_counts[] = {48, 2048, Integer{1} << 16};
constexpr int most_residue_bits = 13;
constexpr int most_mask_bits = 4;  // a word masked below that, as rounding to even does, is periodic
constexpr std::size_t piece_limit = std::size_t{1} << 19U;

/// Evaluates both functions over ranges of q, where t = 2^m q + r, splitting a range wherever a node is not
/// affine.
class Pieces {
 public:
  Pieces(const Functions& functions, std::vector<FunctionId> order, FunctionId f, FunctionId g,
         FunctionId cut)
      : functions_(functions), order_(std::move(order)), cut_(cut) {
    std::map<FunctionId, std::size_t> place;
    for (std::size_t i = 0; i < order_.size(); ++i) place[order_[i]] = i;
    for (const FunctionId id : order_) {
      std::vector<std::size_t>& list = operands_.emplace_back();
      if (id == cut) continue;
      for (const FunctionId operand : functions_[id].operands) list.push_back(place[operand]);
    }
    values_.resize(order_.size());
    f_ = place[f];
    g_ = place[g];
  }

  /// nullopt when the budget is spent; otherwise whether they agree, with a counterexample when not.
  std::optional<Agreement> run(Bounds t, int m) {
    const Integer step = power_of_two(m);
    for (Integer r = 0; r < step; ++r) {
      const Integer first = -floor_shift(-(t.low - r), m);  // ceil
      const Integer last = floor_shift(t.high - r, m);
      if (first > last) continue;
      open_.assign(1, {first, last});
      while (!open_.empty()) {
        if (++pieces_ > piece_limit) return std::nullopt;
        const Bounds q = open_.back();
        open_.pop_back();
        const Integer split = evaluate(r, step, q);
        if (split < q.high) {
          open_.push_back({split + 1, q.high});
          open_.push_back({q.low, split});
          continue;
        }
        for (const Integer end : {q.low, q.high}) {
          if (values_[f_].at(end) != values_[g_].at(end)) return Agreement{false, step * end + r, "pieces"};
        }
      }
    }
    return Agreement{true, std::nullopt, "pieces"};
  }

 private:
  /// The last q of the first piece: q.high when all nodes are affine over the whole of q.
  Integer evaluate(Integer r, Integer step, Bounds q) {
    for (std::size_t i = 0; i < order_.size(); ++i) {
      const Integer split = node(i, r, step, q);
      if (split < q.high) return split;
    }
    return q.high;
  }

  /// The last q at which the monotone v stays below (k > 0: < limit) or above it (k < 0: >= limit).
  static Integer last_before(Affine v, Integer limit) {
    const Integer distance = limit - v.c;
    if (v.k > 0) return divide_down(distance - 1, v.k);
    return divide_down(-distance, -v.k);
  }
  static Integer divide_down(Integer a, Integer b) {  // b > 0
    const Integer quotient = a / b;
    return a % b < 0 ? quotient - 1 : quotient;
  }

  /// Splits where floor(v / 2^low) changes; otherwise it is constant and stored.
  static Integer floor_node(Affine v, int low, Bounds q, Affine& result) {
    const Integer divisor = power_of_two(low);
    if (v.k % divisor == 0) {
      result = {floor_shift(v.c, low), v.k / divisor};
      return q.high;
    }
    const Integer start = floor_shift(v.at(q.low), low);
    if (start == floor_shift(v.at(q.high), low)) {
      result = {start, 0};
      return q.high;
    }
    return last_before(v, v.k > 0 ? (start + 1) * divisor : start * divisor);
  }

  static Integer slice_node(const Function& function, Affine v, Bounds q, Affine& result) {
    Affine shifted = v;
    if (function.low > 0) {
      const Integer split = floor_node(v, function.low, q, shifted);
      if (split < q.high) return split;
    }
    result = shifted;
    if (function.width == 0) return q.high;
    const Integer half = function.kind == FunctionKind::slice_sign ? power_of_two(function.width - 1) : 0;
    if (shifted.k % power_of_two(function.width) == 0) {
      result = {low_bits(shifted.c + half, function.width) - half, 0};
      return q.high;
    }
    const Affine moved{shifted.c + half, shifted.k};
    const Integer first = floor_shift(moved.at(q.low), function.width);
    if (first != floor_shift(moved.at(q.high), function.width)) {
      const Integer size = power_of_two(function.width);
      return last_before(moved, moved.k > 0 ? (first + 1) * size : first * size);
    }
    result.c = shifted.c - first * power_of_two(function.width);
    return q.high;
  }

  /// Splits where the sign of v changes; otherwise says whether v < 0 throughout.
  static Integer sign_split(Affine v, Bounds q, bool& negative) {
    negative = v.at(q.low) < 0;
    if (negative == (v.at(q.high) < 0)) return q.high;
    return last_before(v, 0);
  }

  static Integer equal_node(Affine v, Bounds q, Affine& result) {
    if (v.constant()) {
      result = {v.c == 0 ? 1 : 0, 0};
      return q.high;
    }
    if (-v.c % v.k != 0 || -v.c / v.k < q.low || -v.c / v.k > q.high) {
      result = {0, 0};
      return q.high;
    }
    const Integer root = -v.c / v.k;
    if (root > q.low) return root - 1;
    result = {1, 0};
    return root;
  }

  Integer node(std::size_t i, Integer r, Integer step, Bounds q) {
    const Function& function = functions_[order_[i]];
    Affine& result = values_[i];
    const auto of = [&](std::size_t operand) { return values_[operands_[i][operand]]; };
    const auto difference = [&] { return Affine{of(0).c - of(1).c, of(0).k - of(1).k}; };
    bool negative = false;
    if (order_[i] == cut_) {
      result = {r, step};
      return q.high;
    }
    switch (function.kind) {
      case FunctionKind::argument:
        return q.high;
      case FunctionKind::linear:
        result = {function.constant, 0};
        for (std::size_t j = 0; j < function.coefficients.size(); ++j) {
          result.c = checked(result.c + product(function.coefficients[j], of(j).c));
          result.k = checked(result.k + product(function.coefficients[j], of(j).k));
        }
        return q.high;
      case FunctionKind::slice:
      case FunctionKind::slice_sign:
        return slice_node(function, of(0), q, result);
      case FunctionKind::less: {
        const Integer split = sign_split(difference(), q, negative);
        result = {negative ? 1 : 0, 0};
        return split;
      }
      case FunctionKind::equal:
        return equal_node(difference(), q, result);
      case FunctionKind::minimum:
      case FunctionKind::maximum: {
        const Integer split = sign_split(difference(), q, negative);
        result = negative == (function.kind == FunctionKind::minimum) ? of(0) : of(1);
        return split;
      }
      case FunctionKind::choose:
        if (!of(0).constant()) return q.low;
        result = of(0).c != 0 ? of(1) : of(2);
        return q.high;
      case FunctionKind::bit_and:
      case FunctionKind::bit_or:
      case FunctionKind::bit_xor:
        return bitwise_node(function, of(0), of(1), q, result);
      case FunctionKind::multiply:
        if (!of(0).constant() && !of(1).constant()) return halves(q, of(0), of(1), function, result);
        result = of(0).constant() ? Affine{product(of(0).c, of(1).c), product(of(0).c, of(1).k)}
                                  : Affine{product(of(0).c, of(1).c), product(of(0).k, of(1).c)};
        return q.high;
      case FunctionKind::table:
        return halves(q, of(0), of(0), function, result);
    }
    return q.high;
  }

  static Integer bitwise_node(const Function& function, Affine a, Affine b, Bounds q, Affine& result) {
    if (a.constant()) std::swap(a, b);
    if (!b.constant()) return halves(q, a, b, function, result);
    Affine common;
    const Integer split = masked_node(a, b.c, q, common);
    if (split < q.high) return split;
    if (function.kind == FunctionKind::bit_and) result = common;
    if (function.kind == FunctionKind::bit_or) result = {a.c + b.c - common.c, a.k - common.k};
    if (function.kind == FunctionKind::bit_xor) result = {a.c + b.c - 2 * common.c, a.k - 2 * common.k};
    return q.high;
  }

  /// v & mask: the sum of the slices that the mask's runs of ones select.
  static Integer masked_node(Affine v, Integer mask, Bounds q, Affine& result) {
    result = {};
    int low = 0;
    while (mask != 0) {
      const int zeros = factors_of_two(mask);
      low += zeros;
      mask >>= zeros;
      Function run;
      run.kind = FunctionKind::slice;
      run.low = low;
      run.width = mask == -1 ? 0 : factors_of_two(mask + 1);
      Affine part;
      const Integer split = slice_node(run, v, q, part);
      if (split < q.high) return split;
      result.c = checked(result.c + product(part.c, power_of_two(low)));
      result.k = checked(result.k + product(part.k, power_of_two(low)));
      if (run.width == 0) break;
      low += run.width;
      mask >>= run.width;
    }
    return q.high;
  }

  /// A node that is taken value by value: splits until both operands are constant.
  static Integer halves(Bounds q, Affine a, Affine b, const Function& function, Affine& result) {
    if (q.low < q.high && (!a.constant() || !b.constant())) return q.low + (q.high - q.low) / 2;
    const Integer operands[] = {a.at(q.low), b.at(q.low)};
    result = {apply(function, operands), 0};
    return q.high;
  }

  const Functions& functions_;
  std::vector<FunctionId> order_;
  FunctionId cut_;
  std::vector<std::vector<std::size_t>> operands_;
  std::vector<Affine> values_;
  std::size_t f_ = 0;
  std::size_t g_ = 0;
  std::vector<Bounds> open_;
  std::size_t pieces_ = 0;
};

bool is_bitwise(FunctionKind kind) {
  return kind == FunctionKind::bit_and || kind == FunctionKind::bit_or || kind == FunctionKind::bit_xor;
}

/// The number of bits below the sign of all values.
int mask_bits(Bounds bounds) {
  const Integer reach = std::max(bounds.high, -1 - bounds.low);
  int bits = 0;
  while (power_of_two(bits) <= reach) ++bits;
  return bits;
}

/// m such that over t = 2^m q + r the slices are affine in q but for a few breakpoints. For each node: how
/// many low bits of t its periodic part needs, and by what power of two its slope is divided.
int residue_bits(const Functions& functions, const std::vector<FunctionId>& order, Bounds t, FunctionId cut,
                 Integer few) {
  struct Depth {
    int period = 0;
    int divided = 0;
  };
  std::map<FunctionId, Depth> depths;
  int most = 0;
  for (const FunctionId id : order) {
    const Function& function = functions[id];
    Depth result;
    if (id == cut) continue;
    for (std::size_t i = 0; i < function.operands.size(); ++i) {
      Depth below = depths[function.operands[i]];
      if (function.kind == FunctionKind::linear) below.divided -= factors_of_two(function.coefficients[i]);
      result.period = std::max(result.period, below.period);
      result.divided = std::max(result.divided, below.divided);
    }
    if (function.kind == FunctionKind::slice || function.kind == FunctionKind::slice_sign) {
      const Bounds of = functions.bounds(function.operands[0], t, cut);
      const Integer results = floor_shift(of.high, function.low) - floor_shift(of.low, function.low) + 1;
      result.divided += function.low;
      if (function.width > 0 && floor_shift(results, function.width) > few) {
        result = {std::max(result.period, result.divided + function.width), 0};
      } else if (results > few) {
        result.period = std::max(result.period, result.divided);
      } else {
        result.divided = 0;
      }
    }
    if (is_bitwise(function.kind)) {
      for (const FunctionId operand : function.operands) {
        const int bits = mask_bits(functions.bounds(operand, t, cut));
        if (bits <= most_mask_bits) result.period = std::max(result.period, result.divided + bits);
      }
    }
    depths[id] = result;
    most = std::max(most, result.period);
  }
  return most;
}

}  // namespace

/// A slice through which alone both functions see t, the last one.
std::optional<FunctionId> Functions::common_cut(FunctionId f, FunctionId g) const {
  const std::vector<FunctionId> order = order_of({f, g});
  for (auto it = order.rbegin(); it != order.rend(); ++it) {
    const FunctionKind kind = (*this)[*it].kind;
    if (kind != FunctionKind::slice && kind != FunctionKind::slice_sign && kind != FunctionKind::linear)
      continue;
    const std::vector<FunctionId> above = order_of({f, g}, *it);
    if (above.front() != argument() && std::find(above.begin(), above.end(), *it) != above.end()) return *it;
  }
  return std::nullopt;
}

Agreement Functions::agree(FunctionId f, FunctionId g, Bounds range) const {
  if (f == g) return {true, std::nullopt, "pieces"};
  // What agrees for every value of a common part agrees for every t.
  if (const auto cut = common_cut(f, g)) {
    const Agreement agreement = agree(f, g, bounds(*cut, range), *cut);
    if (agreement.proven) return agreement;
  }
  return agree(f, g, range, argument());
}

/// The interval without its ends at which both are one and the same constant, as saturation makes them.
Bounds Functions::without_equal_ends(FunctionId f, FunctionId g, Bounds range, FunctionId cut) const {
  const auto equal_on = [&](Integer low, Integer high) {
    const Bounds of_f = bounds(f, {low, high}, cut);
    return of_f.low == of_f.high && bounds(g, {low, high}, cut) == of_f;
  };
  const auto reach = [&](auto holds) {  // the largest n <= size such that holds(n)
    Integer good = 0;
    Integer bad = range.size() + 1;
    while (bad - good > 1) {
      const Integer middle = good + (bad - good) / 2;
      (holds(middle) ? good : bad) = middle;
    }
    return good;
  };
  range.low += reach([&](Integer n) { return equal_on(range.low, range.low + n - 1); });
  if (range.low > range.high) return range;
  range.high -= reach([&](Integer n) { return equal_on(range.high - n + 1, range.high); });
  return range;
}

Agreement Functions::agree(FunctionId f, FunctionId g, Bounds range, FunctionId cut) const {
  range = without_equal_ends(f, g, range, cut);
  if (range.low > range.high) return {true, std::nullopt, "pieces"};
  const std::vector<FunctionId> order = order_of({f, g}, cut);
  for (const Integer few : piece_counts) {
    const int m = residue_bits(*this, order, range, cut, few);
    if (m > most_residue_bits || range.size() <= 4 * power_of_two(m)) continue;
    Pieces pieces(*this, order, f, g, cut);
    if (const auto result = pieces.run(range, m)) return *result;
  }
  if (range.size() > every_value_limit) return {false, std::nullopt, "too many values"};
  for (Integer low = range.low; low <= range.high; low += 1 << 16) {
    std::vector<Integer> points;
    for (Integer t = low; t <= range.high && t < low + (1 << 16); ++t) points.push_back(t);
    const std::vector<Integer> a = evaluate(f, points, cut);
    const std::vector<Integer> b = evaluate(g, points, cut);
    for (std::size_t i = 0; i < points.size(); ++i) {
      if (a[i] != b[i]) return {false, points[i], "every value"};
    }
  }
  return {true, std::nullopt, "every value"};
}

}  // namespace crible::sim::proof
