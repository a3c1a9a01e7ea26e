#include <algorithm>
#include <bit>

#include "engine/codegen/renderer.hpp"
#include "engine/network/words.hpp"

/// The three operations that lose bits, and clamp.
namespace crible::codegen {

using namespace network;

namespace {

template <class Number>
bool uniform(const std::vector<Number>& list) {
  return std::ranges::all_of(list, [&](Number value) { return value == list[0]; });
}

std::uint64_t magnitude(std::int64_t value) {
  return value < 0 ? -static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value);
}

template <class Number>
std::uint64_t largest(const std::vector<Number>& list) {
  std::uint64_t most = 0;
  for (const Number value : list) most = std::max(most, magnitude(value));
  return most;
}

/// Whether every step of the requantize, its rounding included, stays within 32 bits.
bool is_narrow(const Requantize& o, Interval range) {
  using Wide = unsigned __int128;
  const int shift = *std::ranges::max_element(o.shift);
  if (!fits_i32(range) || shift > 30 || largest(o.multiplier) >> 32 != 0) return false;
  const std::uint64_t most = std::max(magnitude(range.low), magnitude(range.high));
  const Wide bound = Wide{most} * largest(o.multiplier) + largest(o.offset) + (std::uint64_t{1} << shift) +
                     largest(o.zero_point);
  return bound < (Wide{1} << 31);
}

}  // namespace

/// Which entry of an attribute list the element at `index` has, as SEMANTICS.md decides it.
std::string Renderer::entry(std::size_t entries, const Node& node, int axis, std::string_view index) const {
  if (entries == 1) return "0";
  const std::size_t own = static_cast<std::size_t>(axis);
  const bool by_axis = own < node.shape.size() && entries == static_cast<std::size_t>(node.shape[own]);
  if (!by_axis) return std::string(index);
  const bool is_known = known_.variable != nullptr && own == known_.axis && node.shape == known_.shape;
  return is_known ? known_.variable : axis_index(node.shape, own, index);
}

std::string Renderer::requantize(Scope& scope, NodeId id, const Requantize& o, const std::string& value,
                                 std::string_view index) {
  const Node& node = scope.node(id);
  const std::string stem = join("c_", scope.name(id), "_");
  const bool wide = !is_narrow(o, scope.range(node.inputs[0]));
  const char* bits = wide ? "64" : "32";
  // A number where all entries agree, else an element of a table.
  const auto attribute = [&](const auto& list, const char* what) {
    if (uniform(list)) return literal(list[0], wide);
    const std::vector<std::int64_t> values(list.begin(), list.end());
    return join(table(stem + what, values), "[", entry(list.size(), node, o.axis, index), "]");
  };
  std::string text = wide && !scope.wide(node.inputs[0]) ? "(i64)" + value : value;
  if (!uniform(o.multiplier) || o.multiplier[0] != 1) {
    text = join(text, " * ", attribute(o.multiplier, "multiplier"));
  }
  if (!uniform(o.offset) || o.offset[0] != 0) text = join(text, " + ", attribute(o.offset, "offset"));
  if (!uniform(o.shift) || o.shift[0] != 0) {
    const std::string shift = uniform(o.shift) ? std::to_string(o.shift[0]) : attribute(o.shift, "shift");
    text = join(word(o.rounding), bits, "(", text, ", ", shift, ")");
  }
  if (!uniform(o.zero_point) || o.zero_point[0] != 0) {
    text = join(text, " + ", attribute(o.zero_point, "zero_point"));
  }
  if (o.overflow == Overflow::wrap) {
    if (node.type.width == 32 && !wide && node.type.is_signed) return text;
    // An unsigned result of 32 bits may be beyond i32.
    const char* width_bits = node.type.width == 32 ? "64" : bits;
    return join(node.type.is_signed ? "wrap_signed" : "wrap_unsigned", width_bits, "(", text, ", ",
                node.type.width, ")");
  }
  const bool symmetric = o.overflow == Overflow::saturate_symmetric && node.type.is_signed;
  Interval limits{symmetric ? -highest(node.type) : lowest(node.type), highest(node.type)};
  constexpr Interval i32{-2147483648LL, 2147483647LL};
  if (!wide) limits = {std::max(limits.low, i32.low), std::min(limits.high, i32.high)};
  return join("clamp", bits, "(", text, ", ", literal(limits.low, wide), ", ", literal(limits.high, wide),
              ")");
}

/// Counts the thresholds up to the value by halving: the row ascends.
std::string Renderer::threshold(Scope& scope, NodeId id, const Threshold& o, const std::string& value,
                                std::string_view index) {
  const Node& node = scope.node(id);
  const std::string stem = scope.name(id);
  const auto attribute = [&](const auto& list, const char* what) {
    if (uniform(list)) return literal(list[0], false);
    const std::vector<std::int64_t> values(list.begin(), list.end());
    return join(table(join("c_", stem, "_", what), values), "[", entry(list.size(), node, o.axis, index),
                "]");
  };
  const std::string count = join("n_", stem);
  code_.line("i32 ", count, " = 0;");
  if (o.steps > 0) {
    const std::string list = table(join("c_", stem, "_thresholds"), o.thresholds);
    const std::string row = entry(o.base.size(), node, o.axis, index);
    const std::string start = row == "0" ? "" : join("(", row, ") * ", o.steps, " + ");
    code_.open("for (i32 jump = ", std::bit_floor(static_cast<unsigned>(o.steps)), "; jump > 0; jump /= 2)");
    code_.line("if (", count, " + jump <= ", o.steps, " && ", value, " >= ", list, "[", start, count,
               " + jump - 1]) ", count, " += jump;");
    code_.close();
  }
  const bool all_up = uniform(o.sign) && o.sign[0] == 1;
  const std::string base = scope.wide(id) ? "(i64)" : "";
  if (all_up) return join(base, attribute(o.base, "base"), " + ", count);
  return join(base, attribute(o.base, "base"), " + ", attribute(o.sign, "sign"), " * ", count);
}

std::string Renderer::lookup(Scope& scope, NodeId id, const Lookup& o, const std::string& value,
                             std::string_view index) {
  const Node& node = scope.node(id);
  const std::string list = table(join("c_", scope.name(id), "_table"), o.table);
  const std::size_t rows = static_cast<std::size_t>(o.rows);
  const std::string row = entry(rows, node, o.axis, index);
  const std::string start = row == "0" ? "" : join("(", row, ") * ", o.table.size() / rows, " + ");
  if (o.first == 0) return join(list, "[", start, value, "]");
  return join(list, "[", start, "(i32)(", value, o.first < 0 ? " + " : " - ",
              literal(static_cast<std::int64_t>(magnitude(o.first)), scope.wide(node.inputs[0])), ")]");
}

std::string Renderer::clamp(Scope& scope, NodeId id, const Clamp& o, const std::string& value) {
  const bool wide = scope.wide(scope.node(id).inputs[0]) || scope.wide(id);
  constexpr Interval i32{-2147483648LL, 2147483647LL};
  Interval limits{o.low, o.high};
  if (!wide) {
    limits = {std::clamp(o.low, i32.low, i32.high), std::clamp(o.high, i32.low, i32.high)};
  }
  return join(wide ? "clamp64(" : "clamp32(", value, ", ", literal(limits.low, wide), ", ",
              literal(limits.high, wide), ")");
}

}  // namespace crible::codegen
